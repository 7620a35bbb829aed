import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { setThreadCount, threadCount } from "../device.js";
import { InvalidArgumentError } from "../errors.js";
import { labels, probs } from "../fixture.test.helper.js";
import {
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  pixelExpectedCalibrationError,
} from "../metrics/calibration-error.js";
import { CalibrationMetric } from "../metrics/calibration-metric.js";
import { argMaxSync } from "../metrics/overlap.js";
import { OverlapMetric } from "../metrics/overlap-metric.js";
import { ProbabilityScoreMetric } from "../metrics/probability-score-metric.js";
import { probabilityScoresSync } from "../metrics/probability-scores.js";
import { SurfaceDistanceMetric } from "../metrics/surface-distance-metric.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import { binsOfClass, emptyBins, mergeBins } from "./bins.js";
import {
  binLayout,
  type CalibrationBinsOptions,
  calibrationBins,
  calibrationBinsSync,
  calibrationHistograms,
  calibrationHistogramsSync,
  type HistogramOptions,
} from "./calibration-bins.js";

const pair = (p: number[], y: number[]): [Tensor<"float32">, Labels] => [
  tensor("float32", Float32Array.from([...p.map((value) => 1 - value), ...p]), [1, 2, p.length]),
  tensor("uint8", Uint8Array.from(y), [1, y.length]),
];

test("who owns an edge", () => {
  const [p, y] = pair([0, 0.25, 0.5, 1], [0, 1, 0, 1]);
  const right = calibrationBinsSync(p, y, { bins: 4 });
  expect(Array.from(right.count)).toEqual([2, 1, 0, 1]);
  expect([right.total[0], right.dropped[0]]).toEqual([4, 0]);
  const open = calibrationBinsSync(p, y, { bins: 4, includeLowest: false });
  expect(Array.from(open.count)).toEqual([1, 1, 0, 1]);
  expect([open.total[0], open.dropped[0]]).toEqual([4, 1]);
  const left = calibrationBinsSync(p, y, { bins: 4, edges: "left-closed" });
  expect(Array.from(left.count)).toEqual([1, 1, 1, 1]);
  expect(Array.from(left.accuracySum)).toEqual([0, 1, 0, 1]);
  expect(Array.from(left.falsePositiveSum)).toEqual([0, 0, 0.5, 0]);
});

describe("a lesion of a quarter of the image that is missed with certainty", () => {
  const p = tensor("float32", Float32Array.of(1, 1, 1, 1, 0, 0, 0, 0), [1, 2, 2, 2]);
  const y = tensor("uint8", Uint8Array.of(1, 0, 0, 0), [1, 2, 2]);
  const weights = tensor("float32", Float32Array.of(1, 1, 1, 1), y.dims);

  test.each<[string, CalibrationBinsOptions]>([
    ["right-closed", { edges: "right-closed" }],
    ["left-closed", { edges: "left-closed" }],
    ["weighted", { weights }],
    ["of equal mass", { scheme: "equal-mass" }],
    ["compared in single precision", { comparison: "float32" }],
    ["many", { bins: 1000 }],
  ])("counts in bins that are %s", (_, options) => {
    const foreground = calibrationBinsSync(p, y, options);
    expect(foreground.count[0]! + foreground.dropped[0]!).toBe(4);
    expect(Array.from(foreground.dropped)).toEqual([0]);
    expect(expectedCalibrationError(foreground)).toBe(0.25);
    expect(pixelExpectedCalibrationError(foreground)).toBe(0.25);
    const classes = calibrationBinsSync(p, y, { ...options, of: "classes" });
    expect(classwiseExpectedCalibrationError(classes)).toBe(0.25);
  });

  test.each<[string, CalibrationBinsOptions]>([
    ["", {}],
    [", weighted", { weights }],
    [", of equal mass", { scheme: "equal-mass" }],
  ])("is in no bin without the lowest value%s, and counted", (_, options) => {
    const bins = calibrationBinsSync(p, y, { ...options, of: "classes", includeLowest: false });
    expect(Array.from(bins.dropped)).toEqual([0, 4]);
    expect(Array.from(bins.total)).toEqual([4, 4]);
    expect(expectedCalibrationError(binsOfClass(bins, 1))).toBe(0);
    expect(Array.from(mergeBins(bins, bins).dropped)).toEqual([0, 8]);
    expect(Array.from(binsOfClass(bins, 1).dropped)).toEqual([4]);
  });

  test("a metric shows both", async () => {
    const found = async (options: object) => {
      const metric = new CalibrationMetric({ classes: 2, ...options });
      await metric.update(p, y);
      const { expected, total, dropped } = metric.compute();
      return { expected, total, dropped };
    };
    expect(await found({})).toEqual({ expected: 0.25, total: 4, dropped: 0 });
    expect(await found({ of: "classes" })).toEqual({ expected: 0.25, total: 8, dropped: 0 });
    expect(await found({ includeLowest: false })).toEqual({ expected: 0, total: 4, dropped: 4 });
  });

  test("bins with and without it cannot be merged", () => {
    const [closed, open] = [true, false].map((includeLowest) => calibrationBinsSync(p, y, { includeLowest }));
    expect(() => mergeBins(closed!, open!)).toThrow("bins: layouts differ (includeLowest true and false)");
    expect(() => calibrationBinsSync(p, y, { edges: "left-closed", includeLowest: false })).toThrow(
      'includeLowest: false needs edges: "right-closed"',
    );
  });
});

