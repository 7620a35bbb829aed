import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import type { Batch } from "./batch.js";
import type { Dataset, DatasetCase } from "./dataset-case.js";
import { Loader, type LoaderOptions, type Targets } from "./loader.js";

/** Makes `count` cases of 3 x 3 whose image and labels count up from 10 times the case's index. */
function cases(
  count: number,
  change: (item: DatasetCase, index: number) => DatasetCase = (item) => item,
): Dataset {
  const items = Array.from({ length: count }, (_, index) => {
    const values = Array.from({ length: 9 }, (_, i) => 10 * index + i);
    const item: DatasetCase = {
      image: tensor("float32", Float32Array.from(values), [1, 3, 3]),
      labels: tensor("uint8", Uint8Array.from(values), [3, 3]),
      extras: {},
    };
    return change(item, index);
  });
  const names = items.map((_, index) => `case_${index}`);
  const read = async (index: number): Promise<DatasetCase> => items[index]!;
  return {
    names,
    classes: 256,
    channels: 1,
    rank: 2,
    read,
    source: (index) => `root/train/case_${index}.npz`,
  };
}

async function collect(loader: Loader, epoch = 0): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loader.epoch(epoch)) batches.push(batch);
  return batches;
}
const names = (batches: readonly Batch[]): string =>
  batches.map((b) => b.names.map((n) => n.slice(5)).join("")).join(" ");
const augment = { flips: [0, 1], rotations: [[0, 1]] } as const;

describe("order", () => {
  test.each([
    ["keep", "01 23 4", 3],
    ["drop", "01 23", 2],
    ["wrap", "01 23 40", 3],
  ] as const)("remainder: %s", async (remainder, expected, count) => {
    const loader = new Loader(cases(5), { batchSize: 2, remainder });
    expect(loader.batchesPerEpoch).toBe(count);
    expect(names(await collect(loader))).toBe(expected);
  });

  test("the batches after some are those of the epoch, and the others are not read", async () => {
    const dataset = cases(7);
    const read: number[] = [];
    const counted: Dataset = {
      ...dataset,
      read(index) {
        read.push(index);
        return dataset.read(index);
      },
    };
    const options = { batchSize: 2, shuffle: true, seed: 3, augment: { flips: [0] } };
    const whole = await collect(new Loader(dataset, options), 1);
    const rest: Batch[] = [];
    for await (const batch of new Loader(counted, options).after(1, 2)) rest.push(batch);
    expect(rest).toEqual(whole.slice(2));
    expect(read).toHaveLength(3);
    expect(() => new Loader(dataset, options).after(1, -1)).toThrow(
      "skip: expected an integer of 0 or more, got -1",
    );
  });

  test("a wrapped batch larger than the data set repeats it", async () => {
    expect(names(await collect(new Loader(cases(2), { batchSize: 5, remainder: "wrap" })))).toBe("01010");
  });

  test("shuffled: every case once, another order every epoch and seed, the same for the same seed", async () => {
    const make = (seed: number): Loader => new Loader(cases(8), { batchSize: 4, shuffle: true, seed });
    const [a, b, c] = [make(1), make(1), make(2)];
    const epochs = [names(await collect(a)), names(await collect(a, 1))];
    for (const epoch of epochs) expect([...epoch.replace(" ", "")].sort().join("")).toBe("01234567");
    expect(epochs[0]).not.toBe(epochs[1]);
    expect([names(await collect(b)), names(await collect(b, 1))]).toEqual(epochs);
    expect(names(await collect(c))).not.toBe(epochs[0]);
  });
});

