import { numbersOf } from "../attributes.js";
import type { Value } from "../ir.js";
import { convTransposeWindows, convWindows, groupOf } from "../operators/convolution.js";
import { dilate } from "../operators/dilate.js";
import { integers } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";
import {
  forwardWindows,
  hasExplicitPads,
  reach,
  reversed,
  type Windows,
  windowAttributes,
  withoutDepth,
} from "../operators/windows.js";
import { channelFactor } from "./channel-factor.js";
import type { Lowering, LoweringDevice } from "./lowering.js";

/**
 * A convolution from x to y. This file computes either from the other in operators that every provider has.
 */
interface Convolution {
  readonly windows: Windows;
  readonly group: number;
  readonly device: LoweringDevice;
}

/** Whether every group must be a convolution of its own: webgpu has no grouped 3-D convolution. */
const groupsMustSplit = ({ windows, group, device }: Convolution): boolean =>
  group > 1 && windows.input.length === 3 && device !== "cpu" && device !== "cuda";

/** Runs `each` on the channels of every group and joins the results. */
function byGroup(
  x: Value,
  w: Value,
  bias: Value | undefined,
  group: number,
  each: (x: Value, w: Value, bias?: Value) => Value,
): Value {
  const channels = ops.Split(x, Array<number>(group).fill(x.dims[1]! / group), 1);
  const weights = ops.Split(w, Array<number>(group).fill(w.dims[0]! / group), 0);
  const biases = bias && ops.Split(bias, Array<number>(group).fill(bias.dims[0]! / group), 0);
  return ops.Concat(
    channels.map((part, index) => each(part, weights[index]!, biases?.[index])),
    1,
  );
}

function forward(c: Convolution, x: Value, w: Value, bias?: Value): Value {
  if (groupsMustSplit(c))
    return byGroup(x, w, bias, c.group, (...part) => forward({ ...c, group: 1 }, ...part));
  return ops.Conv(x, w, bias, { ...windowAttributes(c.windows), group: c.group });
}

/**
 * Returns the weight of the convolution that goes the other way: axes swapped within a group and every kernel
 * axis reversed.
 */
function flipped(w: Value, group: number): Value {
  const [outs, ins, ...kernel] = w.dims as [number, number, ...number[]];
  const taps = sizeOf(kernel);
  const grouped = ops.Transpose(ops.Reshape(w, [group, outs / group, ins, taps]), [0, 2, 3, 1]);
  // Gathering along a middle axis is several times faster than a Slice with negative steps.
  const order = Array.from({ length: taps }, (_, index) => taps - 1 - index);
  const reversed = taps === 1 ? grouped : ops.Gather(grouped, integers(w.graph, order), 2);
  return ops.Reshape(ops.Transpose(reversed, [0, 1, 3, 2]), [group * ins, outs / group, ...kernel]);
}

/** Pads the spatial axes by zeros, or crops where negative. */
function padSpatial(x: Value, before: readonly number[], after: readonly number[]): Value {
  if ([...before, ...after].every((size) => size === 0)) return x;
  return ops.Pad(x, [0, 0, ...before, 0, 0, ...after]);
}

/** Computes x from y when all strides are one: a convolution with the flipped weight. */
function transposedDense(c: Convolution, y: Value, w: Value, bias?: Value): Value {
  const { before, after, ...back } = reversed(c.windows);
  const low = (sizes: readonly number[]): number[] => sizes.map((size) => Math.min(size, 0));
  const high = (sizes: readonly number[]): number[] => sizes.map((size) => Math.max(size, 0));
  const cropped = padSpatial(y, low(before), low(after));
  const windows = { ...back, input: cropped.dims.slice(2), before: high(before), after: high(after) };
  return forward({ ...c, windows }, cropped, flipped(w, c.group), bias);
}

/**
 * Whether depth can be folded into the batch and its taps into the channels of a 2-D transposed convolution.
 */
