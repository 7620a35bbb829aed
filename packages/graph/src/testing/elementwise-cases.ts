import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { apart, awayFromZero, type InputSpec, integers, type OperatorCase, positive } from "./case.js";

const dims = [2, 3, 4];

const unary = (name: string, build: (x: Value) => Value, value?: InputSpec["value"]): OperatorCase => ({
  name,
  inputs: { x: { dims, value } },
  build: ({ x }) => build(x!),
});

const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
  [dims, dims],
  [dims, [4]],
  [[3, 1], dims],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [dims, []],
  [[], dims],
];

const binary = (
  name: string,
  build: (a: Value, b: Value) => Value,
  value?: InputSpec["value"],
): OperatorCase[] =>
  shapes.map(([left, right]) => ({
    name: `${name} [${left}] [${right}]`,
    // b's values lie between a's, so that no two are equal
    inputs: {
      a: { dims: left, value },
      b: { dims: right, value: value && ((r, at) => value(r, at) + 0.005) },
    },
    build: ({ a, b }) => build(a!, b!),
  }));

const masks: OperatorCase[] = (
  [
    ["Equal", ops.Equal],
    ["Greater", ops.Greater],
    ["Less", ops.Less],
    ["GreaterOrEqual", ops.GreaterOrEqual],
    ["LessOrEqual", ops.LessOrEqual],
  ] as const
).map(([name, compare]) => ({
  name,
  inputs: {
    a: { dims, value: integers(3), differentiable: false },
    b: { dims: [3, 4], value: integers(3), differentiable: false },
  },
  build: ({ a, b }) => ops.Cast(compare(a!, b!), a!.type),
}));

const logic: OperatorCase[] = (
  [
    ["And", ops.And],
    ["Or", ops.Or],
    ["Xor", ops.Xor],
    ["Not", (a: Value) => ops.Not(a)],
  ] as const
).map(([name, combine]) => ({
  name,
  inputs: {
    a: { dims, type: "bool", value: integers(2) },
    b: { dims: [3, 1], type: "bool", value: integers(2) },
    x: { dims },
  },
  build: ({ a, b, x }) => ops.Where(combine(a!, b!), x!, 2),
}));

const smooth = (random: number): number => random * 2;

export const elementwiseCases: readonly OperatorCase[] = [
  unary("Identity", ops.Identity),
  unary("Neg", ops.Neg),
  unary("Abs", ops.Abs, awayFromZero),
  unary("Sign", (x) => ops.Mul(ops.Sign(x), x), awayFromZero),
  unary("Sqrt", ops.Sqrt, positive),
  unary("Reciprocal", ops.Reciprocal, positive),
  unary("Exp", ops.Exp, smooth),
  unary("Log", ops.Log, positive),
  unary("Sin", ops.Sin, smooth),
  unary("Cos", ops.Cos, smooth),
  unary("Tanh", ops.Tanh, smooth),
  unary("Sigmoid", ops.Sigmoid, smooth),
  unary("Softplus", ops.Softplus, smooth),
  unary("Softsign", ops.Softsign, awayFromZero),
  unary("Erf", ops.Erf, smooth),
  unary("Floor", (x) => ops.Mul(ops.Floor(ops.Mul(x, 3)), x), apart),
  unary("Ceil", (x) => ops.Mul(ops.Ceil(ops.Mul(x, 3)), x), apart),
  unary("Round", (x) => ops.Mul(ops.Round(x), x), apart),
  unary("Relu", ops.Relu, awayFromZero),
  unary("LeakyRelu", (x) => ops.LeakyRelu(x, 0.1), awayFromZero),
  unary("Elu", (x) => ops.Elu(x, 0.7), awayFromZero),
  unary("HardSigmoid", (x) => ops.HardSigmoid(x, { alpha: 0.4, beta: 0.45 }), apart),
  unary("HardSwish", (x) => ops.HardSwish(ops.Mul(x, 2)), apart),
  unary("Clip", (x) => ops.Clip(x, -1, 1.3), apart),
  unary("Clip min", (x) => ops.Clip(x, 0.3), apart),
  unary("Clip max", (x) => ops.Clip(x, undefined, 0.3), apart),
  unary("Cast", (x) => ops.Mul(ops.Cast(ops.Cast(x, "int32"), x.type), x), apart),
  unary("Pow 2", (x) => ops.Pow(x, 2)),
  unary("Pow 3", (x) => ops.Pow(x, 3)),
  unary("Pow 0", (x) => ops.Add(ops.Pow(x, 0), x)),
  unary("Pow 0.5", (x) => ops.Pow(x, 0.5), positive),
  unary("Pow -1", (x) => ops.Pow(x, -1), positive),
  unary("Pow 1.7", (x) => ops.Pow(x, 1.7), positive),
  unary("StopGradient", (x) => ops.Add(ops.Mul(ops.StopGradient(x), 0), x)),
  ...binary("Add", ops.Add),
  ...binary("Sub", ops.Sub),
  ...binary("Mul", ops.Mul),
  ...binary("Div", ops.Div, positive),
  ...binary("Pow", ops.Pow, positive),
  ...binary("Max", ops.Max, apart),
  ...binary("Min", ops.Min, apart),
  ...binary("Mod", (a, b) => ops.Mod(a, b, { fmod: 1 }), positive),
  ...binary("Sum", (a, b) => ops.Sum(a, b, a)),
  ...binary("Mean", (a, b) => ops.Mean(a, b, b)),
  ...binary("Where", (a, b) => ops.Where(ops.Greater(a, b), ops.Mul(a, 3), b), apart),
  ...masks,
  ...logic,
  {
    name: "Max of three",
    inputs: { a: { dims, value: apart }, b: { dims: [4], value: (r, at) => apart(r, at + 13) + 0.01 } },
    build: ({ a, b }) => ops.Max(a!, b!, 0.5125),
  },
  {
    name: "PRelu",
    inputs: { x: { dims, value: awayFromZero }, slope: { dims: [3, 1] } },
    build: ({ x, slope }) => ops.PRelu(x!, slope!),
  },
  {
    name: "Clip by values",
    inputs: {
      x: { dims, value: apart },
      low: { dims: [], value: () => -0.52 },
      high: { dims: [], value: () => 0.78 },
    },
    build: ({ x, low, high }) => ops.Clip(x!, low!, high!),
  },
];
