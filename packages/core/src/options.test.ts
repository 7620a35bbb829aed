import { expect, test } from "vitest";
import * as core from "./index.js";

const { tensor } = core;
const mask = tensor("uint8", Uint8Array.of(0, 1, 1, 0), [1, 2, 2]);
const packed = core.packMaskSync(mask);
const probs = tensor("float32", Float32Array.of(0.7, 0.2, 0.1, 0.9, 0.3, 0.8, 0.9, 0.1), [1, 2, 2, 2]);
const counts = { truePositive: 1, falsePositive: 0, falseNegative: 0 };
const bins = core.calibrationBinsSync(probs, mask, { of: "classes" });
const foreground = core.calibrationBinsSync(probs, mask);
const rings = core.boundaryCalibrationSync(probs, mask);
const scores = core.probabilityScoresSync(probs, mask);
const opening = { op: "opening" } as const;

// The functions with options, each with a misspelt option and the suggestion it should get.
test.each<[string, (options: never) => unknown, object, string, string]>([
  ["calibrationBins", (o) => core.calibrationBinsSync(probs, mask, o), {}, "bin", "bins"],
  ["calibrationHistograms", (o) => core.calibrationHistogramsSync(probs, mask, [{}, o]), {}, "edge", "edges"],
  [
    "calibrationHistograms",
    (o) => core.calibrationHistogramsSync(probs, mask, [], o),
    {},
    "weight",
    "weights",
  ],
  ["boundaryCalibration", (o) => core.boundaryCalibrationSync(probs, mask, o), {}, "ring", "rings"],
  ["boundaryBand", (o) => core.boundaryBand(rings, o), {}, "form", "from"],
  ["connectedComponents", (o) => core.connectedComponentsSync(mask, o), {}, "conectivity", "connectivity"],
  ["distanceTransform", (o) => core.distanceTransformSync(mask, o), {}, "spacings", "spacing"],
  ["signedDistance", (o) => core.signedDistanceSync(mask, o), { classes: 2 }, "normalise", "normalize"],
  ["morphology", (o) => core.morphologySync(mask, o), opening, "iteration", "iterations"],
  ["morphology of bits", (o) => core.morphologySync(packed, o), opening, "iteration", "iterations"],
  ["boundarySoftLabels", (o) => core.boundarySoftLabelsSync(mask, o), { classes: 2 }, "scal", "scale"],
  ["softLabels", (o) => core.softLabelsSync(mask, o), { classes: 2 }, "Kernel", "kernel"],
  [
    "softLabels' morphology",
    (o) => core.softLabelsSync(mask, { classes: 2, preset: "reference", morphology: o }),
    opening,
    "raduis",
    "radius",
  ],
  [
    "labelTargets",
    (o) => core.labelTargetsSync(mask, o),
    { classes: 2, oneHot: true },
    "softLabel",
    "softLabels",
  ],
  [
    "labelTargets' signedDistance",
    (o) => core.labelTargetsSync(mask, { classes: 2, signedDistance: o }),
    {},
    "absnet",
    "absent",
  ],
  [
    "labelTargets' softLabels",
    (o) => core.labelTargetsSync(mask, { classes: 2, softLabels: o }),
    {},
    "sizes",
    "size",
  ],
  ["packMask", (o) => core.packMaskSync(mask, o), {}, "devise", "device"],
  ["unpackMask", (o) => core.unpackMaskSync(packed, o), {}, "uot", "out"],
  ["argMax", (o) => core.argMaxSync(probs, o), {}, "keeps", "keep"],
  ["confusionCounts", (o) => core.confusionCountsSync(mask, mask, o), { classes: 2 }, "ignored", "ignore"],
  ["diceScore", (o) => core.diceScore(counts, o), {}, "smoth", "smooth"],
  ["intersectionOverUnion", (o) => core.intersectionOverUnion(counts, o), {}, "onEmpty", "oneEmpty"],
  ["probabilityScores", (o) => core.probabilityScoresSync(probs, mask, o), {}, "masks", "mask"],
  ["brierScore", (o) => core.brierScore(scores, o), {}, "meanOverClass", "meanOverClasses"],
  ["CECE", (o) => core.classwiseExpectedCalibrationError(bins, o), {}, "backgroud", "background"],
  ["pECE", (o) => core.pixelExpectedCalibrationError(foreground, o), {}, "varient", "variant"],
  ["temperatureSketch", (o) => core.temperatureSketchSync(probs, mask, o), {}, "masks", "mask"],
  ["surfaceDistances", (o) => core.surfaceDistancesSync(mask, mask, o), {}, "tolerence", "tolerance"],
  [
    "labelSurfaceDistances",
    (o) => core.labelSurfaceDistancesSync(mask, mask, o),
    { classes: 2, regions: [[1]] },
    "percentil",
    "percentile",
  ],
  ["SurfaceDistanceMetric", (o) => new core.SurfaceDistanceMetric(o), { classes: 2 }, "ignored", "ignore"],
  [
    "BoundaryCalibrationMetric",
    (o) => new core.BoundaryCalibrationMetric(o),
    { classes: 2 },
    "boundry",
    "boundary",
  ],
  ["TemperatureMetric", (o) => new core.TemperatureMetric(o), { classes: 2 }, "ignored", "ignore"],
  ["CalibrationMetric", (o) => new core.CalibrationMetric(o), { classes: 2 }, "edgess", "edges"],
  ["OverlapMetric", (o) => new core.OverlapMetric(o), { classes: 2 }, "bothempty", "bothEmpty"],
  ["ProbabilityScoreMetric", (o) => new core.ProbabilityScoreMetric(o), { classes: 2 }, "clases", "classes"],
])("%s refuses an option it does not know", (_, run, valid, wrong, right) => {
  expect(() => run(valid as never)).not.toThrow();
  const attempt = () => run({ ...valid, [wrong]: 1 } as never);
  expect(attempt).toThrow(core.InvalidArgumentError);
  expect(attempt).toThrow(`.${wrong}: unknown option (did you mean "${right}"?); known options: `);
  expect(() => run(null as never)).toThrow(", got null");
});

