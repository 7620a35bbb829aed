import { numberOf } from "../attributes.js";
import { toNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import { scalar } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { type Backward, type GradientRule, indicator, noGradient } from "./rule.js";

const { Add, Sub, Mul, Div, Neg, Greater, Less, Not, And, Where } = ops;

/** Makes the rule of a function of one value: g * slope(x). */
const unary =
  (slope: (backward: Backward) => Value): GradientRule =>
  (backward) => [() => Mul(backward.g, slope(backward))];

const positive = (x: Value): Value => indicator(Greater(x, 0), x);
const inside = (x: Value, low: number, high: number): Value =>
  indicator(And(Greater(x, low), Less(x, high)), x);

/** All operands that reach the extremum share its gradient equally, as torch.maximum does for two. */
const extremum: GradientRule = ({ inputs, y, g }) => {
  const reaches = (x: Value): Value => indicator(ops.Equal(x, y), y);
  const share = (): Value =>
    Div(
      g,
      inputs.map(reaches).reduce((a, b) => Add(a, b)),
    );
  return inputs.map((x) => () => Mul(share(), reaches(x)));
};

const exponentOf = (exponent: Value): number | undefined => {
  const tensor = exponent.graph.tensor(exponent);
  return tensor?.data.length === 1 ? toNumbers(tensor)[0] : undefined;
};

function powerSlope(x: Value, exponent: Value): Value {
  const power = exponentOf(exponent);
  if (power === 0 || power === 1) return scalar(x.graph, x.type, power);
  if (power === 2) return Mul(x, 2);
  if (power !== undefined) return Mul(ops.Pow(x, power - 1), power);
  // x^0 is flat, also at 0 where x^-1 is infinite.
  return Where(ops.Equal(exponent, 0), 0, Mul(exponent, ops.Pow(x, Sub(exponent, 1))));
}

/** Broadcasting is undone by the walker. */
export const elementwiseRules: Readonly<Record<string, GradientRule>> = {
  Identity: ({ g }) => [() => g],
  Neg: ({ g }) => [() => Neg(g)],
  Abs: unary(({ x }) => ops.Sign(x)), // 0 at 0
  Sqrt: ({ g, y }) => [() => Div(Mul(g, 0.5), y)],
  Reciprocal: unary(({ y }) => Neg(Mul(y, y))),
  Exp: unary(({ y }) => y),
  Log: ({ g, x }) => [() => Div(g, x)],
  Sin: unary(({ x }) => ops.Cos(x)),
  Cos: unary(({ x }) => Neg(ops.Sin(x))),
  Tanh: unary(({ y }) => Sub(1, Mul(y, y))),
  Sigmoid: unary(({ y }) => Mul(y, Sub(1, y))),
  Softplus: unary(({ x }) => ops.Sigmoid(x)),
  Softsign: ({ g, x }) => [() => Div(g, ops.Pow(Add(ops.Abs(x), 1), 2))],
  Erf: unary(({ x }) => Mul(ops.Exp(Neg(Mul(x, x))), 2 / Math.sqrt(Math.PI))),
  Relu: unary(({ y }) => positive(y)), // 0 at 0
  // alpha at 0
  LeakyRelu: unary(({ node, x, y }) => {
    const alpha = numberOf(node, "alpha", 0.01);
    // The sign of y, where that is the sign of x, lets x go.
    if (alpha >= 0 && alpha <= 1) return ops.Max(positive(y), alpha);
    return Add(Mul(positive(x), 1 - alpha), alpha);
  }),
  // alpha at 0
  Elu: unary(({ node, x }) => {
    const alpha = numberOf(node, "alpha", 1);
    return Where(Greater(x, 0), 1, Mul(ops.Exp(ops.Min(x, 0)), alpha));
  }),
  // 0 at both corners
  HardSigmoid: unary(({ node, x }) => {
    const [alpha, beta] = [numberOf(node, "alpha", 0.2), numberOf(node, "beta", 0.5)];
    return Mul(inside(Add(Mul(x, alpha), beta), 0, 1), alpha);
  }),
  // 0 at -3 and 1 at 3
  HardSwish: unary(({ x }) =>
    Add(Mul(inside(x, -3, 3), Add(Mul(x, 1 / 3), 0.5)), indicator(Not(Less(x, 3)), x)),
  ),
  // the slope at 0
  PRelu: ({ inputs: [x, slope], g }) => [
    () => Where(Greater(x!, 0), g, Mul(slope!, g)),
    () => Mul(g, ops.Min(x!, 0)),
  ],
  Add: ({ g }) => [() => g, () => g],
  Sub: ({ g }) => [() => g, () => Neg(g)],
  Mul: ({ inputs: [a, b], g }) => [() => Mul(g, b!), () => Mul(g, a!)],
  Div: ({ inputs: [, b], y, g }) => [() => Div(g, b!), () => Neg(Div(Mul(g, y), b!))],
  Pow: ({ inputs: [x, exponent], y, g }) => [
    () => Mul(g, powerSlope(x!, exponent!)),
    // the logarithm of a base of 0 or less counts as 0
    () => Mul(g, Mul(y, Where(Greater(x!, 0), ops.Log(Where(Greater(x!, 0), x!, 1)), 0))),
  ],
  Mod: ({ inputs: [a, b], y, g }) => [() => g, () => Neg(Mul(g, Div(Sub(a!, y), b!)))],
  Max: extremum,
  Min: extremum,
  Sum: ({ inputs, g }) => inputs.map(() => () => g),
  Mean: ({ inputs, g }) => inputs.map(() => () => Div(g, inputs.length)),
  Where: ({ inputs: [condition], g }) => [
    undefined,
    () => Where(condition!, g, 0),
    () => Where(condition!, 0, g),
  ],
  // 1 at both bounds, as torch.clamp
  Clip: ({ inputs: [x, min, max], g }) => {
    const below = min && Less(x!, min);
    const above = max && Greater(x!, max);
    const outside = below && above ? ops.Or(below, above) : (below ?? above);
    return [
      () => (outside ? Mul(g, indicator(Not(outside), x!)) : g),
      below && (() => Mul(g, indicator(below, x!))),
      above && (() => Mul(g, indicator(above, x!))),
    ];
  },
  Cast: ({ x, g }) => [() => ops.Cast(g, x.type)],
  Expand: ({ g }) => [() => g],
  Sign: noGradient,
  Floor: noGradient,
  Ceil: noGradient,
  Round: noGradient,
  Equal: noGradient,
  Greater: noGradient,
  Less: noGradient,
  GreaterOrEqual: noGradient,
  LessOrEqual: noGradient,
  And: noGradient,
  Or: noGradient,
  Xor: noGradient,
  Not: noGradient,
};
