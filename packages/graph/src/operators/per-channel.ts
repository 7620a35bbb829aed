import { numberOf } from "../attributes.js";
import type { Described, Value } from "../ir.js";
import { Add, Div, Sqrt } from "./elementwise.js";
import { Reshape } from "./movement.js";

// The parts that norms and their gradients share.

/** Returns the axes of [N, C, ...spatial] but the channels: what a per-channel sum runs over. */
export const exceptChannels = (x: Value): number[] =>
  x.dims.map((_, axis) => axis).filter((axis) => axis !== 1);

/** Reshapes a per-channel value [C] to broadcast over x [N, C, ...spatial]. */
export const perChannel = (value: Value, x: Value): Value =>
  Reshape(value, [1, -1, ...Array<number>(x.dims.length - 2).fill(1)]);

/** Returns the epsilon of a norm, with ONNX's default. */
export const epsilonOf = (node: Described): number => numberOf(node, "epsilon", 1e-5);

/** Returns one over the standard deviation of this variance. */
export const inverseDeviation = (variance: Value, epsilon: number): Value =>
  Div(1, Sqrt(Add(variance, epsilon)));
