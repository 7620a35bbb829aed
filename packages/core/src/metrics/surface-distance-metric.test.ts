import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { OverlapMetric } from "./overlap-metric.js";
import { surfaceDistancesSync } from "./surface-distance.js";
import { SurfaceDistanceMetric, type SurfaceDistanceMetricOptions } from "./surface-distance-metric.js";

const size = [9, 8];
const pixels = 72;

// The batch has two images of three classes; class 2 is absent from the labels of the second, but predicted
// there.
const labels = tensor(
  "int64",
  BigInt64Array.from({ length: 2 * pixels }, (_, i) => {
    const [n, y, x] = [Math.floor(i / pixels), Math.floor((i % pixels) / 8), i % 8];
    if (n === 0 && y > 5 && x > 4) return 2n;
    return y > 1 && y < 5 && x > 1 + n && x < 6 ? 1n : 0n;
  }),
  [2, ...size],
);
const predicted = Array.from({ length: 2 * pixels }, (_, i) => Number(labels.data[(i + 10) % (2 * pixels)]!));
predicted[2 * pixels - 1] = 2;
const probs = tensor(
  "float32",
  Float32Array.from({ length: 6 * pixels }, (_, i) => {
    const [n, c, pixel] = [Math.floor(i / (3 * pixels)), Math.floor(i / pixels) % 3, i % pixels];
    return predicted[n * pixels + pixel] === c ? 0.8 : 0.1;
  }),
  [2, 3, ...size],
);

const mask = (inside: (label: number) => boolean, source: ArrayLike<number | bigint>): Tensor<"uint8"> =>
  tensor(
    "uint8",
    Uint8Array.from(source as ArrayLike<number>, (label) => (inside(Number(label)) ? 1 : 0)),
    [2, ...size],
  );

function image(n: number): [Tensor<"float32">, Labels] {
  return [
    tensor("float32", probs.data.slice(n * 3 * pixels, (n + 1) * 3 * pixels), [1, 3, ...size]),
    tensor("int64", labels.data.slice(n * pixels, (n + 1) * pixels), [1, ...size]),
  ];
}

test("per region the distances of the arg-max, case by case", async () => {
  const metric = new SurfaceDistanceMetric({ classes: 3, convention: "monai", spacing: [2, 1] });
  await metric.update(probs, labels);
  const result = metric.compute();
  expect(result.cases).toBe(2);
  expect(result.classes[0]).toBeUndefined();
  const of = (inside: (label: number) => boolean) =>
    surfaceDistancesSync(mask(inside, predicted), mask(inside, labels.data), {
      convention: "monai",
      spacing: [2, 1],
    });
  const foreground = of((label) => label !== 0);
  expect(result.foreground!.hd95.mean).toBeCloseTo((foreground[0]!.hd95 + foreground[1]!.hd95) / 2, 12);
  expect(result.foreground!.nsd.mean).toBeCloseTo((foreground[0]!.nsd + foreground[1]!.nsd) / 2, 12);
  const first = of((label) => label === 1);
  expect(result.classes[1]!.assd.mean).toBeCloseTo((first[0]!.assd + first[1]!.assd) / 2, 12);
  expect(result.classes[2]!.hd).toMatchObject({ count: 2, undefined: 0, infinite: 1 });
});

test("an empty mask counts as a failure in the reference convention", async () => {
  const metric = new SurfaceDistanceMetric({ classes: 3, regions: "classes" });
  await metric.update(probs, labels);
  const { classes, foreground } = metric.compute();
  expect(foreground).toBeUndefined();
  expect(classes[2]!.hd95).toMatchObject({ mean: Infinity, infinite: 1, count: 2, undefined: 0 });
  expect(classes[2]!.hd95.finiteMean).toBeGreaterThan(0);
  expect(classes[2]!.nsd).toMatchObject({ infinite: 0, count: 2 });
});

test.each([{ convention: "monai" }, { convention: "deepmind" }, {}] as const)(
  "two hits and two complete misses are half right: %j",
  async (options) => {
    const object = tensor("uint8", Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0), [1, 4, 4]);
    const found = Float32Array.from([...object.data.map((label) => 1 - label), ...object.data]);
    const missed = Float32Array.from({ length: 32 }, (_, i) => (i < 16 ? 1 : 0));
    const metric = new SurfaceDistanceMetric({ classes: 2, regions: "foreground", ...options });
    for (const data of [found, found, missed, missed]) {
      await metric.update(tensor("float32", data, [1, 2, 4, 4]), object);
    }
    const { nsd, hd95 } = metric.compute().foreground!;
    expect(nsd).toMatchObject({ mean: 0.5, count: 4, undefined: 0 });
    expect(hd95).toMatchObject({ mean: Infinity, infinite: 2, finiteMean: 0, count: 4, undefined: 0 });
    const nothing = tensor("uint8", new Uint8Array(16), [1, 4, 4]);
    await metric.update(tensor("float32", missed, [1, 2, 4, 4]), nothing);
    expect(metric.compute().foreground!.nsd.undefined).toBe("convention" in options ? 1 : 0);
  },
);