test("float32 probabilities on decimal limits meet them in double or in single precision", () => {
  // The float32 of 0.1 is above 0.1. numpy.linspace gives 0.30000000000000004 for 0.3, which is above the
  // float32 complement of 0.7.
  const data = Float32Array.from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  const p = tensor("float32", data, [1, 1, 10]);
  const y = tensor("uint8", new Uint8Array(10), [1, 10]);
  const counts = (comparison: "float64" | "float32"): number[] =>
    Array.from(calibrationBinsSync(p, y, { of: "classes", comparison }).count);
  expect(counts("float32")).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  const limits = Array.from({ length: 11 }, (_, i) => (i === 10 ? 1 : i * 0.1));
  const expected = limits
    .slice(1)
    .map((high, m) => data.filter((value) => value > limits[m]! && value <= high).length);
  expect(counts("float64")).toEqual(expected);
  expect(expected).not.toEqual(counts("float32"));
});

test("mask, ignore and weights select pixels", () => {
  const ignored = { ...labels, data: labels.data.map((label, i) => (i % 3 === 0 ? 9 : label)) };
  const mask = tensor(
    "bool",
    labels.data.map((_, i) => (i % 3 === 0 ? 0 : 1)),
    labels.dims,
  );
  const weights = tensor("float32", Float32Array.from(mask.data), labels.dims);
  const byMask = calibrationBinsSync(probs, labels, { of: "classes", mask });
  expect(calibrationBinsSync(probs, ignored, { of: "classes", ignore: 9 })).toEqual(byMask);
  const byWeight = calibrationBinsSync(probs, labels, { of: "classes", weights });
  expect(byWeight.count).toEqual(byMask.count);
  byWeight.confidenceSum.forEach((sum, i) => void expect(sum).toBeCloseTo(byMask.confidenceSum[i]!, 10));
  expect(byMask.total[0]).toBe(56);
});

test("equal mass: as many pixels in every bin as ties allow", async () => {
  const options = { bins: 5, of: "classes", scheme: "equal-mass" } as const;
  const bins = calibrationBinsSync(probs, labels, options);
  expect(await calibrationBins(probs, labels, options)).toEqual(bins);
  for (let c = 0; c < 3; c++) {
    const group = binsOfClass(bins, c);
    const sorted = Float32Array.from(
      { length: 84 },
      (_, i) => probs.data[(Math.floor(i / 42) * 3 + c) * 42 + (i % 42)]!,
    ).sort();
    const limits = [0, ...[16, 33, 50, 67].map((end) => sorted[end - 1]!), 1];
    expect(Array.from(group.limits)).toEqual(limits);
    limits.slice(1).forEach((high, m) => {
      const inside = sorted.filter((p) => p > limits[m]! && p <= high);
      expect(group.count[m]).toBe(inside.length);
      // Bins hold 16 or 17 pixels, and ties move at most one.
      expect(Math.abs(inside.length - 84 / 5)).toBeLessThan(2);
      expect(group.confidenceSum[m]).toBeCloseTo(
        inside.reduce((sum, p) => sum + p, 0),
        5,
      );
    });
  }
  const tied = calibrationBinsSync(...pair([0.5, 0.5, 0.5, 0.75], [0, 1, 0, 1]), {
    bins: 2,
    scheme: "equal-mass",
  });
  expect(Array.from(tied.count)).toEqual([3, 1]);
  expect(() => mergeBins(bins, tied)).toThrow("bins: layouts differ");
});

