import { numberOf } from "../attributes.js";
import type { Node, Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { reducedAxes } from "../operators/reduction.js";
import { normalAxis } from "../operators/spec.js";
import type { Lowering } from "./lowering.js";

const { Add, Sub, Div, Exp, Log, ReduceMax, ReduceSum } = ops;

const axisOf = (node: Node, x: Value, otherwise: number): number =>
  normalAxis(node, numberOf(node, "axis", otherwise), x.dims.length);

/** Returns x - max, its exp and the sum of that: softmax, its logarithm and log-sum-exp share them. */
function exponentials(
  x: Value,
  axes: readonly number[],
): { max: Value; shifted: Value; terms: Value; sum: Value } {
  const max = ReduceMax(x, axes);
  const shifted = Sub(x, max);
  const terms = Exp(shifted);
  return { max, shifted, terms, sum: ReduceSum(terms, axes) };
}

/**
 * Makes the lowering of a reduction over no axes, which sums every element alone; webgpu would then leave out
 * what is done before the sum and after it.
 */
const alone =
  (each: (x: Value) => Value): Lowering =>
  (node, [x]) =>
    reducedAxes(node).length === 0 ? [each(x!)] : undefined;

const itself = alone((x) => x);

export const reductionLowerings: Readonly<Record<string, Lowering>> = {
  ReduceSum: itself,
  ReduceMean: itself,
  ReduceMax: itself,
  ReduceMin: itself,
  ReduceProd: itself,
  ReduceL1: alone(ops.Abs),
  ReduceL2: alone(ops.Abs),
  ReduceSumSquare: alone((x) => ops.Mul(x, x)),
  ReduceLogSum: alone(Log),
  // Over another axis than the last, providers transpose there and back.
  Softmax: (node, [x]) => {
    const axis = axisOf(node, x!, -1);
    if (axis === x!.dims.length - 1) return undefined;
    const { terms, sum } = exponentials(x!, [axis]);
    return [Div(terms, sum)];
  },
  LogSoftmax: (node, [x]) => {
    const { shifted, sum } = exponentials(x!, [axisOf(node, x!, -1)]);
    return [Sub(shifted, Log(sum))];
  },
  ReduceLogSumExp: (node, [x]) => {
    const { max, sum } = exponentials(x!, reducedAxes(node));
    const result = Add(max, Log(sum));
    const { dims } = node.outputs[0]!;
    return [dims.length === result.dims.length ? result : ops.Reshape(result, dims)];
  },
  ArgMin: (node, [x]) =>
    numberOf(node, "select_last_index", 0)
      ? undefined
      : [ops.ArgMax(ops.Neg(x!), axisOf(node, x!, 0), { keepdims: numberOf(node, "keepdims", 1) })],
};
