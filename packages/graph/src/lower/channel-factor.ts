import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { sameDims, sizeOf } from "../operators/spec.js";

/**
 * Splits a gradient that is the product of a value and one factor per channel, as behind a batch norm, into
 * value and factor [O, 1, ...], for a weight of these dims: scaling the weight is cheaper, as it is smaller.
 * Undefined for other gradients.
 */
export function channelFactor(
  dy: Value,
  weight: readonly number[],
): { readonly value: Value; readonly factor: Value } | undefined {
  if (dy.node?.opType !== "Mul" || sizeOf(dy.dims) < 2 * sizeOf(weight)) return undefined;
  const [a, b] = dy.node.inputs as [Value, Value];
  const perChannel = (factor: Value): boolean =>
    factor.dims.length === dy.dims.length &&
    factor.dims.every((size, axis) => size === (axis === 1 ? dy.dims[1] : 1));
  if (!sameDims(a.dims, dy.dims) || !perChannel(b)) return undefined;
  return { value: a, factor: ops.Reshape(b, [dy.dims[1]!, ...weight.slice(1).map(() => 1)]) };
}
