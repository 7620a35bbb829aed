import { describe, expect, test } from "vitest";
import { mergeBins } from "../kernels/bins.js";
import { type CalibrationBins, calibrationBinsSync } from "../kernels/calibration-bins.js";
import { Random } from "../random.js";
import { tensor } from "../tensor.js";
import {
  calibratedPixelExpectedCalibrationError,
  expectedCalibrationError,
  overconfidence,
  pixelExpectedCalibrationError,
} from "./calibration-error.js";
import { CalibrationMetric } from "./calibration-metric.js";
import { falsePositiveBrierScore } from "./false-positive-brier.js";

// Pixels of a small foreground with known posteriors: mostly background, a blurred border, doubtful objects.
const random = Random.fromSeed(3);
const posteriors = Float64Array.from({ length: 4000 }, () => {
  const u = random.uniform();
  return u < 0.7 ? 0.02 * random.uniform() : u < 0.9 ? random.uniform() : 0.98 + 0.02 * random.uniform();
});

/**
 * Returns the expected bins of predictions f(posterior): a pixel counts as either class, by its posterior.
 */
function expected(f: (posterior: number) => number, bins = 20): CalibrationBins {
  const twice = [0, 1].flatMap((y) => Array.from(posteriors, (eta) => ({ y, eta })));
  const p = Float32Array.from(twice, ({ eta }) => f(eta));
  const probs = tensor("float32", Float32Array.from([...p.map((q) => 1 - q), ...p]), [1, 2, twice.length]);
  const labels = tensor(
    "uint8",
    Uint8Array.from(twice, ({ y }) => y),
    [1, twice.length],
  );
  const weights = tensor(
    "float32",
    Float32Array.from(twice, ({ y, eta }) => (y === 1 ? eta : 1 - eta)),
    [1, twice.length],
  );
  return calibrationBinsSync(probs, labels, { bins, weights, squares: true });
}

const tempered = (temperature: number) => (eta: number) => {
  const odds = (eta / (1 - eta)) ** (1 / temperature);
  return odds === Number.POSITIVE_INFINITY ? 1 : odds / (1 + odds);
};
const shifted = (by: number) => (eta: number) => tempered(1)(eta / (eta + (1 - eta) * Math.exp(-by)));
const wrong: readonly [string, (eta: number) => number][] = [
  ["tempered, over-confident", tempered(0.6)],
  ["tempered, under-confident", tempered(1.6)],
  ["shifted to the foreground", shifted(0.7)],
  ["shifted to the background", shifted(-0.7)],
  ["capped at 0.7", (eta) => Math.min(eta, 0.7)],
  ["biased", (eta) => 0.05 + 0.9 * eta],
  ["hard", (eta) => (eta > 0.5 ? 1 : 0)],
  ["the share of the foreground", () => posteriors.reduce((a, b) => a + b) / posteriors.length],
];

describe("the truth has the least", () => {
  const truth = expected((eta) => eta);
  test.each(wrong)("excess and fpBrier, against %s", (name, f) => {
    const other = expected(f);
    const brier = falsePositiveBrierScore(other);
    expect(brier).toBeGreaterThan(falsePositiveBrierScore(truth) + 1e-5);
    const excess = pixelExpectedCalibrationError(other, { variant: "excess" });
    const least = pixelExpectedCalibrationError(truth, { variant: "excess" });
    // Calibrated predictions without any sharpness have no calibration error, in any binned error.
    if (name === "the share of the foreground") expect(excess).toBeGreaterThanOrEqual(least - 1e-6);
    else expect(excess).toBeGreaterThan(least + 1e-4);
  });

  test("the truth's excess is nothing", () => {
    expect(pixelExpectedCalibrationError(truth, { variant: "excess" })).toBeLessThan(1e-6);
    expect(overconfidence(truth)).toBeCloseTo(0, 6);
    expect(overconfidence(expected(shifted(0.7)))).toBeGreaterThan(0.01);
  });

  test("the published pECE is smaller for less confidence than for the truth, and larger ECE", () => {
    const capped = expected((eta) => Math.min(eta, 0.7));
    const cold = expected((eta) => 0.6 * eta);
    const pece = pixelExpectedCalibrationError(truth);
    expect(pece).toBeGreaterThan(0.1);
    for (const other of [capped, cold]) {
      expect(pixelExpectedCalibrationError(other)).toBeLessThan(pece);
      expect(expectedCalibrationError(other)).toBeGreaterThan(expectedCalibrationError(truth) + 0.01);
    }
  });

  test.each(["reference", "outside", "share-weighted", "threshold"] as const)(
    "of calibrated predictions pECE, variant %s, is what it would be if calibrated",
    (variant) => {
      const ifCalibrated = calibratedPixelExpectedCalibrationError(truth, { variant });
      expect(pixelExpectedCalibrationError(truth, { variant })).toBeCloseTo(ifCalibrated, 5);
      const half = calibratedPixelExpectedCalibrationError(truth, { variant, falsePositiveWeight: 1 });
      expect(half).toBeCloseTo(ifCalibrated / 2, 12);
    },
  );
});

