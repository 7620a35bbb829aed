import { numbersOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Attribute, NodeSpec, Value } from "../ir.js";
import { groupOf } from "./convolution.js";
import { emitAll } from "./operand.js";
import { requireDims, required, type ShapeRule } from "./spec.js";
import { type Windows, windowAttributes } from "./windows.js";

/** The domain of operators that only exist before `lower`. */
export const composite = "pixelcal";

function sizes(spec: NodeSpec, key: string): readonly number[] {
  const list = numbersOf(spec, key);
  const rank = required(spec, 0).dims.length - 2;
  if (list?.length !== rank) throw graphError(`${spec.name}.${key}`, `${rank} sizes`, list);
  return list;
}

/**
 * Operators that gradients need and that ONNX, or one of its providers, lacks. `lower` writes each in
 * standard ones, in the form that is fastest for its shape.
 */
export const compositeShapes: Readonly<Record<string, ShapeRule>> = {
  // x -> x; the gradient is zero
  "pixelcal.StopGradient": (spec) => {
    const x = required(spec, 0);
    return [{ type: x.type, dims: x.dims }];
  },
  // dy, w -> dx of Conv with these strides, dilations, pads and group, for x of spatial `size`
  "pixelcal.ConvInputGradient": (spec) => {
    const [dy, w] = [required(spec, 0), required(spec, 1)];
    return [{ type: dy.type, dims: [dy.dims[0]!, w.dims[1]! * groupOf(spec), ...sizes(spec, "size")] }];
  },
  // x, dy -> dw of Conv with this kernel_shape, strides, dilations, pads and group
  "pixelcal.ConvWeightGradient": (spec) => {
    const [x, dy] = [required(spec, 0), required(spec, 1)];
    return [
      { type: x.type, dims: [dy.dims[1]!, x.dims[1]! / groupOf(spec), ...sizes(spec, "kernel_shape")] },
    ];
  },
  // x, y, dy -> dx of y = MaxPool(x); a tie goes to the first element of the window in memory order
  "pixelcal.MaxPoolGradient": (spec) => {
    const [x, y, dy] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    requireDims(spec, dy, y.dims);
    return [{ type: x.type, dims: x.dims }];
  },
  // x, scale, bias -> y, mean, variance: y = scale * (x - mean) / sqrt(variance + epsilon) + bias per
  // channel, with the mean and the population variance of x over all axes but the second
  "pixelcal.BatchNormalization": (spec) => {
    const [x, scale, bias] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    const dims = [x.dims[1]!];
    requireDims(spec, scale, dims);
    requireDims(spec, bias, dims);
    const moments = { type: x.type, dims };
    return [{ type: x.type, dims: x.dims }, moments, moments];
  },
  // dy, x, scale, mean, variance -> dx, dscale, dbias of pixelcal.BatchNormalization
  "pixelcal.BatchNormalizationGradient": (spec) => {
    const [dy, x, scale] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    requireDims(spec, dy, x.dims);
    const channels = { type: x.type, dims: scale.dims };
    return [{ type: x.type, dims: x.dims }, channels, channels];
  },
};

const made = (opType: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>>) =>
  emitAll(opType, inputs, attributes, { domain: composite });

/**
 * Returns the gradient by x of a Conv with these windows, from that of its output; w [O, I / group,
 * ...kernel].
 */
export function convInputGradient(dy: Value, w: Value, windows: Windows, group: number): Value {
  const { kernel_shape: _, ...attributes } = windowAttributes(windows);
  return made("ConvInputGradient", [dy, w], { ...attributes, group, size: windows.input })[0]!;
}

/** Returns the gradient by w of a Conv with these windows, from x and that of its output. */
export function convWeightGradient(x: Value, dy: Value, windows: Windows, group: number): Value {
  return made("ConvWeightGradient", [x, dy], { ...windowAttributes(windows), group })[0]!;
}

/** Returns the gradient by x of y = MaxPool(x). */
export function maxPoolGradient(x: Value, y: Value, dy: Value, windows: Windows, ceil: boolean): Value {
  return made("MaxPoolGradient", [x, y, dy], { ...windowAttributes(windows), ceil_mode: Number(ceil) })[0]!;
}

/** Normalises by the mean and population variance of each channel, which are the second and third value. */
export function batchNormalization(x: Value, scale: Value, bias: Value, epsilon: number): readonly Value[] {
  return made("BatchNormalization", [x, scale, bias], { epsilon });
}

/**
 * Returns the gradients by x, scale and bias of `batchNormalization`, given the mean and variance it
 * returned.
 */
export function batchNormalizationGradient(
  dy: Value,
  x: Value,
  scale: Value,
  mean: Value,
  variance: Value,
  epsilon: number,
): readonly Value[] {
  return made("BatchNormalizationGradient", [dy, x, scale, mean, variance], { epsilon });
}
