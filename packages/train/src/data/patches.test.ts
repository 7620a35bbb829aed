import { Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { scoredPart } from "../trainer/training-batch.js";
import type { Batch } from "./batch.js";
import type { Dataset, DatasetCase } from "./dataset-case.js";
import { foregroundLocations } from "./foreground-locations.js";
import { Loader, type Targets } from "./loader.js";
import { coveringWindows, cut, cutLabels, drawWindow } from "./patches.js";

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
    const window = drawWindow(size, spatial, random);
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
    const loader = new Loader(cases([[4, 5]]), { batchSize: 1, patches: { size: [3, 3] }, seed: 2, targets });
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
      const options = {
        batchSize: 2,
        patches: { size: [2, 2] },
        augment: { flips: [0, 1] },
        targets,
        targetCacheBytes,
      };
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
        { batchSize: 2, patches: { size: [3, 3] } },
      ),
    );
    expect(batch!.images.dims).toEqual([2, 2, 3, 3]);
  });

  test("a case smaller than the window lies in its middle, zeros and background around it", async () => {
    const loader = new Loader(cases([[2, 3]]), { batchSize: 1, patches: { size: [5, 4], foreground: 1 } });
    const [batch] = await collect(loader);
    // The extra column is the last one.
    const row = (first?: number): number[] =>
      first === undefined ? [0, 0, 0, 0] : [first, first + 1, first + 2, 0];
    const numbers = [undefined, 0, 3, undefined, undefined].flatMap(row);
    expect(Array.from(batch!.labels.data)).toEqual(numbers);
    expect(Array.from(batch!.images.data.subarray(0, 20))).toEqual(numbers);
    expect(Array.from(batch!.extras.wide!.data, Number)).toEqual(numbers);
    expect(batch!.filled).toBeUndefined();
  });

  test("labels beyond a case are ignored where the data set ignores any", async () => {
    const dataset = { ...cases([[2, 3]]), labelRange: { classes: 6, ignore: 255 } };
    const [batch] = await collect(new Loader(dataset, { batchSize: 1, patches: { size: [2, 5] } }));
    expect(Array.from(batch!.labels.data)).toEqual([255, 0, 1, 2, 255, 255, 3, 4, 5, 255]);
    expect(Array.from(batch!.images.data.subarray(0, 10))).toEqual([0, 0, 1, 2, 0, 0, 3, 4, 5, 0]);
    // A byte cannot hold the ignored label.
    const bytes = { type: "uint8", dims: [2], data: Uint8Array.of(1, 2) } as const;
    expect(cutLabels(bytes, { origin: [-1], size: [4] }, -1)).toEqual(
      tensor("int32", Int32Array.of(-1, 1, 2, -1), [4]),
    );
  });

  test("a small case is what it is padded by hand: image, labels and targets, also turned", async () => {
    const small = cases([[2, 3]]);
    const item = { ...(await small.read(0)), extras: {} };
    const pad = <T extends Tensor>(array: T): T =>
      cut(array as Tensor, { origin: [-1, -1], size: [4, 5] }) as T;
    const byHand = { ...item, image: pad(item.image), labels: pad(item.labels as Tensor<"int32">) };
    // The number of pixels with a label at least as large: it depends on the whole image.
    const targets: Targets = async ({ labels }) => {
      const ranks = Float32Array.from(labels.data, (value) => labels.data.filter((v) => v >= value).length);
      return { ranks: tensor("float32", ranks, labels.dims) };
    };
    const augment = { rotation: { probability: 1, degrees: [40] }, flips: [0] };
    for (const options of [{}, { augment }]) {
      const [ours, theirs] = [item, byHand].map(
        (one) =>
          new Loader(
            { ...small, read: async () => one },
            { batchSize: 2, patches: { size: [4, 5], perEpoch: 4 }, targets, ...options },
          ),
      );
      expect(await collect(ours!)).toEqual(await collect(theirs!));
    }
  });

  test("sizes must fit the axes", () => {
    for (const size of [[3], [3, 0], [3, 1.5]])
      expect(() => new Loader(cases([[4, 5]]), { batchSize: 1, patches: { size } })).toThrow(
        "patches.size: expected 2 sizes of 1 or more",
      );
  });

  test.each([
    [{ perEpoch: 0 }, "patches.perEpoch: expected an integer of 1 or more, got 0"],
    [{ foreground: 1.5 }, "patches.foreground: expected a share from 0 to 1, got 1.5"],
    [{ foregrund: 1 }, 'patches.foregrund: unknown option (did you mean "foreground"?)'],
  ])("%j is refused", (wrong, message) => {
    const patches = { size: [2, 2], ...wrong };
    expect(() => new Loader(cases([[4, 5]]), { batchSize: 1, patches })).toThrow(message);
  });

  test("so many patches an epoch, each case as often as any other, each patch of a case its own", async () => {
    const sizes = Array.from({ length: 3 }, () => [16, 16]);
    for (const [perEpoch, batches] of [
      [8, [3, 3, 2]],
      [2, [2]],
    ] as const) {
      const options = { batchSize: 3, shuffle: true, patches: { size: [2, 2], perEpoch } };
      const loader = new Loader(cases(sizes), options);
      const found = await collect(loader);
      expect(found.map(({ names }) => names.length)).toEqual(batches);
      expect(loader.batchesPerEpoch).toBe(batches.length);
      const drawn = found.flatMap(({ names, labels }) => names.map((name, i) => [name, labels.data[4 * i]!]));
      expect(new Set(drawn.map(String)).size).toBe(perEpoch);
      const counts = [0, 1, 2].map((i) => drawn.filter(([name]) => name === `case_${i}`).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      const again = new Loader(cases(sizes), options);
      await collect(again, 3);
      expect(await collect(again)).toEqual(found);
    }
  });
});

