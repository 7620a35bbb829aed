import { Random, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import type { Batch } from "./batch.js";
import { cut, drawWindow } from "./crop.js";
import type { Dataset, DatasetCase } from "./dataset.js";
import { Loader, type Targets } from "./loader.js";

/** Cases of `size` whose pixels are numbered; the second channel counts down. */
function cases(sizes: readonly (readonly number[])[]): Dataset {
  const items = sizes.map((size): DatasetCase => {
    const pixels = size.reduce((a, b) => a * b, 1);
    const up = Int32Array.from({ length: pixels }, (_, i) => i);
    const image = Float32Array.from({ length: 2 * pixels }, (_, i) => (i < pixels ? i : pixels - i));
    return {
      image: tensor("float32", image, [2, ...size]),
      labels: tensor("int32", up, size),
      extras: {
        wide: tensor("int64", BigInt64Array.from(up, BigInt), size),
        once: tensor("float32", Float32Array.of(7), [1]),
      },
    };
  });
  return {
    names: items.map((_, i) => `case_${i}`),
    classes: 4096,
    channels: 2,
    rank: sizes[0]!.length,
    read: async (index) => items[index]!,
    source: (index) => `root/train/case_${index}.npz`,
  };
}

async function collect(loader: Loader, epoch = 0): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loader.epoch(epoch)) batches.push(batch);
  return batches;
}

test.each([
  [[5], [2]],
  [
    [4, 6],
    [3, 2],
  ],
  [
    [3, 5, 4],
    [2, 1, 4],
  ],
])("a window of %j of size %j, pixel by pixel", (spatial, size) => {
  const pixels = spatial.reduce((a, b) => a * b, 1);
  const source = tensor(
    "int32",
    Int32Array.from({ length: 2 * pixels }, (_, i) => i),
    [2, ...spatial],
  );
  const random = Random.fromSeed(3);
  for (let draw = 0; draw < 10; draw++) {
    const window = drawWindow(size, spatial, random, "a case");
    const expected: number[] = [];
    for (let i = 0; i < 2 * pixels; i++) {
      let rest = i % pixels;
      const at = spatial.map(() => 0);
      for (let axis = spatial.length - 1; axis >= 0; axis--) {
        at[axis] = rest % spatial[axis]!;
        rest = Math.floor(rest / spatial[axis]!);
      }
      const within = at.every((x, a) => x >= window.origin[a]! && x < window.origin[a]! + size[a]!);
      if (within) expected.push(i);
    }
    const got = cut(source, window);
    expect([got.dims, [...got.data]]).toEqual([[2, ...size], expected]);
  }
});

describe("a loader's windows", () => {
  test("every place comes up, in every epoch anew; images, labels, targets and extras keep together", async () => {
    const seen = new Set<number>();
    const targets: Targets = async ({ labels }) => ({
      t: { ...labels, dims: [1, 1, ...labels.dims.slice(1)] },
    });
    const loader = new Loader(cases([[4, 5]]), { batchSize: 1, crop: [3, 3], seed: 2, targets });
    for (let epoch = 0; epoch < 60; epoch++) {
      const [{ images, labels, extras, targets }] = (await collect(loader, epoch)) as [Batch];
      expect([images.dims, labels.dims]).toEqual([
        [1, 2, 3, 3],
        [1, 3, 3],
      ]);
      const first = labels.data[0]!;
      seen.add(first);
      const expected = [0, 1, 2, 5, 6, 7, 10, 11, 12].map((i) => first + i);
      expect([...labels.data]).toEqual(expected);
      expect([...images.data]).toEqual([...expected, ...expected.map((i) => 20 - (i + 20))]);
      expect([...targets!.t!.data]).toEqual(expected);
      expect([...extras.wide!.data].map(Number)).toEqual(expected);
      expect([...extras.once!.data]).toEqual([7]);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 5, 6, 7]);
  });

  test("targets are computed of the whole case, with and without keeping them, and flipped with the window", async () => {
    // The largest label of the case, which most windows do not hold.
    const targets: Targets = async ({ labels }) => ({
      t: tensor(
        "int32",
        labels.data.map((label) => label + Math.max(...labels.data)),
        labels.dims,
      ),
    });
    for (const targetCacheBytes of [0, 1e6]) {
      const options = { batchSize: 2, crop: [2, 2], augment: { flips: [0, 1] }, targets, targetCacheBytes };
      const loader = new Loader(
        cases([
          [6, 7],
          [6, 7],
          [6, 7],
        ]),
        options,
      );
      for (let epoch = 0; epoch < 5; epoch++) {
        for (const { labels, targets } of await collect(loader, epoch))
          expect([...targets!.t!.data]).toEqual([...labels.data].map((label) => label + 41));
      }
    }
  });

  test("cases of different sizes share a batch", async () => {
    const [batch] = await collect(
      new Loader(
        cases([
          [4, 5],
          [6, 3],
        ]),
        { batchSize: 2, crop: [3, 3] },
      ),
    );
    expect(batch!.images.dims).toEqual([2, 2, 3, 3]);
  });

  test("a case smaller than the window is named; sizes must fit the axes", async () => {
    const loader = new Loader(
      cases([
        [4, 5],
        [2, 9],
      ]),
      { batchSize: 2, crop: [3, 3] },
    );
    await expect(collect(loader)).rejects.toThrow(
      "crop: expected sizes of at most [2,9], the size of root/train/case_1.npz, got [3,3]",
    );
    for (const crop of [[3], [3, 0], [3, 1.5]])
      expect(() => new Loader(cases([[4, 5]]), { batchSize: 1, crop })).toThrow(
        "crop: expected 2 sizes of 1 or more",
      );
  });
});