describe("batches", () => {
  test("images and labels are stacked", async () => {
    const [batch] = await collect(new Loader(cases(2), { batchSize: 2 }));
    expect(batch!.images.dims).toEqual([2, 1, 3, 3]);
    expect(batch!.labels.dims).toEqual([2, 3, 3]);
    expect([...batch!.images.data]).toEqual([...batch!.labels.data]);
    expect(batch!.images.data[9]).toBe(10);
  });

  test("augmentation moves image, labels, targets and extras together and only within the case", async () => {
    const truth = (item: DatasetCase): DatasetCase => {
      const data = new Float64Array(18);
      item.image.data.forEach((value, i) => {
        data[i] = value;
        data[9 + i] = -value;
      });
      const once = tensor("int64", BigInt64Array.of(5n), [1]);
      return { ...item, extras: { truth: tensor("float64", data, [2, 3, 3]), once } };
    };
    const targets: Targets = async ({ images }) => ({ t: images });
    for (const targetCacheBytes of [0, 1e6]) {
      const loader = new Loader(cases(6, truth), { batchSize: 3, augment, targets, targetCacheBytes });
      const seen = new Set<string>();
      for (let epoch = 0; epoch < 10; epoch++) {
        for (const { images, labels, extras, targets } of await collect(loader, epoch)) {
          expect([...labels.data]).toEqual([...images.data]);
          expect(targets!.t).toEqual(images);
          for (let n = 0; n < 3; n++) {
            const part = [...images.data.subarray(9 * n, 9 * n + 9)];
            seen.add(part.map((value) => value % 10).join(""));
            const base = 10 * Math.floor(part[4]! / 10);
            expect([...part].sort((a, b) => a - b)).toEqual(Array.from({ length: 9 }, (_, i) => base + i));
            expect([...extras.truth!.data.slice(18 * n, 18 * n + 9)]).toEqual(part);
            expect([...extras.truth!.data.slice(18 * n + 9, 18 * n + 18)]).toEqual(
              part.map((value) => -value),
            );
          }
          expect(extras.once).toEqual(tensor("int64", BigInt64Array.of(5n, 5n, 5n), [3, 1]));
        }
      }
      // All eight symmetries of the square.
      expect(seen.size).toBe(8);
    }
  });

  test("augmentation is a function of seed, epoch and case, not of batch size or order", async () => {
    const bySize = async (batchSize: number, shuffle: boolean): Promise<Map<string, string>> => {
      const found = new Map<string, string>();
      const loader = new Loader(cases(6), { batchSize, shuffle, augment, seed: 5 });
      for (const { names, images } of await collect(loader)) {
        names.forEach((name, n) => void found.set(name, images.data.slice(9 * n, 9 * n + 9).join()));
      }
      return found;
    };
    expect(await bySize(1, false)).toEqual(await bySize(4, false));
    const [a, b] = [await bySize(3, false), await bySize(2, true)];
    for (const [name, data] of a) expect(b.get(name)).toBe(data);
  });

  test("spacing: the common one, or targets case by case with each case's own", async () => {
    const spacings: (readonly number[] | undefined)[] = [];
    const targets: Targets = async ({ labels, spacing }) => {
      spacings.push(spacing);
      return { t: labels };
    };
    const same = cases(2, (item) => ({ ...item, spacing: [2, 3] }));
    const [batch] = await collect(new Loader(same, { batchSize: 2, targets }));
    expect([batch!.spacing, spacings]).toEqual([[2, 3], [[2, 3]]]);
    spacings.length = 0;
    const mixed = cases(2, (item, i) => ({ ...item, spacing: [1, 1 + i] }));
    const [odd] = await collect(new Loader(mixed, { batchSize: 2, targets }));
    expect([odd!.spacing, spacings]).toEqual([
      undefined,
      [
        [1, 1],
        [1, 2],
      ],
    ]);
    expect(odd!.targets!.t).toEqual(odd!.labels);
  });

  test("kept targets are computed once per case, as far as they fit", async () => {
    let calls = 0;
    const targets: Targets = async ({ labels }) => {
      calls++;
      return { t: labels };
    };
    const loader = new Loader(cases(4), { batchSize: 2, targets, targetCacheBytes: 3 * 36 });
    await collect(loader);
    expect(calls).toBe(4);
    await collect(loader, 1);
    expect(calls).toBe(5);
  });
});

