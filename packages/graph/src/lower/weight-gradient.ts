import { numbersOf } from "../attributes.js";
import type { Value } from "../ir.js";
import { groupOf } from "../operators/convolution.js";
import { integers } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";
import { forwardWindows, reach, reversed, type Windows, withoutDepth } from "../operators/windows.js";
import { asBlocked, slicesOf } from "./blocked-layout.js";
import { channelFactor } from "./channel-factor.js";
import type { Lowering, LoweringDevice } from "./lowering.js";
import { outside, type Run, runsOf, takeSlices } from "./slices.js";

interface WeightGradient {
  readonly windows: Windows;
  readonly group: number;
  readonly x: Value;
  readonly dy: Value;
}

const plain = ({ kernel, strides, before, after }: Windows): boolean =>
  kernel.every((size, axis) => size === 1 && strides[axis] === 1 && before[axis] === 0 && after[axis] === 0);

/** Computes the gradient of a kernel of one pixel: dy times x per image, summed over the images. */
function byProduct({ windows, group, x, dy }: WeightGradient): Value {
  const [n, ins, outs, pixels] = [x.dims[0]!, x.dims[1]!, dy.dims[1]!, sizeOf(windows.input)];
  const left = ops.Reshape(dy, [n * group, outs / group, pixels]);
  const right = ops.Transpose(ops.Reshape(x, [n * group, ins / group, pixels]), [0, 2, 1]);
  const products = ops.Reshape(ops.MatMul(left, right), [n, outs, ins / group]);
  const sum = n === 1 ? products : ops.ReduceSum(products, [0]);
  return ops.Reshape(sum, [outs, ins / group, ...windows.kernel]);
}

/**
 * Computes the gradient as one convolution whose kernel is dy, to [O, taps, I / group]. The batch takes the
 * place of the channels, and the channels of x are laid out along its last axis, over which the kernel is
 * dilated: the output then runs over the taps and channels of the weight, and the convolution copies runs of
 * many floats.
 */
function slide({ windows, group, x, dy }: WeightGradient): Value {
  const [n, outs] = [x.dims[0]!, dy.dims[1]!];
  const ci = x.dims[1]! / group;
  const { input, kernel, output } = windows;
  // With few taps and channels against the pixels, every image is a group of its own
  // and dy needs no transposition.
  const separate = n === 1 || sizeOf(output) > sizeOf(kernel) * ci;
  const image = channelsLast(x, group, separate);
  if (!separate) {
    const slides = ops.Transpose(dy, [1, 0, ...input.map((_, axis) => axis + 2)]);
    return slideOver(image, slides, { windows, group, ci });
  }
  const slides = ops.Reshape(dy, [n * outs, 1, ...output]);
  const apart = slideOver(image, slides, { windows, group: n * group, ci });
  if (n === 1) return apart;
  return ops.ReduceSum(ops.Reshape(apart, [n, outs, sizeOf(kernel), ci]), [0], { keepdims: 0 });
}

interface Slide {
  readonly windows: Windows;
  readonly group: number;
  /** The channels along the last axis of the image. */
  readonly ci: number;
}

/**
 * Slides kernels [outs, planes / group, ...output] over an image [planes, ...input, ci], which is summed over
 * the planes of a group: to [outs, taps, ci].
 */
function slideOver(image: Value, slides: Value, { windows, group, ci }: Slide): Value {
  const outs = slides.dims[0]!;
  const { input, kernel, strides, dilations, before, output } = windows;
  const last = input.length - 1;
  // Dilation along the last axis is there when the taps between are computed and dropped.
  const spans = reach(windows);
  const taps = kernel.with(last, spans[last]!);
  const steps = dilations.with(last, 1);
  const after = input.map((size, axis) =>
    Math.max(
      (taps[axis]! - 1) * steps[axis]! + (output[axis]! - 1) * strides[axis]! + 1 - size - before[axis]!,
      0,
    ),
  );
  const wide = (list: readonly number[]): number[] =>
    list.map((size, axis) => (axis === last ? size * ci : size));
  const convolved = ops.Conv(ops.Reshape(image, [1, -1, ...wide(input)]), slides, undefined, {
    group,
    strides: steps,
    dilations: wide(strides),
    pads: [...wide(before), ...wide(after)],
  });
  const found = convolved.dims.slice(2).map((size, axis) => (axis === last ? size / ci : size));
  let weight = ops.Reshape(convolved, [outs, ...found, ci]);
  if (found.some((size, axis) => size !== kernel[axis])) {
    const step = dilations[last]!;
    const axes = input.map((_, axis) => axis + 1);
    const ends = kernel.map((size, axis) => (axis === last ? (size - 1) * step + 1 : size));
    weight = ops.Slice(
      weight,
      axes.map(() => 0),
      ends,
      axes,
      axes.map((axis) => (axis === last + 1 ? step : 1)),
    );
  }
  return ops.Reshape(weight, [outs, sizeOf(kernel), ci]);
}

