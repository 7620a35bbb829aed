import { tensor } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { overClasses, type Prediction } from "./prediction.js";

/** The distance of two maps at an entry: |a - b| or (a - b)^2. */
export type Distance = "l1" | "l2";

/** Returns -sum_c t_c log p_c per pixel, for labels or any soft target. */
export function crossEntropyMap({ logProbs }: Prediction, target: Value): Value {
  return ops.Neg(overClasses(ops.Mul(target, logProbs)));
}

/** Returns the mean over pixels of cross-entropy with the labels or with a soft target. */
export function crossEntropyTerm(prediction: Prediction, target: Value = prediction.oneHot): Value {
  return prediction.meanOverPixels(crossEntropyMap(prediction, target));
}

/**
 * Returns |a - b| or (a - b)^2 entry by entry; differences up to `tolerance` cost nothing. Where a = b the
 * gradient is 0.
 */
export function distanceMap(a: Value, b: Value, distance: Distance, tolerance = 0): Value {
  const difference = ops.Sub(a, b);
  if (distance === "l2" && tolerance === 0) return ops.Mul(difference, difference);
  const size = ops.Abs(difference);
  const excess = tolerance === 0 ? size : ops.Relu(ops.Sub(size, tolerance));
  return distance === "l1" ? excess : ops.Mul(excess, excess);
}

/** Returns -(1 - p_y)^gamma log p_y per pixel (Lin et al. 2017). */
export function focalMap(prediction: Prediction, gamma: number): Value {
  const { oneHot, probs } = prediction;
  const surprise = crossEntropyMap(prediction, oneHot);
  if (gamma === 0) return surprise;
  return ops.Mul(power(otherProbs(probs, oneHot), gamma), surprise);
}

/** Returns 1 - p_y as the sum of the other classes' probabilities: no cancellation where p_y rounds to 1. */
export function otherProbs(probs: Value, oneHot: Value): Value {
  return overClasses(ops.Mul(probs, ops.Sub(1, oneHot)));
}

/** Returns x^gamma for x >= 0; below gamma 1, where the slope at 0 is infinite, x is kept away from 0. */
export function power(x: Value, gamma: number): Value {
  if (gamma === 1) return x;
  if (gamma === 2) return ops.Mul(x, x);
  return ops.Pow(gamma < 1 ? ops.Clip(x, 1e-20) : x, gamma);
}

/** Returns sum_c (p_c - q_c)^2 per pixel. */
export function brierMap({ probs, oneHot }: Prediction): Value {
  return overClasses(distanceMap(probs, oneHot, "l2"));
}

/**
 * Returns the largest entry over classes, [N, 1, ...spatial]; the first of equal entries receives the
 * gradient.
 */
export function firstMaximum(prediction: Prediction, map: Value): { value: Value; at: Value } {
  const value = ops.ReduceMax(map, [1], { keepdims: 1 });
  const { logits, classes } = prediction;
  const index = logits.graph.constant(
    tensor("float32", Float32Array.from(Array(classes).keys()), [
      1,
      classes,
      ...prediction.spatial.map(() => 1),
    ]),
  );
  // ArgMax would give int64, which has no arithmetic on webgpu.
  const first = ops.ReduceMin(ops.Where(ops.Equal(map, value), index, classes), [1], {
    keepdims: 1,
  });
  const at = ops.StopGradient(ops.Equal(index, first));
  return { value: overClasses(ops.Where(at, map, 0)), at };
}

/**
 * The penalty on a logit's distance d to the largest beyond margin m: hinge, its
 * square, or MarginLoss's (d - m)^2.
 */
export type MarginPenalty = "hinge" | "squared-hinge" | "squared";

/** Returns the mean over entries of relu(max_c z_c - z_k - margin) (MbLS, Liu et al., CVPR 2022). */
export function marginTerm(prediction: Prediction, margin: number, penalty: MarginPenalty = "hinge"): Value {
  const { logits } = prediction;
  const excess = ops.Sub(ops.Sub(firstMaximum(prediction, logits).value, logits), margin);
  const cost = penalty === "squared" ? excess : ops.Relu(excess);
  return prediction.meanOverEntries(penalty === "hinge" ? cost : ops.Mul(cost, cost));
}

/** Returns loss + weight * term; a weight of 0 leaves the term out of the gradient. */
export function plus(loss: Value, weight: number, term: Value): Value {
  if (weight === 0) return loss;
  return ops.Add(loss, weight === 1 ? term : ops.Mul(term, weight));
}

/**
 * Returns cross-entropy with (1 - alpha) q + alpha / K, or with alpha / (K - 1) for every class but the
 * label's.
 */
export function smoothedCrossEntropy(prediction: Prediction, alpha: number, othersOnly: boolean): Value {
  const { classes, oneHot } = prediction;
  const share = othersOnly ? alpha / (classes - 1) : alpha / classes;
  const own = othersOnly ? 1 - alpha : 1 - alpha + share;
  return crossEntropyTerm(prediction, ops.Add(ops.Mul(oneHot, own - share), share));
}
