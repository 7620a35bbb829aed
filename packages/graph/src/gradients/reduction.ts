import { numberOf } from "../attributes.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { reducedAxes } from "../operators/reduction.js";
import { normalAxis, sizeOf, staticNumbers } from "../operators/spec.js";
import { type Backward, type GradientRule, indicator, noGradient } from "./rule.js";

const { Mul, Div } = ops;

/**
 * Returns a reduction's result or gradient with the reduced axes of size 1, which broadcasts to its input.
 */
function kept({ node, x }: Backward, value: Value): Value {
  const axes = reducedAxes(node);
  const dims = x.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return dims.length === value.dims.length ? value : ops.Reshape(value, dims);
}

const reduction =
  (slope: (backward: Backward, dy: Value, y: Value) => Value): GradientRule =>
  (backward) => [() => slope(backward, kept(backward, backward.dy), kept(backward, backward.y))];

/** The elements that reach the extremum share its gradient equally, as torch.amax. */
const extremum = reduction((backward, dy, y) => {
  const reaches = indicator(ops.Equal(backward.x, y), backward.x);
  return Mul(reaches, Div(dy, ops.ReduceSum(reaches, reducedAxes(backward.node))));
});

const axisOf = ({ node, x }: Backward): number => normalAxis(node, numberOf(node, "axis", -1), x.dims.length);

export const reductionRules: Readonly<Record<string, GradientRule>> = {
  ReduceSum: reduction((_, dy) => dy),
  ReduceMean: reduction(({ x, y }, dy) => Div(dy, sizeOf(x.dims) / sizeOf(y.dims))),
  ReduceMax: extremum,
  ReduceMin: extremum,
  // The product of the others, also where one element is 0.
  ReduceProd: reduction((b, dy, y) => {
    const axes = reducedAxes(b.node);
    const zero = ops.Equal(b.x, 0);
    const zeros = ops.ReduceSum(indicator(zero, b.x), axes);
    const others = ops.ReduceProd(ops.Where(zero, 1, b.x), axes);
    const alone = ops.Where(ops.Equal(zeros, 1), others, 0);
    return Mul(dy, ops.Where(zero, alone, Div(y, ops.Where(zero, 1, b.x))));
  }),
  ReduceL1: reduction(({ x }, dy) => Mul(dy, ops.Sign(x))),
  // 0 where the norm is 0
  ReduceL2: reduction(({ x }, dy, y) => {
    const zero = ops.Equal(y, 0);
    return Mul(x, Div(ops.Where(zero, 0, dy), ops.Where(zero, 1, y)));
  }),
  ReduceSumSquare: reduction(({ x }, dy) => Mul(x, Mul(dy, 2))),
  ReduceLogSum: reduction((_, dy, y) => Div(dy, ops.Exp(y))),
  ReduceLogSumExp: reduction(({ x }, dy, y) => Mul(dy, ops.Exp(ops.Sub(x, y)))),
  Softmax: (b) => [
    () => {
      const weighted = Mul(b.y, b.dy);
      return ops.Sub(weighted, Mul(b.y, ops.ReduceSum(weighted, [axisOf(b)])));
    },
  ],
  LogSoftmax: (b) => [() => ops.Sub(b.dy, Mul(ops.Exp(b.y), ops.ReduceSum(b.dy, [axisOf(b)])))],
  CumSum: ({ node, dy }) => [
    () =>
      ops.CumSum(dy, staticNumbers(node, 1)![0]!, {
        exclusive: numberOf(node, "exclusive", 0),
        reverse: 1 - numberOf(node, "reverse", 0),
      }),
  ],
  ArgMax: noGradient,
  ArgMin: noGradient,
};
