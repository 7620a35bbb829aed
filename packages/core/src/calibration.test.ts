import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  binLayout,
  binsOfClass,
  type CalibrationBinsOptions,
  calibrationBins,
  calibrationBinsSync,
  emptyBins,
  mergeBins,
} from "./calibration.js";
import { setThreadCount, threadCount } from "./device.js";
import { InvalidArgumentError } from "./errors.js";
import { foreground, golden, labels, only, probs } from "./fixture.test.helper.js";
import {
  averageCalibrationError,
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  maximumCalibrationError,
  type PixelCalibrationErrorOptions,
  pixelExpectedCalibrationError,
  reliability,
  rootMeanSquareCalibrationError,
} from "./metrics/calibration-error.js";
import { type Labels, type Tensor, tensor } from "./tensor.js";

interface Golden {
  readonly dims: number[];
  readonly classes: number;
  readonly probs: number[];
  readonly labels: number[];
  readonly reference: Record<string, number>;
  readonly torchmetrics: Record<string, number>;
  readonly torchmetricsMask: string;
}

function goldenCase({ dims, classes, probs, labels }: Golden): { p: Tensor<"float32">; y: Labels } {
  return {
    p: tensor("float32", Float32Array.from(probs), [1, classes, ...dims]),
    y: tensor("int64", BigInt64Array.from(labels, BigInt), [1, ...dims]),
  };
}

const cases = golden<{ cases: Golden[] }>("calibration").cases;

describe.each(cases)("case $#", (item) => {
  const { p, y } = goldenCase(item);

  test.each([10, 15])("the authors' metrics with %i bins, values on the limits included", (bins) => {
    const expected = item.reference;
    const whole = calibrationBinsSync(p, y, { bins });
    expect(expectedCalibrationError(whole)).toBeCloseTo(expected[`ece${bins}`]!, 6);
    for (const w of [0, 1, 2]) {
      const value = pixelExpectedCalibrationError(whole, { falsePositiveWeight: w });
      expect(value).toBeCloseTo(expected[`pece${bins}-${w}`]!, 6);
    }
    const classes = calibrationBinsSync(p, y, { bins, of: "classes", threshold: 1e-3 });
    expect(classwiseExpectedCalibrationError(classes)).toBeCloseTo(expected[`cece${bins}`]!, 6);
    const inner = classwiseExpectedCalibrationError(classes, { background: false });
    expect(inner).toBeCloseTo(expected[`cece${bins}-foreground`]!, 6);
  });

  test.each([10, 15])("torchmetrics with %i bins", (bins) => {
    const mask = tensor("uint8", Uint8Array.from(item.torchmetricsMask, Number), y.dims);
    const options = { bins, mask, edges: "left-closed", comparison: "float32" } as const;
    const top = calibrationBinsSync(p, y, { ...options, of: "top-label" });
    const one = binsOfClass(calibrationBinsSync(p, y, { ...options, of: "classes" }), 1);
    for (const [name, group] of Object.entries({ "top-label": top, class1: one })) {
      expect(expectedCalibrationError(group)).toBeCloseTo(item.torchmetrics[`${name}-l1-${bins}`]!, 6);
      expect(rootMeanSquareCalibrationError(group)).toBeCloseTo(item.torchmetrics[`${name}-l2-${bins}`]!, 6);
      expect(maximumCalibrationError(group)).toBeCloseTo(item.torchmetrics[`${name}-max-${bins}`]!, 6);
    }
  });
});