const depthFolds = ({ windows, group }: Convolution): boolean =>
  windows.input.length === 3 &&
  group === 1 &&
  windows.kernel[0] === windows.strides[0] &&
  windows.dilations[0] === 1 &&
  windows.before[0] === 0 &&
  windows.after[0] === 0 &&
  windows.input[0] === windows.output[0]! * windows.strides[0]!;

function transposedFolded(c: Convolution, y: Value, w: Value, bias?: Value): Value {
  const { windows } = c;
  const [n, channels, depth, ...plane] = y.dims as [number, number, number, ...number[]];
  const [, outs, taps, ...kernel] = w.dims as [number, number, number, ...number[]];
  const slices = ops.Reshape(ops.Transpose(y, [0, 2, 1, 3, 4]), [n * depth, channels, ...plane]);
  const weight = ops.Reshape(ops.Transpose(w, [0, 2, 1, 3, 4]), [channels, taps * outs, ...kernel]);
  const biases = bias && ops.Tile(bias, [taps]);
  const flat = withoutDepth(windows);
  const o = transposed({ ...c, windows: flat }, slices, weight, biases);
  const [height, width] = flat.input as [number, number];
  const split = ops.Transpose(ops.Reshape(o, [n, depth, taps, outs, height, width]), [0, 3, 1, 2, 4, 5]);
  return ops.Reshape(split, [n, outs, depth * taps, height, width]);
}

/**
 * Whether a transposed convolution must be written in other operators: webgpu has only those of one and two
 * dimensions, and gets strided ones of several groups wrong.
 */
const mustSpread = ({ windows, group, device }: Convolution): boolean =>
  (windows.input.length === 3 || group > 1) && device !== "cpu" && device !== "cuda";

const isDense = ({ windows }: Convolution): boolean => windows.strides.every((stride) => stride === 1);

/** Computes x from y: the transposed convolution, which is also the input gradient of the convolution. */
function transposed(c: Convolution, y: Value, w: Value, bias?: Value): Value {
  const { windows, group } = c;
  const { input, output, strides, before, after } = windows;
  if (isDense(c)) return transposedDense(c, y, w, bias);
  if (depthFolds(c)) return transposedFolded(c, y, w, bias);
  if (mustSpread(c)) {
    const axes = strides.map((_, axis) => axis + 2);
    const spread = dilate(y, axes, strides);
    const dense = { ...windows, strides: strides.map(() => 1), output: spread.dims.slice(2) };
    return transposedDense({ ...c, windows: dense }, spread, w, bias);
  }
  const spans = reach(windows);
  const output_padding = input.map(
    (size, axis) => size + before[axis]! + after[axis]! - strides[axis]! * (output[axis]! - 1) - spans[axis]!,
  );
  return ops.ConvTranspose(y, w, bias, { ...windowAttributes(windows), group, output_padding });
}

export const convolutionLowerings: Readonly<Record<string, Lowering>> = {
  Conv: (node, [x, w, bias], device) => {
    const c = { windows: convWindows(node), group: groupOf(node), device };
    return hasExplicitPads(node) && !groupsMustSplit(c) ? undefined : [forward(c, x!, w!, bias)];
  },
  ConvTranspose: (node, [x, w, bias], device) => {
    const c = { windows: convTransposeWindows(node), group: groupOf(node), device };
    const simple = hasExplicitPads(node) && node.attributes.output_shape === undefined;
    const native = simple && !isDense(c) && !depthFolds(c) && !mustSpread(c);
    return native ? undefined : [transposed(c, x!, w!, bias)];
  },
  "pixelcal.ConvInputGradient": (node, [dy, w], device) => {
    const windows = forwardWindows(node, numbersOf(node, "size")!, w!.dims.slice(2));
    const c = { windows, group: groupOf(node), device };
    const scaled = channelFactor(dy!, w!.dims);
    if (scaled === undefined) return [transposed(c, dy!, w!)];
    return [transposed(c, scaled.value, ops.Mul(w!, scaled.factor))];
  },
};
