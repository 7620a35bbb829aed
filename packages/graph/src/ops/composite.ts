import type { Attribute, Value } from "../ir.js";
import { composite } from "../operators/composite.js";
import { emitAll } from "../operators/operand.js";
import { type Windows, windowAttributes } from "../operators/windows.js";

const made = (opType: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>>) =>
  emitAll(opType, inputs, attributes, { domain: composite });

/** The gradient of x of a Conv with these windows, from that of its output; w [O, I / group, ...kernel]. */
export function convInputGradient(dy: Value, w: Value, windows: Windows, group: number): Value {
  const { kernel_shape: _, ...attributes } = windowAttributes(windows);
  return made("ConvInputGradient", [dy, w], { ...attributes, group, size: windows.input })[0]!;
}

/** The gradient of w of a Conv with these windows, from x and that of its output. */
export function convWeightGradient(x: Value, dy: Value, windows: Windows, group: number): Value {
  return made("ConvWeightGradient", [x, dy], { ...windowAttributes(windows), group })[0]!;
}

/** The gradient of x of y = MaxPool(x). */
export function maxPoolGradient(x: Value, y: Value, dy: Value, windows: Windows, ceil: boolean): Value {
  return made("MaxPoolGradient", [x, y, dy], { ...windowAttributes(windows), ceil_mode: Number(ceil) })[0]!;
}

/** Normalises by the mean and population variance of each channel, which are the second and third value. */
export function batchNormalization(x: Value, scale: Value, bias: Value, epsilon: number): readonly Value[] {
  return made("BatchNormalization", [x, scale, bias], { epsilon });
}

/** The gradients of x, scale and bias of `batchNormalization`, given the mean and variance it returned. */
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