test("asynchronous functions refuse it as well, by rejecting", async () => {
  const wrong = { bin: 5 } as never;
  const logits = core.tensor("float32", new Float32Array(8), [1, 2, 2, 2]);
  await expect(core.borderLevels(mask, { classes: 2, form: "border", ...{ from: 1 } })).rejects.toThrow(
    'options.from: unknown option (did you mean "form"?)',
  );
  await expect(core.borderDistances(mask, { classes: 2, ...{ spacing: 1 } })).rejects.toThrow(
    "options.spacing: unknown option",
  );
  await expect(core.ringTargets(mask, { classes: 2, inner: 1, outer: 0, ...{ iner: 1 } })).rejects.toThrow(
    'did you mean "inner"?',
  );
  await expect(core.mixedPixels(logits, { limit: 1, ...{ limits: 1 } })).rejects.toThrow(
    'did you mean "limit"?',
  );
  await expect(core.calibrationBins(probs, mask, wrong)).rejects.toThrow('did you mean "bins"?');
  await expect(core.distanceTransform(mask, wrong)).rejects.toThrow("options.bin: unknown option");
  await expect(core.morphology(mask, wrong)).rejects.toThrow("options.bin: unknown option");
});

test.each<[string, () => unknown, string]>([
  ["counts", () => core.diceScore(null as never), "counts: expected an object, got null"],
  [
    "a negative count",
    () => core.intersectionOverUnion({ ...counts, falsePositive: -1 }),
    "counts.falsePositive: expected a number of at least 0, got -1",
  ],
  [
    "bins",
    () => core.expectedCalibrationError(null as never),
    "bins: expected bins returned by calibrationBins, got null",
  ],
  [
    "bins to merge",
    () => core.mergeBins(bins, 5 as never),
    "b: expected bins returned by calibrationBins, got 5",
  ],
  [
    "scores",
    () => core.brierScore({} as never),
    "scores: expected sums returned by probabilityScores, got Object",
  ],
  [
    "scores",
    () => core.negativeLogLikelihood(null as never),
    "scores: expected sums returned by probabilityScores",
  ],
])("%s that are none are refused by name", (_, attempt, message) => {
  expect(attempt).toThrow(core.InvalidArgumentError);
  expect(attempt).toThrow(message);
});

test("an option that a metric cannot have is refused", () => {
  const options = { classes: 2, scheme: "equal-mass" } as never;
  expect(() => new core.CalibrationMetric(options)).toThrow("options.scheme: unknown option");
});
