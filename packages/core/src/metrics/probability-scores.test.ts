import { expect, test } from "vitest";
import { InvalidArgumentError } from "../errors.js";
import { foreground, labels, only, probs } from "../fixture.test.helper.js";
import { tensor } from "../tensor.js";
import { ProbabilityScoreMetric } from "./probability-score-metric.js";
import {
  brierScore,
  negativeLogLikelihood,
  probabilityScores,
  probabilityScoresSync,
} from "./probability-scores.js";

test("published values on the fixture", async () => {
  const scores = probabilityScoresSync(probs, labels);
  expect(negativeLogLikelihood(scores)).toBeCloseTo(1.89402485, 6);
  expect(brierScore(scores)).toBeCloseTo(0.90975988, 6);
  expect(brierScore(scores, { meanOverClasses: true })).toBeCloseTo(0.30325329, 6);
  expect(await probabilityScores(probs, labels)).toEqual(scores);
});

test("images add up, and a mask is a weight of 0", () => {
  const whole = probabilityScoresSync(probs, labels);
  const [a, b] = [0, 1].map((n) => probabilityScoresSync(only(probs, n), only(labels, n))) as [
    typeof whole,
    typeof whole,
  ];
  expect(a.total + b.total).toBe(84);
  expect(a.brierSum + b.brierSum).toBeCloseTo(whole.brierSum, 10);
  expect(a.logLossSum + b.logLossSum).toBeCloseTo(whole.logLossSum, 10);
  const mask = foreground(labels);
  const weights = tensor("float32", Float32Array.from(mask.data), mask.dims);
  expect(probabilityScoresSync(probs, labels, { mask })).toEqual(
    probabilityScoresSync(probs, labels, { weights }),
  );
});

test("certainty: right, wrong, and no pixels at all", () => {
  const p = tensor("float32", Float32Array.of(1, 0), [1, 2, 1]);
  const scores = (label: number, ignore?: number) =>
    probabilityScoresSync(p, tensor("uint8", Uint8Array.of(label), [1, 1]), { ignore });
  expect([brierScore(scores(0)), negativeLogLikelihood(scores(0))]).toEqual([0, 0]);
  expect([brierScore(scores(1)), negativeLogLikelihood(scores(1))]).toEqual([2, Number.POSITIVE_INFINITY]);
  expect([brierScore(scores(1, 1)), negativeLogLikelihood(scores(1, 1))]).toEqual([Number.NaN, Number.NaN]);
});

test("a floor bounds the log loss and counts the pixels it bounded", () => {
  const p = tensor("float32", Float32Array.of(1, 0.5, 0.25, 0, 0.5, 0.75), [1, 2, 3]);
  const y = tensor("uint8", Uint8Array.of(1, 0, 0), [1, 3]);
  const scores = (floor?: number) => probabilityScoresSync(p, y, { floor });
  const nll = (floor?: number): number => negativeLogLikelihood(scores(floor));
  const infinite = Number.POSITIVE_INFINITY;
  expect([scores().bounded, scores(0).bounded, nll(), nll(0)]).toEqual([0, 0, infinite, infinite]);
  expect(scores(1e-12).bounded).toBe(1);
  expect(nll(1e-12)).toBeCloseTo(-(Math.log(1e-12) + Math.log(0.5) + Math.log(0.25)) / 3, 12);
  // The floor itself, 0.25, is not below the floor.
  expect(scores(0.25).bounded).toBe(1);
  expect(scores(0.3).bounded).toBe(2);
  expect(scores(0.3).brierSum).toBe(scores().brierSum);
  const weights = tensor("float32", Float32Array.of(0, 1, 3), y.dims);
  expect(probabilityScoresSync(p, y, { floor: 0.3, weights }).bounded).toBe(1);
});

test.each([-1, 1, 1e-310, Number.NaN, null, "1e-3"])("refuses the floor %s", (floor) => {
  const p = tensor("float32", Float32Array.of(1, 0), [1, 2, 1]);
  const y = tensor("uint8", Uint8Array.of(1), [1, 1]);
  const message = "floor: expected 0 or a number from 2.3e-308 to below 1, got ";
  expect(() => probabilityScoresSync(p, y, { floor: floor as number })).toThrow(message);
  expect(() => new ProbabilityScoreMetric({ classes: 2, floor: floor as number })).toThrow(message);
});

test("rejects what calibrationBins rejects", () => {
  const half = tensor("float32", Float32Array.of(1.5, 0.5), [1, 2, 1]);
  const label = tensor("uint8", Uint8Array.of(2), [1, 1]);
  expect(() => probabilityScoresSync(half, tensor("uint8", Uint8Array.of(0), [1, 1]))).toThrow(
    "probs: expected probabilities in [0, 1], got 1.5 in class 0 at pixel 0 (1 such pixels)",
  );
  const good = tensor("float32", Float32Array.of(0.5, 0.5), [1, 2, 1]);
  expect(() => probabilityScoresSync(good, label)).toThrow("labels: expected classes 0 to 1, got 2");
  expect(() => probabilityScoresSync(good, labels)).toThrow(InvalidArgumentError);
  expect(() => probabilityScoresSync(good, label, { device: "tpu" as never })).toThrow(
    "device: expected one of",
  );
});
