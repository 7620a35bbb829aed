import { fromNumbers } from "../data-types.js";
import { graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { ConvTranspose } from "./convolution.js";
import { Reshape, Transpose } from "./movement.js";
import { sizeOf } from "./spec.js";
import { forwardWindows, reach, tiles } from "./windows.js";

/** The steps of the windows and the padding of the image, as for a convolution. */
export interface Col2ImOptions {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: readonly number[];
}

/** More weights than the kernels of any network's windows have. */
const mostWeights = 2 ** 24;

/**
 * Adds up windows [N, C * elements, windows] where they lie in an image, [N, C, ...image]: PyTorch's fold.
 * `block` is the size of a window. Windows that overlap are a transposed convolution whose kernels have a
 * single 1 each.
 */
export function Col2Im(
  x: Value,
  image: readonly number[],
  block: readonly number[],
  options: Col2ImOptions = {},
): Value {
  const whole = (sizes: readonly number[]): boolean =>
    sizes.length > 0 && sizes.every((size) => Number.isSafeInteger(size) && size >= 1);
  if (!whole(image)) throw graphError("Col2Im", "an image of sizes of 1 or more", image);
  if (!whole(block) || block.length !== image.length)
    throw graphError("Col2Im", `a window of ${image.length} sizes of 1 or more`, block);
  const attributes = { ...options };
  const windows = forwardWindows(
    { opType: "Col2Im", name: "Col2Im", domain: "", inputs: [x], attributes },
    image,
    block,
  );
  const { output, strides, dilations, before, after } = windows;
  const [elements, count] = [sizeOf(block), sizeOf(output)];
  const [n = 1, rows = 0] = x.dims;
  if (x.dims.length !== 3 || rows % elements !== 0 || x.dims[2] !== count)
    throw graphError("Col2Im", `windows [N, C * ${elements}, ${count}]`, x.dims);
  const channels = rows / elements;
  if (tiles(windows)) {
    const axes = block.length;
    const split = Reshape(x, [n, channels, ...block, ...output]);
    const pairs = block.flatMap((_, axis) => [2 + axes + axis, 2 + axis]);
    return Reshape(Transpose(split, [0, 1, ...pairs]), [n, channels, ...image]);
  }
  if (rows * elements > mostWeights)
    throw graphError("Col2Im", `overlapping windows of at most ${mostWeights / rows} elements`, elements);
  const picks = new Float64Array(rows * elements);
  for (let row = 0; row < rows; row++) picks[row * elements + (row % elements)] = 1;
  const w = x.graph.constant(fromNumbers(x.type, picks, [rows, 1, ...block]));
  const spans = reach(windows);
  const output_padding = image.map(
    (size, axis) =>
      size - ((output[axis]! - 1) * strides[axis]! + spans[axis]! - before[axis]! - after[axis]!),
  );
  return ConvTranspose(Reshape(x, [n, rows, ...output]), w, undefined, {
    strides,
    dilations,
    pads: [...before, ...after],
    group: channels,
    output_padding,
  });
}