describe("published values on the fixture", () => {
  test.each([
    [0, 0.39961661, 0.3306559, 0.29617556, 1.86801351],
    [1, 0.42365453, 0.32155722, 0.27050856, 1.8417862],
  ])("the SDC repository, image %i", (n, ece, cece, ceceForeground, pece) => {
    const [p, y] = [only(probs, n), only(labels, n)];
    const whole = calibrationBinsSync(p, y);
    const classes = calibrationBinsSync(p, y, { of: "classes", threshold: 1e-3 });
    expect(expectedCalibrationError(whole)).toBeCloseTo(ece, 6);
    expect(classwiseExpectedCalibrationError(classes)).toBeCloseTo(cece, 6);
    expect(classwiseExpectedCalibrationError(classes, { background: false })).toBeCloseTo(ceceForeground, 6);
    expect(pixelExpectedCalibrationError(whole)).toBeCloseTo(pece, 6);
  });

  test("NACL's evaluator: top-label and class-wise, 15 bins, foreground pixels or all", () => {
    const inside = { bins: 15, mask: foreground(labels) };
    const top = (options: object): number =>
      expectedCalibrationError(calibrationBinsSync(probs, labels, { ...options, of: "top-label" }));
    const classes = (options: object): number =>
      classwiseExpectedCalibrationError(calibrationBinsSync(probs, labels, { ...options, of: "classes" }));
    expect(top(inside)).toBeCloseTo(0.30943218, 6);
    expect(classes(inside)).toBeCloseTo(0.24032192, 6);
    expect(top({ bins: 15 })).toBeCloseTo(0.40591013, 6);
    expect(classes({ bins: 15 })).toBeCloseTo(0.30959073, 6);
    // CRaC's version leaves out p <= 1e-3, of which there are none here.
    expect(classes({ ...inside, threshold: 1e-3 })).toBeCloseTo(0.24032192, 6);
    expect(top({ bins: 10, mask: foreground(labels) })).toBeCloseTo(0.20822777, 6);
  });

  test("torchmetrics, 15 bins", () => {
    const options = { bins: 15, edges: "left-closed", comparison: "float32" } as const;
    const top = calibrationBinsSync(probs, labels, { ...options, of: "top-label" });
    const one = binsOfClass(calibrationBinsSync(probs, labels, { ...options, of: "classes" }), 1);
    expect(expectedCalibrationError(top)).toBeCloseTo(0.40591016, 6);
    expect(rootMeanSquareCalibrationError(top)).toBeCloseTo(0.46667445, 6);
    expect(maximumCalibrationError(top)).toBeCloseTo(0.84493047, 6);
    expect(expectedCalibrationError(one)).toBeCloseTo(0.36881009, 6);
    expect(rootMeanSquareCalibrationError(one)).toBeCloseTo(0.44852665, 6);
    expect(maximumCalibrationError(one)).toBeCloseTo(0.84493047, 6);
  });

  test("MONAI's CalibrationErrorMetric, 20 bins, per image and class", () => {
    const errors = (error: typeof expectedCalibrationError): number[] =>
      [0, 1].flatMap((n) => {
        const bins = calibrationBinsSync(only(probs, n), only(labels, n), { bins: 20, of: "classes" });
        return [0, 1, 2].map((c) => error(binsOfClass(bins, c)));
      });
    const close = (actual: number[], expected: number[]): void =>
      actual.forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 6));
    close(
      errors(expectedCalibrationError),
      [
        0.44877007603645325, 0.4535883963108063, 0.2029731571674347, 0.42677080631256104, 0.29651665687561035,
        0.26938489079475403,
      ],
    );
    close(
      errors(averageCalibrationError),
      [
        0.41040822863578796, 0.4776833951473236, 0.29103779792785645, 0.4620212912559509, 0.42588114738464355,
        0.3809352517127991,
      ],
    );
    close(
      errors(maximumCalibrationError),
      [
        0.9491880536079407, 0.9382622241973877, 0.6570813059806824, 0.8897839784622192, 0.8510921001434326,
        0.6591902375221252,
      ],
    );
  });
});

const pair = (p: number[], y: number[]): [Tensor<"float32">, Labels] => [
  tensor("float32", Float32Array.from([...p.map((value) => 1 - value), ...p]), [1, 2, p.length]),
  tensor("uint8", Uint8Array.from(y), [1, y.length]),
];

test("who owns an edge", () => {
  const [p, y] = pair([0, 0.25, 0.5, 1], [0, 1, 0, 1]);
  const right = calibrationBinsSync(p, y, { bins: 4 });
  expect(Array.from(right.count)).toEqual([1, 1, 0, 1]);
  expect(right.total[0]).toBe(4);
  const left = calibrationBinsSync(p, y, { bins: 4, edges: "left-closed" });
  expect(Array.from(left.count)).toEqual([1, 1, 1, 1]);
  expect(Array.from(left.accuracySum)).toEqual([0, 1, 0, 1]);
  expect(Array.from(left.falsePositiveSum)).toEqual([0, 0, 0.5, 0]);
});

