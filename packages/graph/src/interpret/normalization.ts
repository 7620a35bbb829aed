import { numberOf } from "../attributes.js";
import { sizeOf } from "../operators/spec.js";
import { broadcast, type Kernel, type NumericArray } from "./array.js";

export interface Moments {
  readonly mean: Float64Array;
  /** The population variance: the sum of squares divided by n. */
  readonly variance: Float64Array;
}

/** Computes the mean and variance of the elements of each group that `groupOf` names. */
export function moments(data: Float64Array, groups: number, groupOf: (at: number) => number): Moments {
  const [mean, variance] = [new Float64Array(groups), new Float64Array(groups)];
  const each = data.length / groups;
  for (const [at, value] of data.entries()) mean[groupOf(at)]! += value / each;
  for (const [at, value] of data.entries())
    variance[groupOf(at)]! += (value - mean[groupOf(at)]!) ** 2 / each;
  return { mean, variance };
}

/** Returns a function that finds the channel of an element of x [N, C, ...]. */
export function channelOf(x: NumericArray): (at: number) => number {
  const inner = sizeOf(x.dims.slice(2));
  return (at) => Math.floor(at / inner) % x.dims[1]!;
}

/** Computes scale * (x - mean) / sqrt(variance + epsilon) + bias, each by channel. */
export function normalizeChannels(
  x: NumericArray,
  scale: NumericArray,
  bias: NumericArray,
  { mean, variance }: Moments,
  epsilon: number,
): Float64Array {
  const channel = channelOf(x);
  return x.data.map((value, at) => {
    const c = channel(at);
    return ((value - mean[c]!) / Math.sqrt(variance[c]! + epsilon)) * scale.data[c]! + bias.data[c]!;
  });
}

export const normalizationKernels: Readonly<Record<string, Kernel>> = {
  BatchNormalization: (inputs, node) => {
    const [x, scale, bias, mean, variance] = inputs as readonly NumericArray[];
    const epsilon = numberOf(node, "epsilon", 1e-5);
    if (numberOf(node, "training_mode", 0) === 0) {
      return [normalizeChannels(x!, scale!, bias!, { mean: mean!.data, variance: variance!.data }, epsilon)];
    }
    const batch = moments(x!.data, x!.dims[1]!, channelOf(x!));
    const momentum = numberOf(node, "momentum", 0.9);
    const blend = (old: Float64Array, now: Float64Array): Float64Array =>
      old.map((value, c) => value * momentum + now[c]! * (1 - momentum));
    return [
      normalizeChannels(x!, scale!, bias!, batch, epsilon),
      blend(mean!.data, batch.mean),
      blend(variance!.data, batch.variance),
    ];
  },
  InstanceNormalization: (inputs, node) => {
    const [x, scale, bias] = inputs as readonly NumericArray[];
    const inner = sizeOf(x!.dims.slice(2));
    const instance = (at: number): number => Math.floor(at / inner);
    const { mean, variance } = moments(x!.data, x!.dims[0]! * x!.dims[1]!, instance);
    const epsilon = numberOf(node, "epsilon", 1e-5);
    const channel = channelOf(x!);
    return [
      x!.data.map((value, at) => {
        const [g, c] = [instance(at), channel(at)];
        return ((value - mean[g]!) / Math.sqrt(variance[g]! + epsilon)) * scale!.data[c]! + bias!.data[c]!;
      }),
    ];
  },
  LayerNormalization: (inputs, node) => {
    const [x, scale, bias] = inputs as readonly [NumericArray, NumericArray, NumericArray?];
    const axis = numberOf(node, "axis", -1);
    const inner = sizeOf(x.dims.slice(axis));
    const group = (at: number): number => Math.floor(at / inner);
    const { mean, variance } = moments(x.data, x.data.length / inner, group);
    const deviation = variance.map((value) => Math.sqrt(value + numberOf(node, "epsilon", 1e-5)));
    const scales = broadcast(scale, x.dims);
    const biases = bias && broadcast(bias, x.dims);
    const y = x.data.map((value, at) => {
      const g = group(at);
      return ((value - mean[g]!) / deviation[g]!) * scales[at]! + (biases?.[at] ?? 0);
    });
    return [y, mean, deviation.map((value) => 1 / value)];
  },
};