const scene = fc.integer({ min: 1, max: 300 }).chain((pixels) =>
  fc.record({
    p: fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: pixels, maxLength: pixels }),
    y: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: pixels, maxLength: pixels }),
    cut: fc.integer({ min: 0, max: pixels }),
  }),
);

test("bins of parts add up to the bins of the whole, in any order of pixels", () => {
  const options = fc.record({
    bins: fc.integer({ min: 1, max: 30 }),
    of: fc.constantFrom("foreground" as const, "classes" as const, "top-label" as const),
    edges: fc.constantFrom("right-closed" as const, "left-closed" as const),
  });
  fc.assert(
    fc.property(scene, options, ({ p, y, cut }, options) => {
      const run = (from: number[], to: number[]): ReturnType<typeof calibrationBinsSync> =>
        from.length === 0
          ? emptyBins(binLayout(options, 2))
          : calibrationBinsSync(...pair(from, to), options);
      const whole = run(p, y);
      expect(run(p.toReversed(), y.toReversed())).toEqual(whole);
      const merged = mergeBins(run(p.slice(0, cut), y.slice(0, cut)), run(p.slice(cut), y.slice(cut)));
      expect(merged.count).toEqual(whole.count);
      expect(merged.accuracySum).toEqual(whole.accuracySum);
      merged.confidenceSum.forEach((sum, i) => void expect(sum).toBeCloseTo(whole.confidenceSum[i]!, 9));
      if (options.of === "foreground") {
        const pece = pixelExpectedCalibrationError(whole, { falsePositiveWeight: 0 });
        expect(pece).toBeCloseTo(expectedCalibrationError(whole), 12);
      }
    }),
  );
});

test("every label type, the promise and any thread count agree", async () => {
  const big = Float32Array.from({ length: 2 * 3 * 50000 }, (_, i) => ((i * 7919) % 10007) / 10007);
  const p = tensor("float32", big, [2, 3, 500, 100]);
  const data = Array.from({ length: 100000 }, (_, i) => (i * 31) % 3);
  const y = tensor("uint8", Uint8Array.from(data), [2, 500, 100]);
  const whole = calibrationBinsSync(p, y, { of: "classes" });
  for (const other of [
    tensor("int32", Int32Array.from(data), y.dims),
    tensor("int64", BigInt64Array.from(data, BigInt), y.dims),
  ]) {
    expect(calibrationBinsSync(p, other, { of: "classes" })).toEqual(whole);
  }
  const before = threadCount();
  setThreadCount(before === 1 ? 2 : 1);
  expect(await calibrationBins(p, y, { of: "classes" })).toEqual(whole);
  setThreadCount(before);
});

test("several histograms of one pass are those of one each", async () => {
  const mask = tensor(
    "uint8",
    labels.data.map((_, i) => (i % 5 === 0 ? 0 : 1)),
    labels.dims,
  );
  const histograms: readonly HistogramOptions[] = [
    { bins: 10 },
    { of: "top-label", bins: 15, edges: "left-closed" },
    { of: "classes", threshold: 1e-3, comparison: "float32" },
    { of: "classes", bins: 4, scheme: "equal-mass" },
    { bins: 20 },
  ];
  const together = calibrationHistogramsSync(probs, labels, histograms, { mask });
  expect(together).toEqual(
    histograms.map((options) => calibrationBinsSync(probs, labels, { ...options, mask })),
  );
  expect(await calibrationHistograms(probs, labels, histograms, { mask })).toEqual(together);
  expect(calibrationHistogramsSync(probs, labels, [])).toEqual([]);
  const [weighted] = calibrationHistogramsSync(probs, labels, [{}], {
    weights: tensor("float32", Float32Array.from(mask.data), mask.dims),
  });
  expect(weighted!.count).toEqual(together[0]!.count);
});

test("float16 gives what its float32 gives", async () => {
  const halves = Uint16Array.from({ length: 2 * 3 * 700 }, (_, i) => (i * 7919) % 0x3c01);
  const dims = [2, 3, 35, 20];
  const narrow = tensor("float16", halves, dims);
  const wide = tensor("float32", Float32Array.from(halves, halfToNumber), dims);
  const y = tensor(
    "uint8",
    Uint8Array.from({ length: 1400 }, (_, i) => (i * 31) % 3),
    [2, 35, 20],
  );
  for (const of of ["foreground", "classes", "top-label"] as const) {
    for (const scheme of ["equal-width", "equal-mass"] as const) {
      const options = { of, scheme };
      expect(await calibrationBins(narrow, y, options)).toEqual(calibrationBinsSync(wide, y, options));
    }
  }
  expect(probabilityScoresSync(narrow, y)).toEqual(probabilityScoresSync(wide, y));
  expect(argMaxSync(narrow)).toEqual(argMaxSync(wide));
  const metrics = [CalibrationMetric, OverlapMetric, ProbabilityScoreMetric, SurfaceDistanceMetric];
  for (const Metric of metrics) {
    const [a, b] = [new Metric({ classes: 3 }), new Metric({ classes: 3 })];
    await a.update(narrow, y);
    await b.update(wide, y);
    expect(a.state()).toEqual(b.state());
  }
  halves[1] = 0x3c01;
  expect(() => calibrationBinsSync(narrow, y)).toThrow(
    "probs: expected probabilities in [0, 1], got 1.00098",
  );
});