describe("void labels", () => {
  const two = tensor("float32", Float32Array.of(0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1), [1, 2, 2, 2]);
  const map = (label: number) => tensor("int64", BigInt64Array.from([0, label, label, 0], BigInt), [1, 2, 2]);

  test.each([255, -1, -100, 7])("%d is refused like by every metric, or ignored", async (label) => {
    const message = `labels: expected classes 0 to 1, got ${label} at pixel 1 (2 such pixels)`;
    const strict = new SurfaceDistanceMetric({ classes: 2 });
    await expect(strict.update(two, map(label))).rejects.toThrow(message);
    await expect(new OverlapMetric({ classes: 2 }).update(two, map(label))).rejects.toThrow(message);
    expect(strict.compute().cases).toBe(0);
    // The whole prediction lies on ignored pixels, so neither map has an object.
    const metric = new SurfaceDistanceMetric({ classes: 2, convention: "monai", ignore: label });
    await metric.update(two, map(label));
    expect(metric.compute().foreground!.nsd).toMatchObject({ count: 0, undefined: 1 });
  });
});

test("a tolerance per region and a percentile", async () => {
  const metric = new SurfaceDistanceMetric({ classes: 3, tolerance: [0, 100, 1], percentile: 100 });
  await metric.update(...image(0));
  const { foreground, classes } = metric.compute();
  expect(foreground!.nsd.mean).toBeLessThan(1);
  expect(classes[1]!.nsd.mean).toBe(1);
  expect(foreground!.hdPercentile.mean).toBeCloseTo(foreground!.hd.mean, 6);
});

test("merging and restoring give what one accumulator gives", async () => {
  const options: SurfaceDistanceMetricOptions = { classes: 3, regions: "foreground" };
  const whole = new SurfaceDistanceMetric(options);
  await whole.update(probs, labels);
  const [left, right] = [new SurfaceDistanceMetric(options), new SurfaceDistanceMetric(options)];
  await left.update(...image(0));
  await right.update(...image(1), { spacing: [1, 1] });
  const restored = SurfaceDistanceMetric.restore(left.state());
  restored.merge(right);
  expect(restored.compute()).toEqual(whole.compute());
  restored.reset();
  expect(restored.compute().cases).toBe(0);
  expect(restored.compute().foreground!.hd.mean).toBeNaN();
});

test("rejected arguments", async () => {
  const make = (options: object) => () => new SurfaceDistanceMetric(options as SurfaceDistanceMetricOptions);
  for (const [options, message] of [
    [{ classes: 0 }, "classes: expected an integer from 1 to 32767, got 0"],
    [{ classes: 3, regions: "all" }, "regions: expected one of foreground, classes, both, got all"],
    [
      { classes: 3, convention: "scipy" },
      "convention: expected one of reference, monai, deepmind, got scipy",
    ],
    [{ classes: 3, spacing: [0] }, "spacing: expected a positive number, got 0"],
    [{ classes: 3, tolerance: [1, 1] }, "tolerance: expected 3 numbers, one per region, got 2"],
    [{ classes: 3, percentile: 101 }, "percentile: expected a number from 0 to 100, got 101"],
    [{ classes: 3, ignore: 0.5 }, "ignore: expected an integer"],
    [{ classes: 3, tolerance: -2 }, "tolerance: expected a number of at least 0, got -2"],
  ] as const) {
    expect(make(options)).toThrow(InvalidArgumentError);
    expect(make(options)).toThrow(message);
  }
  const metric = new SurfaceDistanceMetric({ classes: 3 });
  await expect(metric.update(probs, tensor("uint8", new Uint8Array(pixels), [1, ...size]))).rejects.toThrow(
    "labels: expected dims [2, 9, 8], got [1, 9, 8]",
  );
  await expect(metric.update(probs, labels, { spacing: [1, 1, 1] })).rejects.toThrow(
    "spacing: expected 2 numbers, got 3",
  );
  await expect(new SurfaceDistanceMetric({ classes: 2 }).update(probs, labels)).rejects.toThrow(
    "probs: expected 2 classes, got 3",
  );
  expect(() => metric.merge(new SurfaceDistanceMetric({ classes: 2 }))).toThrow(
    "other: options differ (classes 3 and 2)",
  );
  expect(metric.compute().cases).toBe(0);
});
