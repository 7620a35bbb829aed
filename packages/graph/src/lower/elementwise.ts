import { numberOf } from "../attributes.js";
import { isFloat, toNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { sameDims } from "../operators/spec.js";
import type { Lowering } from "./lowering.js";

const { Add, Sub, Mul, Div, Not, And, Greater, Less, Equal, Cast, Floor } = ops;

const chain = (values: readonly Value[]): Value => values.reduce((a, b) => Add(a, b));
const or = (a: Value, b: Value): Value => Not(And(Not(a), Not(b)));
const indicator = (condition: Value, like: Value): Value => Cast(condition, like.type);

/** Writes a power as products or a root; undefined for other exponents. */
function simplePower(x: Value, exponent: Value): Value | undefined {
  const tensor = exponent.graph.constants.get(exponent.name);
  if (tensor?.data.length !== 1 || exponent.dims.length > x.dims.length) return undefined;
  switch (toNumbers(tensor)[0]) {
    case 1:
      return x;
    case 2:
      return Mul(x, x);
    case 3:
      return Mul(Mul(x, x), x);
    case 0.5:
      return ops.Sqrt(x);
    case -1:
      return ops.Reciprocal(x);
    default:
      return undefined;
  }
}

/** Whether x is what a Relu or leaky Relu returns, perhaps in another shape. */
const rectified = ({ node }: Value): boolean =>
  [node?.opType, node?.attributes.activation].some((name) => name === "Relu" || name === "LeakyRelu") ||
  (node?.opType === "Reshape" && rectified(node.inputs[0]!));

/** Returns the x of Greater(x, 0). */
function positive({ node }: Value): Value | undefined {
  if (node?.opType !== "Greater") return undefined;
  const [x, bound] = node.inputs as [Value, Value];
  const zero = x.graph.constants.get(bound.name);
  return zero !== undefined && toNumbers(zero).every((value) => value === 0) ? x : undefined;
}

/** Operators that some provider, mostly webgpu, lacks or gets wrong, written in ones that all have. */
export const elementwiseLowerings: Readonly<Record<string, Lowering>> = {
  Identity: (_, inputs) => inputs,
  "pixelcal.StopGradient": (_, inputs) => inputs,
  Sign: (_, [x]) => [Sub(indicator(Greater(x!, 0), x!), indicator(Less(x!, 0), x!))],
  Sum: (_, inputs) => [chain(inputs)],
  Mean: (_, inputs) => [Div(chain(inputs), inputs.length)],
  Or: (_, [a, b]) => [or(a!, b!)],
  Xor: (_, [a, b]) => [Not(Equal(Cast(a!, "int32"), Cast(b!, "int32")))],
  GreaterOrEqual: (_, [a, b]) => [or(Greater(a!, b!), Equal(a!, b!))],
  LessOrEqual: (_, [a, b]) => [or(Less(a!, b!), Equal(a!, b!))],
  Softsign: (_, [x]) => [Div(x!, Add(ops.Abs(x!), 1))],
  HardSwish: (_, [x]) => [Mul(x!, ops.Clip(Add(Mul(x!, 1 / 6), 0.5), 0, 1))],
  HardSigmoid: (node, [x], device) =>
    device === "cpu"
      ? undefined
      : [ops.Clip(Add(Mul(x!, numberOf(node, "alpha", 0.2)), numberOf(node, "beta", 0.5)), 0, 1)],
  // A convolution and the Relu that follows it run as one.
  Relu: (_, [x], device) => {
    const reshape = x!.node?.opType === "Reshape" ? x!.node.inputs[0]! : undefined;
    const joins = device === "cpu" && reshape?.node?.opType === "Conv";
    return joins ? [ops.Reshape(ops.Relu(reshape), x!.dims)] : undefined;
  },
  // half to even
  Round: (_, [x]) => {
    const floor = Floor(x!);
    const rest = Sub(x!, floor);
    const odd = Sub(floor, Mul(Floor(Mul(floor, 0.5)), 2));
    const up = Add(indicator(Greater(rest, 0.5), x!), Mul(indicator(Equal(rest, 0.5), x!), odd));
    return [Add(floor, up)];
  },
  Mod: (node, [a, b]) => {
    if (!isFloat(a!.type)) return undefined;
    const ratio = Div(a!, b!);
    if (!numberOf(node, "fmod", 0)) return [Sub(a!, Mul(Floor(ratio), b!))];
    const whole = ops.Where(Less(ratio, 0), ops.Ceil(ratio), Floor(ratio));
    return [Sub(a!, Mul(whole, b!))];
  },
  Pow: (node, [x, exponent]) => {
    const simple = isFloat(x!.type) ? simplePower(x!, exponent!) : undefined;
    if (simple !== undefined) return [simple];
    // webgpu takes a scalar or an exponent of the same shape only
    const { dims } = node.outputs[0]!;
    const fits = (value: Value): boolean => sameDims(value.dims, dims);
    if ((fits(x!) && fits(exponent!)) || (fits(x!) && exponent!.dims.length === 0)) return undefined;
    return [
      ops.Pow(
        fits(x!) ? x! : ops.Expand(x!, dims),
        fits(exponent!) ? exponent! : ops.Expand(exponent!, dims),
      ),
    ];
  },
  Cast: (node, [x], device) => {
    const { type } = node.outputs[0]!;
    if (type === x!.type) return [x!];
    // The 0 or 1 of a Relu's gradient, in one pass: 1 from the smallest normal float on.
    const y = device === "cpu" ? positive(x!) : undefined;
    return y?.type === type && rectified(y) ? [ops.HardSigmoid(y, { alpha: 3e38, beta: 0 })] : undefined;
  },
};