test("float32 probabilities on decimal limits meet them in double or in single precision", () => {
  // The float32 of 0.1 is above 0.1; numpy.linspace's 0.3 is 0.30000000000000004, above the float32 of 0.7's complement.
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

test("a perfectly calibrated bin, an over-confident one and the variants of pECE", () => {
  // Bin (0.2, 0.3]: one of four is foreground. Bin (0.9, 1]: p = 1, half wrong.
  const [p, y] = pair([0.25, 0.25, 0.25, 0.25, 1, 1], [1, 0, 0, 0, 1, 0]);
  const bins = calibrationBinsSync(p, y);
  expect(expectedCalibrationError(bins)).toBeCloseTo((2 / 6) * 0.5, 12);
  expect(maximumCalibrationError(bins)).toBe(0.5);
  expect(averageCalibrationError(bins)).toBe(0.25);
  expect(rootMeanSquareCalibrationError(bins)).toBeCloseTo(Math.sqrt((2 / 6) * 0.25), 12);
  const pece = (options: PixelCalibrationErrorOptions): number =>
    pixelExpectedCalibrationError(bins, options);
  expect(pece({})).toBeCloseTo((4 / 6) * 0.5 + (2 / 6) * 2.5, 12);
  expect(pece({ variant: "outside" })).toBeCloseTo((4 / 6) * 0.5 + (2 / 6) * 2.5, 12);
  expect(pece({ variant: "share-weighted" })).toBeCloseTo((4 / 6) * 0.375 + (2 / 6) * 1.5, 12);
  expect(pece({ variant: "threshold" })).toBeCloseTo((2 / 6) * 2.5, 12);
  expect(pece({ variant: "threshold", falsePositiveThreshold: 0.2 })).toBeCloseTo(pece({}), 12);
  expect(reliability(bins)[2]).toEqual({
    low: 0.2,
    high: 0.30000000000000004,
    count: 4,
    share: 4 / 6,
    confidence: 0.25,
    accuracy: 0.25,
  });
});

test("under-confidence cancels the reference's offset and not the outside variant's", () => {
  const [p, y] = pair([0.3, 0.3, 0.3], [1, 1, 0]);
  const bins = calibrationBinsSync(p, y);
  const gap = 2 / 3 - Math.fround(1 - Math.fround(0.7));
  expect(pixelExpectedCalibrationError(bins)).toBeCloseTo(Math.abs(-gap + 0.6), 6);
  expect(pixelExpectedCalibrationError(bins, { variant: "outside" })).toBeCloseTo(gap + 0.6, 6);
});

test("without any counted pixel everything is NaN", () => {
  const none = emptyBins(binLayout({}, 2));
  for (const error of [
    expectedCalibrationError,
    rootMeanSquareCalibrationError,
    maximumCalibrationError,
    averageCalibrationError,
    pixelExpectedCalibrationError,
  ]) {
    expect(error(none)).toBeNaN();
  }
  expect(classwiseExpectedCalibrationError(emptyBins(binLayout({ of: "classes" }, 2)))).toBeNaN();
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
    expect(Array.from(group.limits)).toEqual([0, ...[16, 33, 50, 67].map((end) => sorted[end - 1]), 1]);
    expect(Array.from(group.count)).toEqual([16, 17, 17, 17, 17]);
    const parts = [0, 16, 33, 50, 67, 84].map((start, m, all) => sorted.slice(start, all[m + 1]));
    parts.slice(0, 5).forEach((part, m) => {
      expect(group.confidenceSum[m]).toBeCloseTo(
        part.reduce((sum, p) => sum + p, 0),
        5,
      );
    });
  }
  const tied = calibrationBinsSync(...pair([0.5, 0.5, 0.5, 0.75], [0, 1, 0, 1]), {
    bins: 2,
    scheme: "equal-mass",
  });
  expect(Array.from(tied.count)).toEqual([3, 1]);
  expect(() => mergeBins(bins, tied)).toThrow("bins: expected bins of the same layout");
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
    "probs: expected type float32, got float64",
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
    'weights: expected none with scheme "equal-mass"',
  ],
  ["ignore", run({ ignore: 1.5 }), "ignore: expected an integer"],
  ["a device", run({ device: "tpu" as never }), "device: expected one of cpu"],
  [
    "groups",
    () => expectedCalibrationError(calibrationBinsSync(p, y, { of: "classes" })),
    "bins: expected one group",
  ],
  [
    "a group",
    () => binsOfClass(calibrationBinsSync(p, y), 1),
    "group: expected an integer from 0 to 0, got 1",
  ],
  [
    "bins of the foreground",
    () => classwiseExpectedCalibrationError(calibrationBinsSync(p, y)),
    'bins: expected bins of "classes"',
  ],
  [
    "bins of the top label",
    () => pixelExpectedCalibrationError(calibrationBinsSync(p, y, { of: "top-label" })),
    "bins: expected bins of",
  ],
  [
    "another layout",
    () => mergeBins(calibrationBinsSync(p, y), calibrationBinsSync(p, y, { bins: 9 })),
    "bins: expected bins of the same layout",
  ],
  [
    "a weight",
    () => pixelExpectedCalibrationError(calibrationBinsSync(p, y), { falsePositiveWeight: -1 }),
    "falsePositiveWeight: expected a number",
  ],
  [
    "a variant",
    () => pixelExpectedCalibrationError(calibrationBinsSync(p, y), { variant: "paper" as never }),
    "variant: expected one of reference",
  ],
  [
    "a threshold inside a bin",
    () =>
      pixelExpectedCalibrationError(calibrationBinsSync(p, y), {
        variant: "threshold",
        falsePositiveThreshold: 0.55,
      }),
    "falsePositiveThreshold: expected a limit of the bins",
  ],
])("rejects %s", (_, attempt, message) => {
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(message);
});

test("rejects through the promise", async () => {
  await expect(calibrationBins(bad(2), y)).rejects.toThrow(InvalidArgumentError);
});
