import { Random, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import type { Dataset } from "../data/dataset-case.js";
import { measureNormalization } from "./measure.js";
import { normalizeImage } from "./normalize.js";
import { meanAndSd, percentiles, valuesAtRanks } from "./order-statistics.js";
import type { ChannelNormalization } from "./preparation.js";

const noise = (count: number, seed: number): Float32Array => {
  const random = Random.fromSeed(seed);
  return Float32Array.from({ length: count }, () => random.normal() * 50);
};

test.each([1, 2, 3, 1000])("values at ranks are those of a sorted copy, %i values", async (count) => {
  const values = noise(count, count);
  values[count >> 1] = -0;
  if (count > 2) values.set([3e38, -3e38, 1e-40]);
  const ranks = [0, count >> 1, count - 1, count >> 2];
  const sorted = values.slice().sort();
  expect(await valuesAtRanks(values, ranks)).toEqual(ranks.map((rank) => sorted[rank]));
});

test("percentiles are numpy's, and the deviation is over all values", async () => {
  // numpy.percentile([4, 1, 3, 2, 8], [0, 10, 50, 99.5, 100])
  const found = await percentiles(Float32Array.of(4, 1, 3, 2, 8), [0, 10, 50, 99.5, 100]);
  for (const [i, value] of [1, 1.4, 3, 7.92, 8].entries()) expect(found[i]).toBeCloseTo(value, 12);
  const { mean, sd } = await meanAndSd(Float32Array.of(2, 4, 4, 4, 5, 5, 7, 9));
  expect([mean, sd]).toEqual([5, 2]);
});

describe("normalizeImage", () => {
  const image = (...values: number[]) => tensor("float32", Float32Array.from(values), [1, values.length]);
  const of = async (scheme: ChannelNormalization, ...values: number[]): Promise<number[]> =>
    Array.from((await normalizeImage(image(...values), [scheme])).data);

  test.each<[ChannelNormalization, number[], number[]]>([
    [{ scheme: "none" }, [1, -2], [1, -2]],
    [{ scheme: "z-score" }, [2, 4, 4, 4, 5, 5, 7, 9], [-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2]],
    [{ scheme: "z-score" }, [3, 3], [0, 0]],
    [{ scheme: "range", low: 0, high: 4 }, [-1, 1, 9], [0, 0.25, 1]],
    [{ scheme: "percentile", low: 25, high: 75 }, [0, 1, 2, 3, 4], [0, 0, 0.5, 1, 1]],
    [{ scheme: "percentile", low: 1, high: 99 }, [7, 7], [0, 0]],
    [{ scheme: "ct", low: -100, high: 300, mean: 100, sd: 50 }, [-1000, 150, 3000], [-4, 1, 4]],
  ])("%j of %j", async (scheme, values, expected) => {
    expect(await of(scheme, ...values)).toEqual(expected);
  });

  test("nonzero: pixels that are 0 in every channel neither count nor change", async () => {
    const two = tensor("float32", Float32Array.of(0, 0, 2, 4, 0, 7, 7, 9), [2, 4]);
    const nonzero = { scheme: "z-score", nonzero: true } as const;
    // The pixels 0, 2 and 4 of the first channel count, and 7, 7 and 9 of the second.
    const { data } = await normalizeImage(two, [nonzero, nonzero]);
    const found = [0, -Math.sqrt(1.5), 0, Math.sqrt(1.5), 0, -Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT2];
    for (const [i, value] of found.entries()) expect(data[i]).toBeCloseTo(value, 6);
    // One channel has the pixels of all in its mask, the other all pixels.
    const mixed = (await normalizeImage(two, [nonzero, { scheme: "z-score" }])).data;
    expect([...mixed.subarray(0, 4)]).toEqual([...data.subarray(0, 4)]);
    expect(mixed[4]).toBeLessThan(-1);
    expect(await of(nonzero, 0, 0)).toEqual([0, 0]);
  });

  test("channels are normalised one by one, and their number must fit", async () => {
    const two = tensor("float32", Float32Array.of(0, 2, 10, 30), [2, 2]);
    const { data } = await normalizeImage(two, [{ scheme: "none" }, { scheme: "z-score" }]);
    expect(Array.from(data)).toEqual([0, 2, -1, 1]);
    await expect(normalizeImage(two, [{ scheme: "z-score" }])).rejects.toThrow(
      "image: expected 1 channels, as its normalization has, got 2",
    );
  });
});

describe("measureNormalization", () => {
  const values = [noise(600, 1), noise(600, 2)];
  const labels = values.map((all) => Uint8Array.from(all, (value) => (value > 20 ? 1 : value < -60 ? 9 : 0)));
  const train: Dataset = {
    names: ["a", "b"],
    classes: 2,
    labelRange: { classes: 2, ignore: 9 },
    channels: 2,
    rank: 1,
    read: async (index) => ({
      image: tensor("float32", values[index]!, [2, 300]),
      labels: tensor("uint8", labels[index]!.slice(0, 300), [300]),
      extras: {},
    }),
    source: (index) => `case ${index}`,
  };

  test("ct: percentiles, mean and deviation of the foreground, channel by channel", async () => {
    const measured = await measureNormalization([{ scheme: "ct" }], train);
    for (const [c, found] of measured.entries()) {
      const all = values.flatMap((own, n) =>
        Array.from(own.subarray(c * 300, (c + 1) * 300)).filter((_, i) => labels[n]![i] === 1),
      );
      const sorted = all.toSorted((a, b) => a - b);
      const at = (percent: number): number => {
        const place = (percent / 100) * (sorted.length - 1);
        const low = Math.floor(place);
        return sorted[low]! + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!);
      };
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      const sd = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length);
      expect(found).toMatchObject({ scheme: "ct" });
      const numbers = found as Extract<ChannelNormalization, { scheme: "ct" }>;
      expect(numbers.low).toBeCloseTo(at(0.5), 4);
      expect(numbers.high).toBeCloseTo(at(99.5), 4);
      expect(numbers.mean).toBeCloseTo(mean, 8);
      expect(numbers.sd).toBeCloseTo(sd, 8);
    }
  });

  test("range: least and largest value of each channel; given numbers stay", async () => {
    const both = await measureNormalization(
      [{ scheme: "range" }, { scheme: "ct", low: 0, high: 1, mean: 2, sd: 3 }],
      train,
    );
    const first = values.flatMap((own) => Array.from(own.subarray(0, 300)));
    expect(both).toEqual([
      { scheme: "range", low: Math.min(...first), high: Math.max(...first) },
      { scheme: "ct", low: 0, high: 1, mean: 2, sd: 3 },
    ]);
    expect(await measureNormalization([{ scheme: "percentile" }], { ...train, channels: 1 })).toEqual([
      { scheme: "percentile", low: 0.5, high: 99.5 },
    ]);
  });

  test("refuses other numbers of channels, and ct without foreground", async () => {
    const three = Array.from({ length: 3 }, () => ({ scheme: "none" }) as const);
    await expect(measureNormalization(three, train)).rejects.toThrow(
      "normalization: expected 1 scheme, or 2, one per channel, got 3",
    );
    const empty: Dataset = {
      ...train,
      read: async (index) => ({
        ...(await train.read(index)),
        labels: tensor("uint8", new Uint8Array(300), [300]),
      }),
    };
    await expect(measureNormalization([{ scheme: "ct" }], empty)).rejects.toThrow(
      "normalization: ct needs labels above 0, and no training case has any",
    );
    const flat: Dataset = {
      ...train,
      read: async (index) => {
        const { image, ...rest } = await train.read(index);
        return {
          ...rest,
          image: tensor(
            "float32",
            image.data.map(() => 7),
            image.dims,
          ),
        };
      },
    };
    await expect(measureNormalization([{ scheme: "ct" }], flat)).rejects.toThrow(
      "normalization: ct needs a foreground of more than one value, and all of it is 7",
    );
  });
});