describe("errors", () => {
  const wide = (count: number): Dataset =>
    cases(count, (item, index) =>
      index === 2
        ? {
            ...item,
            image: tensor("float32", new Float32Array(6), [1, 2, 3]),
            labels: tensor("uint8", new Uint8Array(6), [2, 3]),
          }
        : item,
    );

  test("shapes that differ within a batch name both files", async () => {
    const loader = new Loader(wide(4), { batchSize: 2 });
    const read: string[] = [];
    const reading = (async () => {
      for await (const batch of loader.epoch(0)) read.push(...batch.names);
    })();
    await expect(reading).rejects.toThrow(InvalidArgumentError);
    await expect(reading).rejects.toThrow(
      /batch: expected images of one shape \(root\/train\/case_2\.npz is \[1,2,3\]\), got root\/train\/case_3\.npz of \[1,3,3\]; use a batch size of 1/,
    );
    expect(read).toEqual(["case_0", "case_1"]);
    expect((await collect(new Loader(wide(3), { batchSize: 1 }))).length).toBe(3);
  });

  test("a turn between axes of different size or spacing", async () => {
    const turning = (dataset: Dataset): Loader =>
      new Loader(dataset, { batchSize: 1, augment: { rotations: [[0, 1]] } });
    const failing = async (dataset: Dataset, message: RegExp): Promise<void> => {
      const loader = turning(dataset);
      const epochs = async (): Promise<void> => {
        for (let i = 0; i < 20; i++) await collect(loader, i);
      };
      await expect(epochs()).rejects.toThrow(message);
    };
    await failing(
      wide(3),
      /augment\.rotations: expected axes of equal size and spacing, got root\/train\/case_2\.npz of \[2,3\]/,
    );
    await failing(
      cases(1, (item) => ({ ...item, spacing: [1, 2] })),
      /case_0\.npz of \[3,3\] and spacing \[1,2\]/,
    );
  });

  test("of the targets function surface at their batch", async () => {
    const targets: Targets = async ({ labels }) => {
      if (labels.data[0] === 20) throw new Error("kernel failed");
      return {};
    };
    const loader = new Loader(cases(6), { batchSize: 2, targets });
    const read: string[] = [];
    await expect(
      (async () => {
        for await (const batch of loader.epoch(0)) read.push(...batch.names);
      })(),
    ).rejects.toThrow("kernel failed");
    expect(read).toEqual(["case_0", "case_1"]);
  });

  test("targets of one case need a first axis of 1", async () => {
    const targets: Targets = async () => ({ t: tensor("float32", new Float32Array(2), [2]) });
    const loader = new Loader(cases(2), { batchSize: 2, targets, targetCacheBytes: 100 });
    await expect(collect(loader)).rejects.toThrow(/targets: expected a first axis of 1/);
  });

  test.each([
    [{ batchSize: 0 }, /batchSize: expected an integer of 1 or more/],
    [{ batchSize: 1.5 }, /batchSize/],
    [{ batchSize: 9, remainder: "drop" }, /batchSize: expected at most 4, the number of cases/],
    [{ batchSize: 1, prefetch: 0 }, /prefetch/],
    [{ batchSize: 1, targetCacheBytes: -1 }, /targetCacheBytes/],
    [{ batchSize: 1, remainder: "pad" }, /remainder: expected keep, drop or wrap, got pad/],
    [{ batchSize: 1, augment: { flips: [2] } }, /augment\.flips/],
    [{ batchSize: 1, seed: 0.5 }, /seed/],
  ] as [LoaderOptions, RegExp][])("%j", (options, message) => {
    expect(() => new Loader(cases(4), options)).toThrow(InvalidArgumentError);
    expect(() => new Loader(cases(4), options)).toThrow(message);
  });
});

test("targets of the next batches are under way while one is in use", async () => {
  const started: number[] = [];
  const targets: Targets = async ({ labels }): Promise<Record<string, Tensor>> => {
    started.push(Number(labels.data[0]) / 10);
    return {};
  };
  for await (const batch of new Loader(cases(5), { batchSize: 1, targets }).epoch(0)) {
    await new Promise((resolve) => setImmediate(resolve));
    const k = Number(batch.labels.data[0]) / 10;
    expect(started).toEqual(Array.from({ length: Math.min(5, k + 3) }, (_, i) => i));
  }
});

test("an epoch is a function of its number, and may be read beside another", async () => {
  const options = { batchSize: 2, shuffle: true, augment, seed: 1 };
  const second = await collect(new Loader(cases(5), options), 1);
  const loader = new Loader(cases(5), options);
  const [a, b] = [loader.epoch(1), loader.epoch(1)];
  for (const batch of second) {
    expect((await a.next()).value).toEqual(batch);
    expect((await b.next()).value).toEqual(batch);
  }
  expect(await a.next()).toEqual({ done: true, value: undefined });
  expect(() => loader.epoch(-1)).toThrow(/epoch: expected an integer of 0 or more/);
});

test("an early stop waits for the batches under way and starts no more", async () => {
  let [started, finished] = [0, 0];
  const targets: Targets = async () => {
    started++;
    await new Promise((resolve) => setImmediate(resolve));
    finished++;
    return {};
  };
  for await (const _ of new Loader(cases(9), { batchSize: 1, targets, prefetch: 3 }).epoch(0)) break;
  expect(finished).toBe(started);
  expect(started).toBeLessThan(9);
  const before = started;
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(started).toBe(before);
});
