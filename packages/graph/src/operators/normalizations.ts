import { fromNumbers } from "../data-types.js";
import { graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { Abs, Add, Div, Max, Mul, Pow, Sqrt, Sub } from "../ops/elementwise.js";
import { Reshape } from "../ops/movement.js";
import { ReduceL1, ReduceL2, ReduceMean, ReduceSum } from "../ops/reduction.js";
import { AveragePool, InstanceNormalization } from "./layers.js";
import { sizeOf } from "./spec.js";

// Normalisations that ONNX has, some of them later than `OPSET`, in terms of others.

const filled = (like: Value, count: number, value: number): Value =>
  like.graph.constant(fromNumbers(like.type, Array<number>(count).fill(value), [count]));

/** Normalises the channels of each of `num_groups` groups together; scale and bias [C]. */
export function GroupNormalization(
  x: Value,
  scale: Value,
  bias: Value,
  options: { readonly num_groups: number; readonly epsilon?: number },
): Value {
  const { num_groups: groups, epsilon } = options;
  const [n, c] = x.dims as [number, number];
  if (!(Number.isInteger(groups) && groups >= 1 && c % groups === 0))
    throw graphError("GroupNormalization.num_groups", `a divisor of ${c} channels`, groups);
  const joined = Reshape(x, [n, groups, -1]);
  const [ones, zeros] = [filled(x, groups, 1), filled(x, groups, 0)];
  const normal = Reshape(InstanceNormalization(joined, ones, zeros, { epsilon }), x.dims);
  const perChannel = (value: Value): Value =>
    Reshape(value, [1, c, ...Array<number>(x.dims.length - 2).fill(1)]);
  return Add(Mul(normal, perChannel(scale)), perChannel(bias));
}

/** x over its root mean square along `axis` and all axes after it, times `scale`. */
export function RMSNormalization(
  x: Value,
  scale: Value,
  { axis = -1, epsilon = 1e-5 }: { readonly axis?: number; readonly epsilon?: number } = {},
): Value {
  const first = axis < 0 ? axis + x.dims.length : axis;
  const axes = x.dims.map((_, at) => at).slice(first);
  return Mul(Div(x, Sqrt(Add(ReduceMean(Mul(x, x), axes), epsilon))), scale);
}

/** Mean 0 and variance 1 over `axes`. */
export function MeanVarianceNormalization(x: Value, axes: readonly number[] = [0, 2, 3]): Value {
  const centred = Sub(x, ReduceMean(x, axes));
  return Div(centred, Add(Sqrt(ReduceMean(Mul(centred, centred), axes)), 1e-9));
}

/** x over its p-norm along an axis. */
export const LpNormalization = (x: Value, axis = -1, p = 2): Value => {
  if (p !== 1 && p !== 2) throw graphError("LpNormalization.p", "1 or 2", p);
  return Div(x, p === 1 ? ReduceL1(x, [axis]) : ReduceL2(x, [axis]));
};

export interface LrnOptions {
  readonly size: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly bias?: number;
}

/** x over (bias + alpha times the mean square of the `size` channels around it) to the power of beta. */
export function LRN(x: Value, { size, alpha = 1e-4, beta = 0.75, bias = 1 }: LrnOptions): Value {
  const [n, c] = x.dims as [number, number];
  const squares = Reshape(Mul(x, x), [n, 1, c, sizeOf(x.dims.slice(2))]);
  const before = Math.floor((size - 1) / 2);
  const mean = AveragePool(squares, {
    kernel_shape: [size, 1],
    pads: [before, 0, size - 1 - before, 0],
    count_include_pad: 1,
  });
  return Div(x, Pow(Add(Mul(Reshape(mean, x.dims), alpha), bias), beta));
}

export interface LpPoolOptions {
  readonly kernel_shape: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly p?: number;
}

/** The p-norm of every window. */
export function LpPool(x: Value, { p = 2, ...window }: LpPoolOptions): Value {
  const mean = AveragePool(Pow(Abs(x), p), { ...window, count_include_pad: 1 });
  return Pow(Max(Mul(mean, sizeOf(window.kernel_shape)), 0), 1 / p);
}

/** The p-norm of every channel. */
export const GlobalLpPool = (x: Value, p = 2): Value =>
  Pow(ReduceSum(Pow(Abs(x), p), x.dims.map((_, axis) => axis).slice(2)), 1 / p);
