import { numbersOf } from "../attributes.js";
import type { Node, Value } from "../ir.js";
import { convTransposeWindows, convWindows, groupOf } from "../operators/convolution.js";
import { integers } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { poolWindows } from "../operators/pooling.js";
import { sizeOf } from "../operators/spec.js";
import {
  forwardWindows,
  hasExplicitPads,
  reversed,
  tiles,
  type Windows,
  windowAttributes,
  withoutDepth,
} from "../operators/windows.js";
import {
  asBlocked,
  blocked,
  blockedConv,
  blockedMaxPool,
  blockedWeight,
  fitsBlocks,
  flippedWeight,
  isStacked,
  slicesOf,
  unblocked,
} from "./blocked-layout.js";
import { channelFactor } from "./channel-factor.js";
import type { BlockedLowering } from "./lowering.js";
import { outside, type Run, runsOf, takeSlices } from "./slices.js";

// Convolutions and pooling in blocks. The runtime's kernels slide over planes: taps along the depth of a
// volume become channels of its slices.

const inPlane = (windows: Windows): Windows => (windows.input.length === 3 ? withoutDepth(windows) : windows);

/** Returns the sizes of windows along the depth of slices; planes are as deep as one. */
const alongDepth = (list: readonly number[]): number => (list.length === 3 ? list[0]! : 1);

/**
 * Lays the input slices under the kernel of each output slice of a run side by side as channels, zeros
 * outside: [D * N, C, ...] to [slices of the run * N, taps * C, ...].
 */
function stackDepth(v: Value, windows: Windows, { from, end }: Run): Value {
  const [size, taps, stride] = [windows.input[0]!, windows.kernel[0]!, windows.strides[0]!];
  const [slices, channels, ...rest] = v.dims as [number, number, ...number[]];
  const images = slices / size;
  const places: number[] = [];
  for (let at = from; at < end; at++) {
    for (let image = 0; image < images; image++) {
      for (let tap = 0; tap < taps; tap++) {
        const depth = at * stride + tap * windows.dilations[0]! - windows.before[0]!;
        places.push(depth < 0 || depth >= size ? outside : depth * images + image);
      }
    }
  }
  return ops.Reshape(takeSlices(v, places, 0), [(end - from) * images, taps * channels, ...rest]);
}

/** Convolves slices or planes with a weight in blocks. */
function convolve(v: Value, w: Value, bias: Value | undefined, windows: Windows, block: number): Value {
  const attributes = windowAttributes(inPlane(windows));
  if (windows.input.length === 2) return blockedConv(v, w, bias, attributes, block);
  const deep = windows.output[0]!;
  const copied = windows.kernel[0]! * (sizeOf(v.dims) / windows.input[0]!);
  // Slices that are convolved as they lie need no copy.
  const runs = windows.kernel[0] === 1 ? [{ from: 0, end: deep }] : runsOf(deep, copied);
  const parts = runs.map((run) => blockedConv(stackDepth(v, windows, run), w, bias, attributes, block));
  return parts.length === 1 ? parts[0]! : ops.Concat(parts, 0);
}

/** Appends zeros along the first axis up to a multiple of `block`. */
function filled(x: Value, block: number): Value {
  const missing = -x.dims[0]! & (block - 1);
  if (missing === 0) return x;
  const none = x.dims.map(() => 0);
  return ops.Pad(x, [...none, ...none.with(0, missing)]);
}

const conv: BlockedLowering = (node, [x, w, bias], block) => {
  if (!hasExplicitPads(node) || groupOf(node) !== 1 || x!.type !== "float32" || !isStacked(x!))
    return undefined;
  const windows = convWindows(node);
  const [o, i] = w!.dims as [number, number];
  const laidOut = asBlocked(x!) !== undefined;
  const few = i * alongDepth(windows.kernel) < block && !laidOut;
  if (!few && i % block !== 0) return undefined;
  // Channels between blocks are filled up where that costs little: in the head of a network.
  const head = laidOut && sizeOf(windows.kernel) === 1;
  if (o % block !== 0 && !head) return undefined;
  // A weight gradient, whose kernel is a whole plane, would read it again for every pixel of its output.
  if (sizeOf(windows.kernel) > sizeOf(windows.output)) return undefined;
  const planes = x!.dims.length === 5 ? slicesOf : (plane: Value): Value => plane;
  const v = few ? planes(x!) : blocked(x!, block);
  const weight = blockedWeight(filled(w!, block), block);
  const y = convolve(v, weight, bias && filled(bias, block), windows, block);
  return [unblocked(y, node.outputs[0]!.dims)];
};

/** A transposition of v seen as `dims`; axes of 1 are left out, as every axis costs the runtime time. */
function rearrange(v: Value, dims: readonly number[], order: readonly number[]): Value {
  const kept = [...dims.keys()].filter((axis) => dims[axis]! > 1);
  return ops.Transpose(
    ops.Reshape(
      v,
      kept.map((axis) => dims[axis]!),
    ),
    order.filter((axis) => dims[axis]! > 1).map((axis) => kept.indexOf(axis)),
  );
}