/** Numbers copied for a part of a gradient, 128 MB: shorter sums save no time, as copies are read once. */
const longRun = 1 << 25;

/**
 * Computes the gradient for volumes whose slices are convolved without strides along depth, to [O, taps, I]:
 * the slices are the planes that are summed over, and dy is there once for every tap along depth, moved to
 * the slice of x that the tap saw. A kernel then has three times the outputs and a third of the taps, for
 * which the convolution copies a third.
 */
function slideSlices({ windows, x, dy }: WeightGradient): Value {
  const [outs, ci, images] = [dy.dims[1]!, x.dims[1]!, x.dims[0]!];
  const [taps, deep] = [windows.kernel[0]!, windows.input[0]!];
  const [height, width] = windows.output.slice(1) as [number, number];
  const [image, slides] = [slicesLast(x), ops.Transpose(slicesOf(dy), [1, 0, 2, 3])];
  const plane = { windows: withoutDepth(windows), group: 1, ci };
  const parts = runsOf(deep, taps * (sizeOf(slides.dims) / deep), longRun).map((run) => {
    const planes = [...Array((run.end - run.from) * images).keys()].map((at) => at + run.from * images);
    const seen = takeSlices(slides, placesSeen(windows, images, run), 1);
    return slideOver(
      takeSlices(image, planes, 0),
      ops.Reshape(seen, [outs * taps, planes.length, height, width]),
      plane,
    );
  });
  const sum = parts.reduce((total, part) => ops.Add(total, part));
  return ops.Reshape(sum, [outs, sizeOf(windows.kernel), ci]);
}

/** Moves blocks of channels behind the pixels; one block is there already. */
function blocksLast(v: Value): Value {
  const [n, blocks, height, width, block] = v.dims as [number, number, number, number, number];
  if (blocks === 1) return ops.Reshape(v, [n, height, width, 1, block]);
  return ops.Transpose(v, [0, 2, 3, 1, 4]);
}

/** Returns the slices of x with their channels last: [D * N, H, W, C] or [D * N, H, W, C / block, block]. */
function slicesLast(x: Value): Value {
  const v = asBlocked(x);
  if (v !== undefined) return blocksLast(v);
  const [n, c, depth, height, width] = x.dims as [number, number, number, number, number];
  return ops.Reshape(ops.Transpose(x, [2, 0, 3, 4, 1]), [depth * n, height, width, c]);
}

/** Returns the slice of dy that each tap along depth gave each slice of x in a run to. */
function placesSeen(
  { kernel, dilations, before, output }: Windows,
  images: number,
  { from, end }: Run,
): number[] {
  const places: number[] = [];
  for (let tap = 0; tap < kernel[0]!; tap++) {
    for (let at = from * images; at < end * images; at++) {
      const depth = Math.floor(at / images) + before[0]! - tap * dilations[0]!;
      places.push(depth < 0 || depth >= output[0]! ? outside : depth * images + (at % images));
    }
  }
  return places;
}

/**
 * Returns x with the channels of a group last, perhaps in blocks; images before groups where they are
 * `separate`.
 */
function channelsLast(x: Value, group: number, separate: boolean): Value {
  const [n, ins, ...input] = x.dims as [number, number, ...number[]];
  // A transposition that moves one axis is several times faster than the general one.
  const blocks = group === 1 ? asBlocked(x) : undefined;
  if (blocks !== undefined && input.length === 2) return blocksLast(blocks);
  if (blocks !== undefined) {
    const slices = ops.Reshape(blocks, [input[0]!, n, ...blocks.dims.slice(1)]);
    return ops.Transpose(slices, [1, 0, 3, 4, 2, 5]);
  }
  if (group === 1) return ops.Transpose(x, [0, ...input.map((_, axis) => axis + 2), 1]);
  const spatial = input.map((_, axis) => axis + 3);
  const order = separate ? [0, 1, ...spatial, 2] : [1, 0, ...spatial, 2];
  return ops.Transpose(ops.Reshape(x, [n, group, ins / group, ...input]), order);
}

const slid = (gradient: WeightGradient): Value =>
  foldsDepth(gradient) ? slideSlices(gradient) : slide(gradient);

const foldsDepth = ({ windows, group }: WeightGradient): boolean =>
  group === 1 && windows.input.length === 3 && windows.strides[0] === 1;