describe("patches around the foreground", () => {
  /** A case of `size` whose labels are 0 but at the given offsets. */
  function sparse(size: readonly number[], labels: Readonly<Record<number, number>>): Dataset {
    const base = cases([size]);
    return {
      ...base,
      labelRange: { classes: 8, ignore: 7 },
      read: async (index) => {
        const item = await base.read(index);
        const data = Uint8Array.from(
          item.image.data.subarray(0, size[0]! * size[1]!),
          (_, i) => labels[i] ?? 0,
        );
        return { ...item, labels: tensor("uint8", data, size) };
      },
    };
  }

  test("the share asked for holds one; each class as often, however few pixels it has; ignored pixels none", async () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [40 * i, 1]));
    const dataset = sparse([60, 40], { ...many, 1239: 2, 399: 7, 439: 7 });
    const patches = { size: [3, 3], perEpoch: 2000, foreground: 0.5 };
    const [batch] = await collect(new Loader(dataset, { batchSize: 2000, patches, seed: 5 }));
    const holds = (label: number): number => {
      const { data } = batch!.labels;
      return Array.from({ length: 2000 }, (_, n) => data.subarray(9 * n, 9 * n + 9).includes(label)).filter(
        Boolean,
      ).length;
    };
    // Three standard deviations are 58; the first class is also hit at random, by a window in 38.
    expect(Math.abs(holds(2) - 500)).toBeLessThan(70);
    expect(Math.abs(holds(1) - 526)).toBeLessThan(70);
    expect(holds(7)).toBeLessThan(30);
  });

  test("a window is centred on its pixel, and moved into the case at the border", () => {
    const at = (pixel: number): readonly number[] =>
      drawWindow([3, 4], [8, 10], Random.fromSeed(1), [Float64Array.of(pixel)]).origin;
    expect([at(45), at(0), at(79)]).toEqual([
      [3, 3],
      [0, 0],
      [5, 6],
    ]);
  });

  test("a case without foreground has patches anywhere", async () => {
    const patches = { size: [2, 2], perEpoch: 50, foreground: 1 };
    const [batch] = await collect(new Loader(sparse([4, 5], {}), { batchSize: 50, patches }));
    expect(new Set(Array.from({ length: 50 }, (_, n) => batch!.images.data[8 * n])).size).toBe(12);
  });

  test("of more pixels than are kept, evenly spaced ones are, in every class", async () => {
    const data = Int32Array.from({ length: 1000 }, (_, i) => (i < 700 ? 1 : i < 703 ? 2 : i < 800 ? -1 : 0));
    const found = await foregroundLocations(tensor("int32", data, [1000]), -1, 100);
    expect(found.map((one) => [...one])).toEqual([
      Array.from({ length: 100 }, (_, i) => 7 * i),
      [700, 701, 702],
    ]);
  });
});