/** Returns strides or kernel sizes of depth, height and width. */
const threefold = (list: readonly number[]): [number, number, number] => [
  alongDepth(list),
  ...(list.slice(-2) as [number, number]),
];

/** A transposed convolution of one group, from x [N, I, ...] by w [I, O, ...kernel]. */
interface Transposed {
  readonly x: Value;
  readonly w: Value;
  readonly bias: Value | undefined;
  /** The windows of the convolution that it is the input gradient of. */
  readonly windows: Windows;
  readonly block: number;
}

/**
 * Computes a transposed convolution without overlap: a pixel's product with the weight of every tap, and the
 * taps moved between the pixels.
 */
function spreadTaps({ x, w, bias, windows, block }: Transposed): Value {
  const o = w.dims[1]!;
  const [depth, height, width] = threefold(windows.kernel);
  const taps = depth * height * width;
  const axes = windows.kernel.map((_, axis) => axis + 2);
  const weight = ops.Reshape(ops.Transpose(w, [...axes, 1, 0]), [taps * o, w.dims[0]!, 1, 1]);
  const biases = bias && ops.Tile(bias, [taps]);
  const y = blockedConv(blocked(x, block), blockedWeight(weight, block), biases, {}, block);
  const [slices, , rows, columns] = y.dims as [number, number, number, number];
  const deep = alongDepth(windows.output);
  const split = [deep, slices / deep, depth, height, width, o / block, rows, columns, block];
  const spread = rearrange(y, split, [0, 2, 1, 5, 6, 3, 7, 4, 8]);
  return ops.Reshape(spread, [slices * depth, o / block, rows * height, columns * width, block]);
}

/** The taps that the pixels at one remainder of the stride take along an axis, and how these slide. */
interface Phase {
  /** In the order of the input's pixels. */
  readonly taps: readonly number[];
  readonly before: number;
  readonly after: number;
}

/**
 * Returns the phases of an axis of a transposed convolution; undefined where some have no taps or would crop
 * their input.
 */
function phasesOf(windows: Windows, axis: number): readonly Phase[] | undefined {
  const [stride, size] = [windows.strides[axis]!, windows.input[axis]!];
  const [kernel, before, given] = [windows.kernel[axis]!, windows.before[axis]!, windows.output[axis]!];
  if (size % stride !== 0 || windows.dilations[axis] !== 1) return undefined;
  const phases = Array.from({ length: stride }, (_, phase) => {
    const taps = [...Array(kernel).keys()]
      .filter((tap) => (phase + before - tap) % stride === 0)
      .toReversed();
    const shift = (tap: number): number => (phase + before - tap) / stride;
    if (taps.length === 0) return { taps, before: -1, after: -1 };
    return { taps, before: -shift(taps[0]!), after: size / stride + shift(taps.at(-1)!) - given };
  });
  return phases.every((phase) => phase.before >= 0 && phase.after >= 0) ? phases : undefined;
}

/** Computes a strided transposed convolution as a dense convolution for each phase of the strides. */
function byPhases({ x, w, bias, windows, block }: Transposed): Value | undefined {
  const axes = windows.kernel.map((_, axis) => phasesOf(windows, axis));
  if (!axes.every((phases) => phases !== undefined)) return undefined;
  const [i, o] = w.dims as [number, number];
  const small = windows.input.map((size, axis) => size / windows.strides[axis]!);
  const ones = small.map(() => 1);
  const products = axes.reduce<Phase[][]>(
    (chosen, phases) => chosen.flatMap((list) => phases.map((phase) => [...list, phase])),
    [[]],
  );
  const v = blocked(x, block);
  const flat = ops.Reshape(w, [i, o, sizeOf(windows.kernel)]);
  const parts = products.map((phases) => {
    const kernel = phases.map(({ taps }) => taps.length);
    const places = phases.reduce<number[]>(
      (chosen, { taps }, axis) =>
        chosen.flatMap((place) => taps.map((tap) => place * windows.kernel[axis]! + tap)),
      [0],
    );
    const taken = ops.Gather(flat, integers(w.graph, places), 2);
    const weight = ops.Reshape(ops.Transpose(taken, [1, 0, 2]), [o, i, ...kernel]);
    const sub: Windows = {
      input: windows.output,
      kernel,
      strides: ones,
      dilations: ones,
      before: phases.map(({ before }) => before),
      after: phases.map(({ after }) => after),
      output: small,
    };
    return convolve(v, blockedWeight(weight, block), bias, sub, block);
  });
  const [depth, height, width] = threefold(windows.strides);
  const [slices, , rows, columns] = parts[0]!.dims as [number, number, number, number];
  const deep = alongDepth(small);
  const split = [depth, height, width, deep, slices / deep, o / block, rows, columns, block];
  const spread = rearrange(ops.Concat(parts, 0), split, [3, 0, 4, 5, 6, 1, 7, 2, 8]);
  return ops.Reshape(spread, [slices * depth, o / block, rows * height, columns * width, block]);
}

