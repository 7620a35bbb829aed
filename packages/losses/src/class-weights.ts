import { invalidArgument, tensor } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { overClasses, type Prediction } from "./prediction.js";

/** Returns the weight of each pixel's class, [N, 1, ...spatial]; 0 where the label is ignored. */
export function weightOfLabel(loss: string, prediction: Prediction, weights: readonly number[]): Value {
  const { classes, logits, oneHot, spatial } = prediction;
  if (weights.length !== classes)
    throw invalidArgument(`${loss}.classWeights`, `${classes} weights, one a class`, `${weights.length}`);
  const dims = [1, classes, ...spatial.map(() => 1)];
  const byClass = logits.graph.constant(tensor("float32", Float32Array.from(weights), dims));
  return overClasses(ops.Mul(oneHot, byClass));
}
