import { numberOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import type { Node, Value } from "../ir.js";
import { dilate } from "../operators/dilate.js";
import { zerosLike } from "../operators/movement.js";
import { emitAll } from "../operators/operand.js";
import * as ops from "../operators/ops.js";
import { poolWindows } from "../operators/pooling.js";
import { sizeOf } from "../operators/spec.js";
import { reach, tiles, type Windows, windowAttributes } from "../operators/windows.js";
import type { Lowering } from "./lowering.js";

/**
 * Returns all attributes of a pooling, its padding explicit. Overhang that ceil_mode adds becomes padding
 * where that does not count, because ONNX's shape inference and runtimes do not always agree about it.
 */
function poolAttributes(node: Node, windows: Windows) {
  const { input, strides, kernel, before, after, output } = windows;
  const attributes = windowAttributes(windows);
  if (numberOf(node, "ceil_mode", 0) === 0) return { ...attributes, ceil_mode: 0 };
  const needed = reach(windows).map(
    (span, axis) => (output[axis]! - 1) * strides[axis]! + span - input[axis]! - before[axis]!,
  );
  const adds = needed.some((size, axis) => size > after[axis]!);
  const pads = needed.map((size, axis) => Math.max(size, after[axis]!));
  const counts =
    numberOf(node, "count_include_pad", 0) !== 0 || pads.some((size, axis) => size >= kernel[axis]!);
  if (adds && counts) return { ...attributes, ceil_mode: 1 };
  return { ...attributes, pads: [...before, ...pads], ceil_mode: 0 };
}

/**
 * Builds the gradient from the indices that MaxPool returns, which the CPU has; of a tie they name the first
 * element.
 */
function byIndices(node: Node, [x, , dy]: readonly Value[], windows: Windows): Value {
  const indices = emitAll("MaxPool", [x], poolAttributes(node, windows), { outputs: 2 })[1]!;
  if (tiles(windows)) {
    const { kernel_shape, strides } = windowAttributes(windows);
    return emitAll("MaxUnpool", [dy, indices], { kernel_shape, strides })[0]!;
  }
  const flat = (value: Value): Value => ops.Reshape(value, [-1]);
  const zeros = zerosLike(flat(x!));
  const dx = ops.ScatterElements(zeros, flat(indices), flat(dy!), 0, { reduction: "add" });
  return ops.Reshape(dx, x!.dims);
}

/**
 * Builds the gradient by comparison, tap after tap: a tap that equals the maximum takes the gradient unless
 * one before it did. The windows are read as slices of a padded x, and each tap's share is put back between
 * zeros.
 */
function byComparison([x, y, dy]: readonly Value[], windows: Windows): Value {
  const { input, kernel, strides, dilations, before, output } = windows;
  const axes = input.map((_, axis) => axis + 2);
  const spans = reach(windows);
  const after = input.map((size, axis) =>
    Math.max((output[axis]! - 1) * strides[axis]! + spans[axis]! - size - before[axis]!, 0),
  );
  const size = input.map((each, axis) => each + before[axis]! + after[axis]!);
  const pads = [0, 0, ...before, 0, 0, ...after];
  const lowest = x!.type === "float64" ? -Number.MAX_VALUE : -3.4028234663852886e38;
  const padded = pads.every((pad) => pad === 0) ? x! : ops.Pad(x!, pads, { value: lowest });
  let open: Value | undefined;
  let sum: Value | undefined;
  const taps = sizeOf(kernel);
  for (let tap = 0; tap < taps; tap++) {
    const at = position(tap, kernel).map((index, axis) => index * dilations[axis]!);
    const ends = at.map((start, axis) => start + (output[axis]! - 1) * strides[axis]! + 1);
    const equal = ops.Equal(ops.Slice(padded, at, ends, axes, strides), y!);
    const wins = open === undefined ? equal : ops.And(equal, open);
    if (tap < taps - 1) open = open === undefined ? ops.Not(equal) : ops.And(open, ops.Not(equal));
    const taken = ops.Mul(dy!, ops.Cast(wins, dy!.type));
    const placed = place(taken, at, strides, size);
    sum = sum === undefined ? placed : ops.Add(sum, placed);
  }
  const crop = input.map((each, axis) => before[axis]! + each);
  return size.every((each, axis) => each === input[axis]) ? sum! : ops.Slice(sum!, before, crop, axes);
}

/** Returns a zero image of spatial `size` with `value` from `at` on, `strides` apart. */
function place(
  value: Value,
  at: readonly number[],
  strides: readonly number[],
  size: readonly number[],
): Value {
  const spaced = dilate(
    value,
    strides.map((_, axis) => axis + 2),
    strides,
  );
  const after = size.map((each, axis) => each - at[axis]! - spaced.dims[axis + 2]!);
  return ops.Pad(spaced, [0, 0, ...at, 0, 0, ...after]);
}

function position(tap: number, kernel: readonly number[]): number[] {
  let rest = tap;
  return kernel
    .toReversed()
    .map((size) => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return at;
    })
    .toReversed();
}