describe("windows that cover every case", () => {
  const sized = (sizes: readonly (readonly number[])[]): Dataset => ({
    ...cases(sizes),
    size: (index) => sizes[index]!,
  });

  test("come in order, overlap as little as they can and hold every pixel", async () => {
    expect(coveringWindows([4, 2], [7, 2]).map(({ origin }) => origin)).toEqual([
      [0, 0],
      [3, 0],
    ]);
    expect(coveringWindows([4, 4], [1, 4]).map(({ origin }) => origin)).toEqual([[-1, 0]]);
    const loader = new Loader(
      sized([
        [5, 4],
        [4, 4],
      ]),
      { batchSize: 1, cover: [4, 4] },
    );
    expect(loader.batchesPerEpoch).toBe(3);
    const batches = await collect(loader);
    expect(batches.map(({ names }) => names[0])).toEqual(["case_0", "case_0", "case_1"]);
    const seen = new Set(batches.slice(0, 2).flatMap(({ labels }) => Array.from(labels.data)));
    expect(seen.size).toBe(20);
    expect(batches.some(({ filled }) => filled)).toBe(false);
  });

  test("say which part of each a smaller case fills", async () => {
    const loader = new Loader(
      sized([
        [2, 7],
        [6, 4],
      ]),
      { batchSize: 2, cover: [5, 4] },
    );
    const batches = await collect(loader);
    expect(batches.map(({ filled }) => filled)).toEqual([
      [
        { origin: [1, 0], size: [2, 4] },
        { origin: [1, 0], size: [2, 4] },
      ],
      undefined,
    ]);
    const { labels, filled } = batches[0]!;
    expect([...scoredPart(labels, 1, filled).data]).toEqual([3, 4, 5, 6, 10, 11, 12, 13]);
    expect(scoredPart(labels, 1, undefined).dims).toEqual([1, 5, 4]);
  });

  test("need sizes, and no patches or changes beside them", () => {
    expect(() => new Loader(cases([[4, 4]]), { batchSize: 1, cover: [2, 2] })).toThrow(
      "cover: needs a data set that knows the sizes of its cases",
    );
    const patches = { size: [2, 2] };
    expect(() => new Loader(sized([[4, 4]]), { batchSize: 1, cover: [2, 2], patches })).toThrow(
      "cover: expected no cover beside patches",
    );
    const augment = { flips: [0] };
    expect(() => new Loader(sized([[4, 4]]), { batchSize: 1, cover: [2, 2], augment })).toThrow(
      "cover: expected no cover beside augment",
    );
  });
});

test("no patch holds ignored pixels alone where the case has others", async () => {
  const size = [9, 9];
  const plain = cases([size]);
  const labels = new Int32Array(81).fill(255);
  labels[80] = 1;
  const dataset: Dataset = {
    ...plain,
    labelRange: { classes: 2, ignore: 255 },
    read: async () => ({ ...(await plain.read(0)), labels: tensor("int32", labels, size) }),
  };
  const loader = new Loader(dataset, { batchSize: 1, patches: { size: [2, 2], perEpoch: 40 } });
  for (const batch of await collect(loader)) expect(Array.from(batch.labels.data)).toContain(1);
});