function byConvolution(gradient: WeightGradient): Value {
  const [outs, ci] = [gradient.dy.dims[1]!, gradient.x.dims[1]! / gradient.group];
  return ops.Reshape(ops.Transpose(slid(gradient), [0, 2, 1]), [outs, ci, ...gradient.windows.kernel]);
}

/**
 * Computes the gradient with x as the kernel that slides over dy, which finds the taps in reverse order:
 * cheaper when dy has fewer channels than x. Strides of one only.
 */
function bySwappedConvolution({ windows, x, dy }: WeightGradient): Value {
  const { kernel } = windows;
  const [ins, outs, taps] = [x.dims[1]!, dy.dims[1]!, sizeOf(kernel)];
  const order = integers(
    x.graph,
    Array.from({ length: taps }, (_, index) => taps - 1 - index),
  );
  const turned = ops.Gather(slid({ windows: reversed(windows), group: 1, x: dy, dy: x }), order, 1);
  return ops.Reshape(ops.Transpose(turned, [2, 0, 1]), [outs, ins, ...kernel]);
}

/**
 * Returns the number of equal pieces a long sum over pixels is cut into, so that a GPU has work
 * for all its groups of threads.
 */
function pieces(pixels: number): number {
  for (let count = 1; count <= 1024; count++) {
    if (pixels % count === 0 && pixels / count <= 4096) return count;
  }
  return 1;
}

/**
 * Computes the gradient as one batched product per tap of the kernel, over a padded copy of x with its
 * channels last.
 */
function byTap({ windows, group, x, dy }: WeightGradient): Value {
  const [n, ins, outs] = [x.dims[0]!, x.dims[1]!, dy.dims[1]!];
  const [ci, co] = [ins / group, outs / group];
  const { input, kernel, strides, dilations, before, output } = windows;
  const after = reach(windows).map((span, axis) =>
    Math.max((output[axis]! - 1) * strides[axis]! + span - input[axis]! - before[axis]!, 0),
  );
  const split = pieces(sizeOf(output));
  const pixels = sizeOf(output) / split;
  // [n, group, ...spatial, ci] and [n, group, split, co, pixels]
  const axes = input.map((_, axis) => axis + 2);
  const moved = ops.Transpose(ops.Reshape(x, [n, group, ci, ...input]), [0, 1, ...axes.map((a) => a + 1), 2]);
  const padded = ops.Pad(moved, [0, 0, ...before, 0, 0, 0, ...after, 0]);
  const rows = ops.Transpose(ops.Reshape(dy, [n, group, co, split, pixels]), [0, 1, 3, 2, 4]);
  const products = allTaps(kernel).map((tap) => {
    const starts = tap.map((at, axis) => at * dilations[axis]!);
    const ends = starts.map((start, axis) => start + (output[axis]! - 1) * strides[axis]! + 1);
    const seen = ops.Slice(padded, starts, ends, axes, strides);
    const product = ops.MatMul(rows, ops.Reshape(seen, [n, group, split, pixels, ci]));
    return ops.Reshape(ops.ReduceSum(product, [0, 2], { keepdims: 0 }), [outs, ci, 1]);
  });
  return ops.Reshape(ops.Concat(products, 2), [outs, ci, ...kernel]);
}

/** Returns the position of every tap of a kernel, in memory order. */
function allTaps(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (taps, size) => taps.flatMap((tap) => Array.from({ length: size }, (_, at) => [...tap, at])),
    [[]],
  );
}

function swaps({ windows, group, x, dy }: WeightGradient): boolean {
  const dense = windows.strides.every((stride) => stride === 1);
  return (
    dense && group === 1 && dy.dims[1]! < x.dims[1]! && reversed(windows).before.every((size) => size >= 0)
  );
}

function weightGradient(gradient: WeightGradient, device: LoweringDevice): Value {
  if (plain(gradient.windows)) return byProduct(gradient);
  // One convolution whose output is as small as a weight keeps one group of a GPU's threads busy, and webgpu
  // has no grouped convolution in three dimensions.
  if (device !== "cpu") return byTap(gradient);
  return swaps(gradient) ? bySwappedConvolution(gradient) : byConvolution(gradient);
}

export const weightGradientLowerings: Readonly<Record<string, Lowering>> = {
  "pixelcal.ConvWeightGradient": (node, [x, dy], device) => {
    const windows = forwardWindows(node, x!.dims.slice(2), numbersOf(node, "kernel_shape")!);
    const gradient = { windows, group: groupOf(node), x: x!, dy: dy! };
    const scaled = channelFactor(dy!, node.outputs[0]!.dims);
    if (scaled === undefined) return [weightGradient(gradient, device)];
    return [ops.Mul(weightGradient({ ...gradient, dy: scaled.value }, device), scaled.factor)];
  },
};
