import { numberOf, numbersOf } from "../attributes.js";
import type { Node } from "../ir.js";
import { groupOf } from "../operators/convolution.js";
import { poolWindows } from "../operators/pooling.js";
import { forwardWindows, type Windows } from "../operators/windows.js";
import type { Kernel, NumericArray } from "./array.js";
import { inputGradient, weightGradient } from "./convolution.js";
import { channelOf, moments, normalizeChannels } from "./normalization.js";
import { maxPool } from "./pooling.js";

const inputs = (given: readonly (NumericArray | undefined)[]): readonly NumericArray[] =>
  given as readonly NumericArray[];

/** Returns the windows of the Conv that a gradient belongs to. */
const windowsOf = (node: Node, input: readonly number[], kernel: readonly number[]): Windows =>
  forwardWindows(node, input, kernel);

export const compositeKernels: Readonly<Record<string, Kernel>> = {
  "pixelcal.StopGradient": ([x]) => [x!.data],
  "pixelcal.ConvInputGradient": (given, node) => {
    const [dy, w] = inputs(given) as [NumericArray, NumericArray];
    const windows = windowsOf(node, numbersOf(node, "size")!, w.dims.slice(2));
    const channels = [node.outputs[0]!.dims[1]!, dy.dims[1]!] as const;
    return [inputGradient({ windows, batch: dy.dims[0]!, group: groupOf(node), channels }, dy.data, w.data)];
  },
  "pixelcal.ConvWeightGradient": (given, node) => {
    const [x, dy] = inputs(given) as [NumericArray, NumericArray];
    const windows = windowsOf(node, x.dims.slice(2), numbersOf(node, "kernel_shape")!);
    const channels = [x.dims[1]!, dy.dims[1]!] as const;
    return [weightGradient({ windows, batch: x.dims[0]!, group: groupOf(node), channels }, x.data, dy.data)];
  },
  "pixelcal.MaxPoolGradient": (given, node) => {
    const [x, , dy] = inputs(given) as [NumericArray, NumericArray, NumericArray];
    const dx = new Float64Array(x.data.length);
    for (const [at, index] of maxPool(x, poolWindows(node)).indices.entries()) dx[index]! += dy.data[at]!;
    return [dx];
  },
  "pixelcal.BatchNormalization": (given, node) => {
    const [x, scale, bias] = inputs(given) as [NumericArray, NumericArray, NumericArray];
    const batch = moments(x.data, x.dims[1]!, channelOf(x));
    return [
      normalizeChannels(x, scale, bias, batch, numberOf(node, "epsilon", 1e-5)),
      batch.mean,
      batch.variance,
    ];
  },
  "pixelcal.BatchNormalizationGradient": (given, node) => {
    const [dy, x, scale, mean, variance] = inputs(given);
    const channel = channelOf(x!);
    const channels = x!.dims[1]!;
    const each = x!.data.length / channels;
    const inverse = variance!.data.map((value) => 1 / Math.sqrt(value + numberOf(node, "epsilon", 1e-5)));
    const normalized = x!.data.map((value, at) => (value - mean!.data[channel(at)]!) * inverse[channel(at)]!);
    const [dscale, dbias] = [new Float64Array(channels), new Float64Array(channels)];
    for (const [at, gradient] of dy!.data.entries()) {
      dscale[channel(at)]! += gradient * normalized[at]!;
      dbias[channel(at)]! += gradient;
    }
    const dx = dy!.data.map((gradient, at) => {
      const c = channel(at);
      return (
        scale!.data[c]! * inverse[c]! * (gradient - dbias[c]! / each - (normalized[at]! * dscale[c]!) / each)
      );
    });
    return [dx, dscale, dbias];
  },
};