/**
 * Windows that tile a plane: the maxima are repeated over their windows and compared at once. Each
 * element that reaches its maximum is marked by its place in the window, higher for earlier ones, so that
 * the largest mark is the first.
 */
function byRepetition([x, y, dy]: readonly Value[], windows: Windows): Value {
  const repeat = (value: Value): Value =>
    ops.Resize(value, {
      scales: [1, 1, ...windows.kernel],
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  const { input, kernel } = windows;
  const taps = sizeOf(kernel);
  const places = Float64Array.from({ length: sizeOf(input) }, (_, at) => {
    const tap =
      kernel.length === 1
        ? at % kernel[0]!
        : (Math.floor(at / input[1]!) % kernel[0]!) * kernel[1]! + ((at % input[1]!) % kernel[1]!);
    return taps - tap;
  });
  const marks = x!.graph.constant(fromNumbers(x!.type, places, [1, 1, ...input]));
  const marked = ops.Mul(ops.Cast(ops.Equal(x!, repeat(y!)), x!.type), marks);
  const { kernel_shape, strides } = windowAttributes(windows);
  const first = repeat(ops.MaxPool(marked, { kernel_shape, strides }));
  return ops.Mul(repeat(dy!), ops.Cast(ops.Equal(marked, first), x!.type));
}

export const poolingLowerings: Readonly<Record<string, Lowering>> = {
  // All attributes written out, as the gradient has them: the pooling of both is then one.
  MaxPool: (node, [x]) => {
    const attributes = poolAttributes(node, poolWindows(node));
    const written = Object.entries(attributes).every(
      ([name, value]) => String(node.attributes[name]) === String(value),
    );
    if (written && node.attributes.auto_pad === undefined) return undefined;
    return emitAll("MaxPool", [x], attributes, { outputs: node.outputs.length });
  },
  AveragePool: (node, [x]) => {
    const { dilations: _, ...attributes } = poolAttributes(node, poolWindows(node));
    const { auto_pad, ceil_mode = 0 } = node.attributes;
    if (auto_pad === undefined && ceil_mode === attributes.ceil_mode) return undefined;
    return [
      ops.AveragePool(x!, { ...attributes, count_include_pad: numberOf(node, "count_include_pad", 0) }),
    ];
  },
  "pixelcal.MaxPoolGradient": (node, inputs, device) => {
    const windows = poolWindows(node);
    if (device === "cpu") return [byIndices(node, inputs, windows)];
    return [
      tiles(windows) && windows.input.length === 2
        ? byRepetition(inputs, windows)
        : byComparison(inputs, windows),
    ];
  },
  GlobalMaxPool: (_, [x]) => [ops.ReduceMax(x!, x!.dims.map((_, axis) => axis).slice(2))],
};