describe("fpBrier equals its definition pixel by pixel", () => {
  const count = 700;
  const p = Float32Array.from({ length: count }, (_, i) => [0, 1, 0.5, 0.25][i] ?? random.uniform());
  const labels = tensor(
    "uint8",
    Uint8Array.from({ length: count }, () => random.integer(2)),
    [1, count],
  );
  const probs = tensor("float32", Float32Array.from([...p.map((q) => 1 - q), ...p]), [1, 2, count]);
  test.each([
    [2, 2, 0.5],
    [10, 0, 0.5],
    [4, 3, 0.25],
    [40, 1.5, 0.75],
  ])("%i bins, w %d, t %d", (bins, w, t) => {
    const binned = calibrationBinsSync(probs, labels, { bins, squares: true });
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const q = Math.fround(1 - probs.data[i]!);
      const most = Math.max(q, t);
      sum += labels.data[i] ? (1 - q) ** 2 + w * (1 - most) ** 2 : q * q + w * (most * most - t * t);
    }
    const options = { falsePositiveWeight: w, falsePositiveThreshold: t };
    expect(falsePositiveBrierScore(binned, options)).toBeCloseTo(sum / count, 9);
  });

  test("what it cannot be computed from", () => {
    const of = (options: object) => () =>
      falsePositiveBrierScore(calibrationBinsSync(probs, labels, { squares: true, ...options }));
    expect(of({ squares: false })).toThrow("bins.squaredConfidenceSum: expected sums of p^2 (squares: true)");
    expect(of({ includeLowest: false })).toThrow("bins: leave pixels out");
    expect(of({ threshold: 0.1 })).toThrow("bins: leave pixels out");
    expect(of({ bins: 5 })).toThrow("falsePositiveThreshold: expected a limit of the bins, got 0.5");
    expect(of({ of: "classes" })).toThrow('expected bins of "foreground" or of one class');
  });
});

describe("sums of p^2", () => {
  const probs = tensor("float32", Float32Array.of(0.5, 0.75, 1, 0.5, 0.25, 0), [1, 2, 3]);
  const labels = tensor("uint8", Uint8Array.of(0, 1, 1), [1, 3]);
  const binned = calibrationBinsSync(probs, labels, { bins: 2, of: "classes", squares: true });
  test("are kept per bin and merged", () => {
    expect([...binned.squaredConfidenceSum!]).toEqual([0.25, 1.5625, 0.3125, 0]);
    expect([...mergeBins(binned, binned).squaredConfidenceSum!]).toEqual([0.5, 3.125, 0.625, 0]);
    const plain = calibrationBinsSync(probs, labels, { bins: 2, of: "classes" });
    expect(plain.squaredConfidenceSum).toBeUndefined();
    expect({ ...binned, squares: false, squaredConfidenceSum: undefined }).toEqual({
      ...plain,
      squaredConfidenceSum: undefined,
    });
    expect(() => mergeBins(binned, plain)).toThrow("bins: layouts differ (squares true and false)");
  });

  test("are in a metric's state, and what has none keeps the state it had", async () => {
    const options = { classes: 2, variant: "excess", squares: true } as const;
    const [a, b] = [new CalibrationMetric(options), new CalibrationMetric(options)];
    await a.update(probs, labels);
    await b.update(probs, labels);
    const restored = CalibrationMetric.restore(a.state());
    restored.merge(b);
    expect(restored.bins().squaredConfidenceSum!.reduce((x, y) => x + y)).toBe(0.625);
    expect(restored.compute()).toMatchObject({ pixel: a.compute().pixel, pixelIfCalibrated: 0 });
    const plain = new CalibrationMetric({ classes: 2 });
    await plain.update(probs, labels);
    expect(plain.compute().pixelIfCalibrated).toBeNaN();
    expect(new TextDecoder().decode(plain.state())).not.toContain("squares");
    expect(new CalibrationMetric({ classes: 2, squares: false }).state().length).toBe(plain.state().length);
    expect(() => new CalibrationMetric({ classes: 2, variant: "excess" })).toThrow(
      'squares: expected true with variant "excess"',
    );
  });
});
