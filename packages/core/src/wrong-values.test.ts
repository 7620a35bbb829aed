import { expect, test } from "vitest";
import * as core from "./index.js";

// Values that callers pass by mistake give an error of this package that names the argument, never one of
// V8's.
const probs = core.tensor("float32", Float32Array.of(0.5, 0.5, 0.5, 0.5), [1, 2, 2]);
const labels = core.tensor("uint8", Uint8Array.of(0, 1), [1, 2]);
const bins = core.calibrationBinsSync(probs, labels, { of: "classes", bins: 4 });
const one = core.binsOfClass(bins, 0);
const scores = core.probabilityScoresSync(probs, labels);
const confusion = core.confusionCountsSync(labels, labels, { classes: 2 });
const counts = core.overlapCounts(confusion, 1);
const detached = new Float32Array(4);
structuredClone(detached, { transfer: [detached.buffer] });
const proxied = { ...probs, data: new Proxy(probs.data, {}) };

const errors = {
  expectedCalibrationError: core.expectedCalibrationError,
  rootMeanSquareCalibrationError: core.rootMeanSquareCalibrationError,
  maximumCalibrationError: core.maximumCalibrationError,
  averageCalibrationError: core.averageCalibrationError,
  pixelExpectedCalibrationError: core.pixelExpectedCalibrationError,
  classwiseExpectedCalibrationError: core.classwiseExpectedCalibrationError,
  reliability: core.reliability,
  binsOfClass: (given: never) => core.binsOfClass(given, 0),
  mergeBins: (given: never) => core.mergeBins(bins, given),
};

test.each(Object.entries(errors))("%s of what is no bins", (name, score) => {
  const argument = name === "mergeBins" ? "b" : "bins";
  const valid = name === "classwiseExpectedCalibrationError" || name === "mergeBins" ? bins : one;
  expect(() => score(valid as never)).not.toThrow();
  for (const [change, message] of [
    [undefined, `${argument}: expected bins returned by calibrationBins, got undefined`],
    [null, `${argument}: expected bins returned by calibrationBins, got null`],
    [{ ...valid, groups: Number.NaN }, `${argument}.groups: expected an integer from 1 to 32767, got NaN`],
    [{ ...valid, bins: 4n }, `${argument}.bins: expected an integer from 1 to 4096, got 4`],
    [
      { ...valid, of: Symbol("s") },
      `${argument}.of: expected one of foreground, classes, top-label, got Symbol(s)`,
    ],
    [{ ...valid, count: [1, 2] }, `${argument}.count: expected a Float64Array of`],
    [{ ...valid, total: new Float64Array(7) }, `${argument}.total: expected ${valid.groups} numbers, got 7`],
    [
      { ...valid, limits: undefined },
      `${argument}.limits: expected a Float64Array of 5 numbers, got undefined`,
    ],
    [{ ...valid, count: new Proxy(valid.count, {}) }, `${argument}.count: expected a Float64Array of`],
  ] as const) {
    expect(() => score(change as never)).toThrow(core.InvalidArgumentError);
    expect(() => score(change as never)).toThrow(message);
  }
});

test.each<[string, () => unknown, string]>([
  [
    "scores",
    () => core.brierScore(undefined as never),
    "scores: expected sums returned by probabilityScores",
  ],
  [
    "scores",
    () => core.brierScore({ ...scores, total: 1n } as never),
    "scores: expected sums returned by probabilityScores",
  ],
  [
    "scores",
    () => core.negativeLogLikelihood(null as never),
    "scores: expected sums returned by probabilityScores",
  ],
  ["counts", () => core.diceScore(undefined as never), "counts: expected an object"],
  [
    "counts",
    () => core.intersectionOverUnion({ ...counts, falsePositive: 2n } as never),
    "counts.falsePositive: expected a number of at least 0, got 2",
  ],
  [
    "mask.dims",
    () => core.unpackMaskSync({ dims: [detached as never], words: new BigUint64Array(1) } as never),
    "mask.dims: expected 1 to 8 positive dimensions",
  ],
  [
    "mask.words",
    () => core.unpackMaskSync({ dims: [1, 1], words: new Proxy(new BigUint64Array(1), {}) } as never),
    "mask.words: expected a BigUint64Array",
  ],
  ["type", () => core.tensor(detached as never, labels.data as never, [4]), "type: expected one of float32"],
  ["type", () => core.zeros(Object.create(null), [4]), "type: expected one of float32"],
  ["data", () => core.tensor("float32", proxied.data, [4]), "data: expected a Float32Array for float32"],
  [
    "histograms",
    () => core.calibrationHistogramsSync(probs, labels, Object.assign([], { 1: {} })),
    "histograms[0]: expected an object, got undefined",
  ],
  [
    "spacing",
    () => core.distanceTransformSync(labels as never, { spacing: Object.create(Int32Array.prototype) }),
    "spacing: expected an array of numbers, got Int32Array",
  ],
  [
    "spacing",
    () => new core.SurfaceDistanceMetric({ classes: 2, spacing: null as never }),
    "spacing: expected an array of numbers, got null",
  ],
  ["values", () => core.argMaxSync(proxied), "values: expected data of type float32"],
])("%s", (argument, call, message) => {
  expect(call).toThrow(message);
  expect(call).toThrow(
    expect.objectContaining({ name: "InvalidArgumentError", argument: expect.stringContaining(argument) }),
  );
});
