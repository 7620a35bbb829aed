import { numberOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import { graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { Add, Div, Mul, Pow, Sqrt, Sub } from "./elementwise.js";
import { Reshape } from "./movement.js";
import { emit } from "./operand.js";
import { perChannel } from "./per-channel.js";
import { AveragePool } from "./pooling.js";
import { ReduceL1, ReduceL2, ReduceMean } from "./reduction.js";
import {
  normalAxis,
  requireDims,
  required,
  requireRank,
  type ShapeRule,
  sizeOf,
  type ValueInfo,
} from "./spec.js";

export const normalizationShapes: Readonly<Record<string, ShapeRule>> = {
  BatchNormalization: (spec) => {
    const x = required(spec, 0);
    requireRank(spec, x, 2, 8);
    const channels = [x.dims[1]!];
    for (let index = 1; index < 5; index++) requireDims(spec, required(spec, index), channels);
    const y: ValueInfo = { type: x.type, dims: x.dims };
    if (numberOf(spec, "training_mode", 0) === 0 || spec.outputCount === 1) return [y];
    const type = required(spec, 3).type;
    return [y, { type, dims: channels }, { type, dims: channels }];
  },
  InstanceNormalization: (spec) => {
    const x = required(spec, 0);
    requireRank(spec, x, 3, 8);
    for (let index = 1; index < 3; index++) requireDims(spec, required(spec, index), [x.dims[1]!]);
    return [{ type: x.type, dims: x.dims }];
  },
  LayerNormalization: (spec) => {
    const x = required(spec, 0);
    const axis = normalAxis(spec, numberOf(spec, "axis", -1), x.dims.length);
    for (const value of [required(spec, 1), spec.inputs[2]]) {
      const dims = value?.dims ?? [];
      const fits = dims.every((size, at) => [1, x.dims[at - dims.length + x.dims.length]].includes(size));
      if (!fits || dims.length > x.dims.length) {
        throw graphError(spec.name, `${value!.name} that broadcasts to [${x.dims.join(", ")}]`, dims);
      }
    }
    const y: ValueInfo = { type: x.type, dims: x.dims };
    if ((spec.outputCount ?? 1) === 1) return [y];
    const moments: ValueInfo = { type: x.type, dims: x.dims.map((size, at) => (at < axis ? size : 1)) };
    return [y, moments, moments];
  },
};

export interface BatchNormalizationAttributes {
  readonly epsilon?: number;
  /** ONNX's meaning: running = running * momentum + batch * (1 - momentum); 0.9 is PyTorch's 0.1. */
  readonly momentum?: number;
}

/**
 * Normalises by the given mean and variance, the inference form. `trainingForm` turns it into batch
 * statistics.
 */
export const BatchNormalization = (
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  attributes: BatchNormalizationAttributes = {},
): Value => emit("BatchNormalization", [x, scale, bias, mean, variance], { ...attributes });

export const InstanceNormalization = (
  x: Value,
  scale: Value,
  bias: Value,
  attributes: { readonly epsilon?: number } = {},
): Value => emit("InstanceNormalization", [x, scale, bias], attributes);

/** Normalises over `axis` and all axes after it. */
export const LayerNormalization = (
  x: Value,
  scale: Value,
  bias?: Value,
  attributes: { readonly axis?: number; readonly epsilon?: number } = {},
): Value => emit("LayerNormalization", bias === undefined ? [x, scale] : [x, scale, bias], attributes);

// The rest are written in terms of other operators; ONNX has some of them in sets later than `OPSET`.

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
  return Add(Mul(normal, perChannel(scale, x)), perChannel(bias, x));
}

/** Divides x by its root mean square along `axis` and all axes after it, times `scale`. */
export function RMSNormalization(
  x: Value,
  scale: Value,
  { axis = -1, epsilon = 1e-5 }: { readonly axis?: number; readonly epsilon?: number } = {},
): Value {
  const first = normalAxis({ name: "RMSNormalization" }, axis, x.dims.length);
  const axes = x.dims.map((_, at) => at).slice(first);
  return Mul(Div(x, Sqrt(Add(ReduceMean(Mul(x, x), axes), epsilon))), scale);
}

/** Normalises to mean 0 and variance 1 over `axes`. */
export function MeanVarianceNormalization(x: Value, axes: readonly number[] = [0, 2, 3]): Value {
  const centred = Sub(x, ReduceMean(x, axes));
  return Div(centred, Add(Sqrt(ReduceMean(Mul(centred, centred), axes)), 1e-9));
}

/** Divides x by its p-norm along an axis. */
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

/**
 * Divides x by (bias + alpha times the mean square of the `size` channels around it) to the power of beta.
 */
export function LRN(x: Value, { size, alpha = 1e-4, beta = 0.75, bias = 1 }: LrnOptions): Value {
  const [n, c] = x.dims as [number, number];
  if (!(Number.isSafeInteger(size) && size >= 1))
    throw graphError("LRN.size", "a whole number of 1 or more", size);
  const squares = Reshape(Mul(x, x), [n, 1, c, sizeOf(x.dims.slice(2))]);
  const before = Math.floor((size - 1) / 2);
  const mean = AveragePool(squares, {
    kernel_shape: [size, 1],
    pads: [before, 0, size - 1 - before, 0],
    count_include_pad: 1,
  });
  return Div(x, Pow(Add(Mul(Reshape(mean, x.dims), alpha), bias), beta));
}
