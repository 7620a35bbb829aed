import { ops, type Value } from "@pixelcal/graph";
import { foreground } from "./dice.js";
import { type Prediction, sumOver } from "./prediction.js";
import { power } from "./terms.js";

/** Soft counts of a class in a sample, [N, C]. */
export interface SoftCounts {
  readonly truePositive: Value;
  readonly falsePositive: Value;
  readonly falseNegative: Value;
}

/** The options of {@link softCounts}. */
export interface SoftCountOptions {
  /** Whether class 0 takes part; default true. */
  readonly includeBackground?: boolean;
  /** The power of a pixel's share in a false count; default 1. */
  readonly gamma?: number;
}

/**
 * Returns sum p q, sum ((1 - q) p)^gamma and sum (q (1 - p))^gamma over the pixels of each sample and
 * class.
 */
export function softCounts(prediction: Prediction, options: SoftCountOptions): SoftCounts {
  const { includeBackground = true, gamma = 1 } = options;
  const { probs, oneHot } = foreground(prediction, includeBackground);
  const total = (map: Value): Value => sumOver(map, prediction.spatial);
  return {
    truePositive: total(ops.Mul(probs, oneHot)),
    falsePositive: total(power(ops.Mul(probs, ops.Sub(1, oneHot)), gamma)),
    falseNegative: total(power(ops.Mul(ops.Sub(1, probs), oneHot), gamma)),
  };
}

/** Returns TP / (TP + falsePositiveWeight FP + falseNegativeWeight FN), `smooth` added above and below. */
export function tverskyIndex(
  { truePositive, falsePositive, falseNegative }: SoftCounts,
  falsePositiveWeight: number,
  falseNegativeWeight: number,
  smooth: number,
): Value {
  const misses = ops.Add(
    ops.Mul(falsePositive, falsePositiveWeight),
    ops.Mul(falseNegative, falseNegativeWeight),
  );
  const hits = ops.Add(truePositive, smooth);
  return ops.Div(hits, ops.Add(hits, misses));
}
