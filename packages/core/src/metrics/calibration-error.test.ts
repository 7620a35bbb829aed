import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { foreground, golden, labels, only, probs } from "../fixture.test.helper.js";
import { binsOfClass, emptyBins } from "../kernels/bins.js";
import { binLayout, calibrationBinsSync } from "../kernels/calibration-bins.js";
import { type Labels, type Tensor, tensor } from "../tensor.js";
import {
  averageCalibrationError,
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  maximumCalibrationError,
  type PixelCalibrationErrorOptions,
  pixelExpectedCalibrationError,
  reliability,
  rootMeanSquareCalibrationError,
} from "./calibration-error.js";

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
    const whole = calibrationBinsSync(p, y, { bins, includeLowest: false });
    expect(expectedCalibrationError(whole)).toBeCloseTo(expected[`ece${bins}`]!, 6);
    for (const w of [0, 1, 2]) {
      const value = pixelExpectedCalibrationError(whole, { falsePositiveWeight: w });
      expect(value).toBeCloseTo(expected[`pece${bins}-${w}`]!, 6);
    }
    const classes = calibrationBinsSync(p, y, {
      bins,
      of: "classes",
      threshold: 1e-3,
      includeLowest: false,
    });
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
    // CRaC's version leaves out p <= 1e-3, which does not occur here.
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

test("a perfectly calibrated bin, an over-confident one and the variants of pECE", () => {
  // Bin (0.2, 0.3]: one pixel of four is foreground. Bin (0.9, 1]: p = 1, and half are wrong.
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

const [p, y] = pair([0.5, 0.2], [0, 1]);
test.each<[string, () => unknown, string]>([
  [
    "groups",
    () => expectedCalibrationError(calibrationBinsSync(p, y, { of: "classes" })),
    "bins: expected one group",
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
