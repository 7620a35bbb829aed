import type { Attribute, Value } from "../ir.js";
import { blockedDomain } from "../operators/blocked.js";
import { composite } from "../operators/composite.js";
import { emitAll } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";

// onnxruntime's kernels for the channels of a plane in blocks: [N, C, H, W] is stored as [N, C / block, H, W,
// block], where `block` floats fill a vector of the processor. Their convolutions need no im2col and reach
// its peak. The operators (domain com.microsoft.nchwc) declare inputs and outputs as [N, C, H, W]; graphs
// here keep all five axes.

/** Returns the blocked value that x was unblocked from; undefined when x was not. */
export const asBlocked = (x: Value): Value | undefined =>
  x.node?.opType === "Unblock" && x.node.domain === composite ? x.node.inputs[0]! : undefined;

/** Converts [N, C, H, W] to blocks, [N, C / block, H, W, block]. */
export const blocked = (x: Value, block: number): Value =>
  asBlocked(x) ?? emitAll("Block", [x], { block }, { domain: composite })[0]!;

/** Converts [N, C / block, H, W, block] to [N, C, H, W]. */
export const unblocked = (v: Value): Value => emitAll("Unblock", [v], {}, { domain: composite })[0]!;

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

/**
 * Converts a weight [O, I, ...kernel] to blocks of its output channels, and of its input channels where they
 * fill blocks.
 */
function blockedWeight(w: Value, block: number): Value {
  const [o, i, height, width] = w.dims as [number, number, number, number];
  const ordered =
    i < block
      ? ops.Transpose(ops.Reshape(w, [o / block, block, i, height, width]), [0, 2, 3, 4, 1])
      : ops.Transpose(
          ops.Reshape(w, [o / block, block, i / block, block, height, width]),
          [0, 2, 4, 5, 3, 1],
        );
  return ops.Reshape(ordered, w.dims);
}

/** Adds a Conv of one group: x in blocks, or plain where it has fewer channels than one; y in blocks. */
export function blockedConv(
  x: Value,
  w: Value,
  bias: Value | undefined,
  attributes: Readonly<Record<string, Attribute>>,
  block: number,
): Value {
  const inputs = [operand(x), blockedWeight(w, block), ...(bias === undefined ? [] : [bias])];
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
 * Returns a blocked convolution of one factor per channel joined with its Relu; undefined for other values.
 */
export function withRelu(v: Value): Value | undefined {
  const conv = v.node?.opType === "Reshape" ? v.node.inputs[0]!.node : undefined;
  const scales =
    conv?.domain === blockedDomain &&
    conv.opType === "Conv" &&
    conv.attributes.activation === undefined &&
    conv.attributes.group === conv.inputs[1]!.dims[0] &&
    sizeOf(conv.inputs[1]!.dims) === conv.attributes.group;
  if (!scales) return undefined;
  return fromPlanes(nchwc("Conv", conv.inputs, { ...conv.attributes, activation: "Relu" }), v.dims[4]!);
}

/** The two changes of layout, written out once nothing else is left to lower. */
export const layoutLowerings: Readonly<Record<string, (x: Value, block: number) => Value>> = {
  "pixelcal.Block": (x, block) => {
    const [n, c, height, width] = x.dims as [number, number, number, number];
    if (x.type === "float32") return fromPlanes(nchwc("ReorderInput", [x], {}), block);
    return ops.Transpose(ops.Reshape(x, [n, c / block, block, height, width]), [0, 1, 3, 4, 2]);
  },
  "pixelcal.Unblock": (v) => {
    const dims = planes(v);
    if (v.type === "float32") return nchwc("ReorderOutput", [operand(v)], { channels: dims[1]! });
    return ops.Reshape(ops.Transpose(v, [0, 1, 4, 2, 3]), dims);
  },
};
