import { numberOf } from "../attributes.js";
import { isFloat } from "../data-types.js";
import type { Node } from "../ir.js";
import { all, broadcast, type Kernel, type NumericArray } from "./array.js";

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

const unary =
  (apply: Unary): Kernel =>
  (inputs) => [inputs[0]!.data.map((value) => apply(value))];

/** Makes the kernel of a function with attributes, which are read once. */
const unaryOf =
  (make: (node: Node) => Unary): Kernel =>
  (inputs, node) => [inputs[0]!.data.map(make(node))];

const binary =
  (apply: Binary, integer: Binary = apply): Kernel =>
  (inputs, node) => {
    const dims = node.outputs[0]!.dims;
    const [a, b] = all(inputs).map((input) => broadcast(input, dims)) as [Float64Array, Float64Array];
    const use = isFloat(inputs[0]!.type) ? apply : integer;
    return [a.map((value, index) => use(value, b[index]!))];
  };

const fold =
  (apply: Binary, finish: (value: number, count: number) => number = (value) => value): Kernel =>
  (inputs, node) => {
    const arrays = all(inputs).map((input) => broadcast(input, node.outputs[0]!.dims));
    const data = arrays[0]!.slice();
    for (const array of arrays.slice(1))
      for (const [index, value] of array.entries()) data[index] = apply(data[index]!, value);
    return [data.map((value) => finish(value, arrays.length))];
  };

const compare = (apply: (a: number, b: number) => boolean): Kernel => binary((a, b) => Number(apply(a, b)));

/** Computes the error function nearly to double precision: a series of positive terms, so nothing cancels. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const sigmoid: Unary = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** Half to even, as IEEE 754 rounds. */
const roundEven: Unary = (x) => {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (Math.abs(floor) % 2) : Math.round(x);
};

const casted = (x: NumericArray, node: Node): Float64Array => {
  const { type } = node.outputs[0]!;
  if (isFloat(type)) return x.data;
  return x.data.map(type === "bool" ? (value) => Number(value !== 0) : Math.trunc);
};

const floorMod: Binary = (a, b) => a - Math.floor(a / b) * b;

export const elementwiseKernels: Readonly<Record<string, Kernel>> = {
  Identity: unary((x) => x),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tanh: unary(Math.tanh),
  Sigmoid: unary(sigmoid),
  Softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  Erf: unary(erf),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(roundEven),
  Relu: unary((x) => (x > 0 ? x : Number.isNaN(x) ? x : 0)),
  Not: unary((x) => 1 - x),
  HardSwish: unary((x) => x * clamp(x / 6 + 0.5, 0, 1)),
  LeakyRelu: unaryOf((node) => {
    const alpha = numberOf(node, "alpha", 0.01);
    return (x) => (x < 0 ? alpha * x : x);
  }),
  Elu: unaryOf((node) => {
    const alpha = numberOf(node, "alpha", 1);
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
  }),
  HardSigmoid: unaryOf((node) => {
    const [alpha, beta] = [numberOf(node, "alpha", 0.2), numberOf(node, "beta", 0.5)];
    return (x) => clamp(alpha * x + beta, 0, 1);
  }),
  PRelu: binary((x, slope) => (x < 0 ? slope * x : x)),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary(
    (a, b) => a / b,
    (a, b) => Math.trunc(a / b),
  ),
  Pow: binary(
    (a, b) => a ** b,
    (a, b) => Math.trunc(a ** b),
  ),
  Mod: (inputs, node) => binary(numberOf(node, "fmod", 0) ? (a, b) => a % b : floorMod)(inputs, node),
  Equal: compare((a, b) => a === b),
  Greater: compare((a, b) => a > b),
  Less: compare((a, b) => a < b),
  GreaterOrEqual: compare((a, b) => a >= b),
  LessOrEqual: compare((a, b) => a <= b),
  And: compare((a, b) => a !== 0 && b !== 0),
  Or: compare((a, b) => a !== 0 || b !== 0),
  Xor: compare((a, b) => a !== b),
  Max: fold(Math.max),
  Min: fold(Math.min),
  Sum: fold((a, b) => a + b),
  Mean: fold(
    (a, b) => a + b,
    (sum, count) => sum / count,
  ),
  Where: (inputs, node) => {
    const [condition, a, b] = all(inputs).map((input) => broadcast(input, node.outputs[0]!.dims));
    return [condition!.map((value, index) => (value !== 0 ? a! : b!)[index]!)];
  },
  Clip: ([x, min, max]) => {
    const low = min?.data[0] ?? Number.NEGATIVE_INFINITY;
    const high = max?.data[0] ?? Number.POSITIVE_INFINITY;
    return [x!.data.map((value) => clamp(value, low, high))];
  },
  Cast: (inputs, node) => [casted(all(inputs)[0]!, node)],
};
