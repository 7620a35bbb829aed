import type { Attribute, Value } from "../ir.js";
import { blockedDomain } from "../operators/blocked.js";
import { composite } from "../operators/composite.js";
import { emitAll, integers } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";

// onnxruntime's kernels for the channels of a plane in blocks: [N, C, H, W] is stored as [N, C / block, H, W,
// block], where `block` floats fill a vector of the processor. Their convolutions need no im2col and reach
// its peak. The operators (domain com.microsoft.nchwc) declare inputs and outputs as [N, C, H, W]; graphs
// here keep all five axes.
//
// The runtime has no such kernels for volumes. A volume [N, C, D, H, W] is its D * N slices here, a batch of
// planes: [D * N, C / block, H, W, block]. Depth comes first, so that the images of a batch can be counted as
// channels (an instance norm does) without moving anything.

/** Returns the blocked value that all of x was unblocked from; undefined when x was not. */
export function asBlocked(x: Value): Value | undefined {
  if (x.node?.opType !== "Unblock" || x.node.domain !== composite) return undefined;
  const v = x.node.inputs[0]!;
  return v.dims[1]! * v.dims[4]! === x.dims[1] ? v : undefined;
}

/** Whether x is a batch of planes or volumes. */
export const isStacked = ({ dims }: Value): boolean => dims.length === 4 || dims.length === 5;

/** Whether the channels of planes or volumes fill blocks. */
export const fitsBlocks = (x: Value, block: number): boolean =>
  x.type === "float32" && isStacked(x) && x.dims[1]! % block === 0;

/** Converts planes to [N, C / block, H, W, block], volumes to [D * N, C / block, H, W, block]. */
export const blocked = (x: Value, block: number): Value =>
  asBlocked(x) ?? emitAll("Block", [x], { block }, { domain: composite })[0]!;

/** Converts blocks to planes or a volume of these dims, whose channels may be fewer than those of v. */
export function unblocked(v: Value, [, channels, ...size]: readonly number[]): Value {
  const depth = size.length === 3 ? size[0] : undefined;
  return emitAll("Unblock", [v], { channels, depth }, { domain: composite })[0]!;
}

/** Returns a volume [N, C, D, H, W] as its slices, [D * N, C, H, W]. */
export function slicesOf(x: Value): Value {
  const [n, c, depth, height, width] = x.dims as [number, number, number, number, number];
  const dims = [depth * n, c, height, width];
  const v = asBlocked(x);
  return v === undefined ? ops.Reshape(ops.Transpose(x, [2, 0, 1, 3, 4]), dims) : unblocked(v, dims);
}

/** Returns slices [D * N, C, H, W] as the volume of these dims, [N, C, D, H, W]. */
const volumeOf = (slices: Value, [n, c, depth, ...plane]: readonly number[]): Value =>
  ops.Transpose(ops.Reshape(slices, [depth!, n!, c!, ...plane]), [1, 2, 0, 3, 4]);

/** Returns the dims that the runtime's operators see. */
const planes = ({ dims }: Value): readonly number[] => [dims[0]!, dims[1]! * dims[4]!, dims[2]!, dims[3]!];

const fromPlanes = (x: Value, block: number): Value => {
  const [n, c, ...size] = x.dims as [number, number, ...number[]];
  return ops.Reshape(x, [n, c / block, ...size, block]);
};

const nchwc = (
  opType: string,
  inputs: readonly (Value | undefined)[],
  attributes: Record<string, Attribute>,
) => emitAll(opType, inputs, attributes, { domain: blockedDomain, outputs: 1 })[0]!;

/**
 * Returns x in the layout of the runtime's operators: five axes, or four if it has fewer channels than a
 * block.
 */
const operand = (x: Value): Value => (x.dims.length === 5 ? ops.Reshape(x, planes(x)) : x);

// Weights are rearranged in transpositions of one axis each, for which the runtime has kernels; its general
// one takes over twice the time of all of them together.

/** Taps along depth, those of a plane, and both. */
function tapsOf(kernel: readonly number[]): { depth: number; plane: readonly number[]; taps: number } {
  return {
    depth: kernel.length === 3 ? kernel[0]! : 1,
    plane: kernel.slice(-2),
    taps: sizeOf(kernel),
  };
}

/** Moves taps along depth before the channels: from [outs, ins, depth, floats]. */
function depthFirst(v: Value, outs: number, ins: number, depth: number, floats: number): Value {
  if (depth === 1) return v;
  return ops.Transpose(ops.Reshape(v, [outs, ins, depth, floats]), [0, 2, 1, 3]);
}

/**
 * Converts a weight [O, I, ...kernel] to blocks of its output channels, and of its input channels where they
 * fill blocks. Taps along depth become channels, as in stacked slices: [O, depth * I, height, width].
 */
export function blockedWeight(w: Value, block: number): Value {
  const [o, i, ...kernel] = w.dims as [number, number, ...number[]];
  const { depth, plane, taps } = tapsOf(kernel);
  const dims = [o, depth * i, ...plane];
  const outer = (x: Value): Value => ops.Transpose(ops.Reshape(x, [o / block, block, -1]), [0, 2, 1]);
  if (i < block) return ops.Reshape(outer(depthFirst(w, o, i, depth, sizeOf(plane))), dims);
  const pairs = [(o / block) * (i / block), block, taps, block];
  const inner = ops.Transpose(ops.Reshape(outer(w), pairs), [0, 2, 1, 3]);
  const floats = sizeOf(plane) * block * block;
  return ops.Reshape(depthFirst(inner, o / block, i / block, depth, floats), dims);
}