// Returns a positive float16 below infinity from its bits.
function halfToNumber(bits: number): number {
  const exponent = bits >> 10;
  return exponent === 0 ? bits * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25);
}

const [p, y] = pair([0.5, 0.2], [0, 1]);
const bad = (value: number): Tensor<"float32"> =>
  tensor("float32", Float32Array.of(0.5, 0.5, value, value), [1, 2, 2]);
const run =
  (options: CalibrationBinsOptions, probs = p, labels = y) =>
  () =>
    calibrationBinsSync(probs, labels, options);
test.each<[string, () => unknown, string]>([
  [
    "NaN",
    run({}, bad(Number.NaN)),
    "probs: expected probabilities in [0, 1], got nan in class 1 at pixel 0 (2 such pixels)",
  ],
  ["a negative probability", run({}, bad(-0.5)), "got -0.5 in class 1 at pixel 0 (2 such pixels)"],
  ["a probability above 1", run({}, bad(1.5)), "got 1.5 in class 1"],
  [
    "labels",
    run({}, p, tensor("int32", Int32Array.of(0, 2), [1, 2])),
    "labels: expected classes 0 to 1, got 2 at pixel 1 (1 such pixels)",
  ],
  [
    "dims of labels",
    run({}, p, tensor("uint8", new Uint8Array(3), [1, 3])),
    "labels: expected dims [1, 2], got [1, 3]",
  ],
  ["rank", run({}, tensor("float32", new Float32Array(4), [2, 2])), "probs: expected rank 3 to 5, got 2"],
  [
    "type",
    run({}, tensor("float64", new Float64Array(4), [1, 2, 2]) as never),
    "probs: expected type float32 or float16, got float64",
  ],
  ["bins", run({ bins: 0 }), "bins: expected an integer from 1"],
  ["of", run({ of: "pixels" as never }), "of: expected one of foreground"],
  ["edges", run({ edges: "open" as never }), "edges: expected one of right-closed"],
  ["comparison", run({ comparison: "half" as never }), "comparison: expected one of float64"],
  ["threshold", run({ threshold: 1 }), "threshold: expected a number from 0 to below 1, got 1"],
  [
    "mask",
    run({ mask: tensor("uint8", new Uint8Array(3), [1, 3]) }),
    "mask: expected dims [1, 2], got [1, 3]",
  ],
  [
    "weights",
    run({ weights: tensor("float32", Float32Array.of(1, -1), [1, 2]) }),
    "weights: expected finite numbers of at least 0, got -1 at pixel 1",
  ],
  [
    "dims of weights",
    run({ weights: tensor("float32", new Float32Array(3), [1, 3]) }),
    "weights: expected dims [1, 2]",
  ],
  ["a scheme", run({ scheme: "equal" as never }), "scheme: expected one of equal-width, equal-mass"],
  [
    "weights of equal mass",
    run({ scheme: "equal-mass", weights: tensor("float32", Float32Array.of(1, 1), [1, 2]) }),
    'weights: not supported with scheme "equal-mass"',
  ],
  ["ignore", run({ ignore: 1.5 }), "ignore: expected an integer"],
  ["a device", run({ device: "tpu" as never }), "device: expected one of cpu"],
  [
    "a group",
    () => binsOfClass(calibrationBinsSync(p, y), 1),
    "group: expected an integer from 0 to 0, got 1",
  ],
  [
    "another layout",
    () => mergeBins(calibrationBinsSync(p, y), calibrationBinsSync(p, y, { bins: 9 })),
    "bins: layouts differ",
  ],
])("rejects %s", (_, attempt, message) => {
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(message);
});

test("rejects through the promise", async () => {
  await expect(calibrationBins(bad(2), y)).rejects.toThrow(InvalidArgumentError);
});