/**
 * Computes a transposed convolution without strides as a convolution with the flipped weight; undefined where
 * that would crop y.
 */
function byFlipping({ x, w, bias, windows, block }: Transposed): Value | undefined {
  if (sizeOf(windows.kernel) > sizeOf(windows.input)) return undefined;
  const back = reversed(windows);
  if (![...back.before, ...back.after].every((size) => size >= 0)) return undefined;
  return convolve(blocked(x, block), flippedWeight(w, block), bias, back, block);
}

/** Computes a transposed convolution in blocks; undefined where they do not fit. */
function transposed(t: Transposed): Value | undefined {
  if (!fitsBlocks(t.x, t.block) || t.w.dims[1]! % t.block !== 0) return undefined;
  if (t.windows.strides.every((step) => step === 1)) return byFlipping(t);
  return tiles(t.windows) ? spreadTaps(t) : byPhases(t);
}

const convTranspose: BlockedLowering = (node, [x, w, bias], block) => {
  if (!hasExplicitPads(node) || groupOf(node) !== 1) return undefined;
  const y = transposed({ x: x!, w: w!, bias, windows: convTransposeWindows(node), block });
  return y && [unblocked(y, node.outputs[0]!.dims)];
};

const convInputGradient: BlockedLowering = (node, [dy, w], block) => {
  if (groupOf(node) !== 1) return undefined;
  const windows = forwardWindows(node, numbersOf(node, "size")!, w!.dims.slice(2));
  const scaled = channelFactor(dy!, w!.dims);
  const weight = scaled === undefined ? w! : ops.Mul(w!, scaled.factor);
  const dx = transposed({ x: scaled?.value ?? dy!, w: weight, bias: undefined, windows, block });
  return dx && [unblocked(dx, node.outputs[0]!.dims)];
};

/** Returns the windows of a pooling without overlap that has x in blocks; undefined for others. */
function tilingWindows(node: Node, x: Value, block: number): Windows | undefined {
  if (asBlocked(x) === undefined || !fitsBlocks(x, block)) return undefined;
  const windows = poolWindows(node);
  return tiles(windows) ? windows : undefined;
}

const maxPool: BlockedLowering = (node, [x], block) => {
  const windows = tilingWindows(node, x!, block);
  if (windows === undefined || node.outputs.length > 1) return undefined;
  const { kernel_shape, strides } = windowAttributes(inPlane(windows));
  const [slices, ...rest] = blocked(x!, block).dims as [number, ...number[]];
  const [taps, deep] = [alongDepth(windows.kernel), alongDepth(windows.output)];
  const images = slices / (deep * taps);
  const grouped = (): Value => ops.Reshape(blocked(x!, block), [deep, taps, images, ...rest]);
  const v =
    taps === 1
      ? blocked(x!, block)
      : ops.Reshape(ops.ReduceMax(grouped(), [1], { keepdims: 0 }), [deep * images, ...rest]);
  return [unblocked(blockedMaxPool(v, { kernel_shape, strides }), node.outputs[0]!.dims)];
};

/** The taps of all windows side by side: the first one that equals the maximum takes the gradient. */
const maxPoolGradient: BlockedLowering = (node, [x, y, dy], block) => {
  const windows = tilingWindows(node, x!, block);
  if (windows === undefined) return undefined;
  const [v, top, g] = [x!, y!, dy!].map((value) => blocked(value, block)) as [Value, Value, Value];
  const [depth, height, width] = threefold(windows.kernel);
  const [slices, c, rows, columns] = top.dims as [number, number, number, number];
  const deep = alongDepth(windows.output);
  const images = slices / deep;
  const taps = depth * height * width;
  const split = [deep, depth, images, c, rows, height, columns, width, block];
  const stack = ops.Reshape(rearrange(v, split, [1, 5, 7, 0, 2, 3, 4, 6, 8]), [taps, ...top.dims]);
  const equal = ops.Split(ops.Equal(stack, top), taps, 0);
  let open = ops.Not(equal[0]!);
  const wins = [equal[0]!];
  for (const tap of equal.slice(1)) {
    wins.push(ops.And(tap, open));
    open = ops.And(open, ops.Not(tap));
  }
  const taken = ops.Mul(ops.Cast(ops.Concat(wins, 0), g.type), g);
  const apart = [depth, height, width, deep, images, c, rows, columns, block];
  const placed = rearrange(taken, apart, [3, 0, 4, 5, 6, 1, 7, 2, 8]);
  return [unblocked(ops.Reshape(placed, v.dims), x!.dims)];
};

/** The operators that slide windows over planes or volumes whose channels fill blocks. */
export const blockedWindowLowerings: Readonly<Record<string, BlockedLowering>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  "pixelcal.ConvInputGradient": convInputGradient,
  "pixelcal.MaxPoolGradient": maxPoolGradient,
};