/**
 * Converts the weight [O, I, ...kernel] of a convolution to blocks for the one that goes the other way, from
 * O channels to I with every axis of the kernel reversed: [I, depth * O, height, width].
 */
export function flippedWeight(w: Value, block: number): Value {
  const [o, i, ...kernel] = w.dims as [number, number, ...number[]];
  const { depth, plane, taps } = tapsOf(kernel);
  const [outs, ins] = [i / block, o / block];
  const inner = ops.Transpose(ops.Reshape(w, [o * outs, block, taps]), [0, 2, 1]);
  const swapped = ops.Transpose(ops.Reshape(inner, [o, outs, taps * block]), [1, 0, 2]);
  const pairs = ops.Transpose(ops.Reshape(swapped, [outs * ins, block, taps, block]), [0, 2, 1, 3]);
  const reversed = integers(w.graph, [...Array(taps).keys()].toReversed());
  const turned = taps === 1 ? pairs : ops.Gather(pairs, reversed, 1);
  const floats = sizeOf(plane) * block * block;
  return ops.Reshape(depthFirst(turned, outs, ins, depth, floats), [i, depth * o, ...plane]);
}

/**
 * Adds a Conv of one group, to y in blocks: x in blocks, or plain where it has fewer channels than one; w as
 * `blockedWeight` or `flippedWeight` returns it.
 */
export function blockedConv(
  x: Value,
  w: Value,
  bias: Value | undefined,
  attributes: Readonly<Record<string, Attribute>>,
  block: number,
): Value {
  const inputs = [operand(x), w, ...(bias === undefined ? [] : [bias])];
  return fromPlanes(nchwc("Conv", inputs, attributes), block);
}

/** Computes factor * v + offset (+ addend) per channel, factor and offset [C], in one pass. */
export function blockedAffine(v: Value, factor: Value, offset: Value, addend?: Value): Value {
  const channels = factor.dims[0]!;
  const w = ops.Reshape(factor, [channels, 1, 1, 1]);
  const inputs = [operand(v), w, offset, ...(addend === undefined ? [] : [operand(addend)])];
  return fromPlanes(nchwc("Conv", inputs, { group: channels }), v.dims[4]!);
}

/**
 * Returns the number and length of the rows of v, which count as channels: sums along them stay exact.
 */
const rows = (v: Value): readonly [number, number] => [sizeOf(v.dims) / v.dims[3]!, v.dims[3]!];

const overRows = (sums: Value, { dims: [n, c, height, , block] }: Value): Value =>
  ops.Reshape(sums, [n!, c!, height!, block!]);

/** Computes the mean per channel: [C]. */
export function blockedMean(v: Value): Value {
  const [count, width] = rows(v);
  const means = nchwc("GlobalAveragePool", [ops.Reshape(v, [1, count, 1, width])], {});
  return ops.Reshape(ops.ReduceMean(overRows(means, v), [0, 2], { keepdims: 0 }), [-1]);
}

/** Computes the sum of a * b per channel, [C], as a convolution whose kernel is b. */
export function blockedDot(a: Value, b: Value): Value {
  const [count, width] = rows(a);
  const x = ops.Reshape(a, [1, count, 1, width]);
  const sums = nchwc("Conv", [x, ops.Reshape(b, [count, 1, 1, width])], { group: count });
  return ops.Reshape(ops.ReduceSum(overRows(sums, a), [0, 2], { keepdims: 0 }), [-1]);
}

export const blockedMaxPool = (v: Value, attributes: Readonly<Record<string, Attribute>>): Value =>
  fromPlanes(nchwc("MaxPool", [operand(v)], attributes), v.dims[4]!);

/**
 * Returns a blocked convolution of one factor per channel joined with the activation behind it; undefined for
 * other values.
 */
export function withActivation(v: Value, activation: string, params: readonly number[]): Value | undefined {
  let whole = v;
  while (whole.node?.opType === "Reshape") whole = whole.node.inputs[0]!;
  const conv = whole.node;
  const scales =
    conv?.domain === blockedDomain &&
    conv.opType === "Conv" &&
    conv.attributes.activation === undefined &&
    conv.attributes.group === conv.inputs[1]!.dims[0] &&
    sizeOf(conv.inputs[1]!.dims) === conv.attributes.group;
  if (!scales) return undefined;
  const own: Record<string, Attribute> = params.length === 0 ? {} : { activation_params: params };
  const joined = nchwc("Conv", conv.inputs, { ...conv.attributes, activation, ...own });
  return ops.Reshape(joined, v.dims);
}

/**
 * The two changes of layout, written out once nothing else is left to lower; `dims` are those of the result.
 */
export const layoutLowerings: Readonly<
  Record<string, (x: Value, block: number, dims: readonly number[]) => Value>
> = {
  "pixelcal.Block": (x, block) => {
    const planes = x.dims.length === 5 ? slicesOf(x) : x;
    if (x.type === "float32") return fromPlanes(nchwc("ReorderInput", [planes], {}), block);
    const [n, c, height, width] = planes.dims as [number, number, number, number];
    return ops.Transpose(ops.Reshape(planes, [n, c / block, block, height, width]), [0, 1, 3, 4, 2]);
  },
  "pixelcal.Unblock": (v, _, dims) => {
    const channels = dims[1]!;
    const whole = planes(v);
    const slices =
      v.type === "float32"
        ? nchwc("ReorderOutput", [operand(v)], { channels })
        : ops.Reshape(ops.Transpose(v, [0, 1, 4, 2, 3]), whole);
    return dims.length === 5 ? volumeOf(slices, dims) : slices;
  },
};
