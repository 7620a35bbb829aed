import {
  elementCount,
  type Interpolation,
  InvalidArgumentError,
  resampleImage,
  resampleLabels,
  sameDims,
  type Tensor,
  tensor,
  zeros,
} from "@pixelcal/core";
import type { DatasetImage, Window } from "../data/dataset-case.js";
import { inTurns } from "../data/in-turns.js";
import { cut } from "../data/patches.js";
import { normalizeImage } from "./normalize.js";
import type { Preparation } from "./preparation.js";

/** The place of a prepared case in the case as it is stored. */
export interface CasePlace {
  /** The spatial size of the stored case. */
  readonly size: readonly number[];
  /** The part of it that was kept. */
  readonly window: Window;
  /** The interpolation of each axis, for labels and probabilities. */
  readonly axes: readonly ForLabels[];
}

/** Labels have no cubic. */
type ForLabels = Exclude<Interpolation, "cubic">;

export interface PreparedCase {
  readonly item: DatasetImage;
  readonly place: CasePlace;
}

/** Spacing of an axis that is so much coarser than another is not interpolated along, as in nnU-Net. */
const anisotropy = 3;

/**
 * Returns a stored case as the network takes it, and the place it came from: cut to the pixels that are not 0
 * in every channel, normalised and resampled, the image by a cubic (or linearly), the labels by the argmax
 * of linear one-hot labels, both by the nearest along an axis that is three times as coarse as another.
 * Throws `InvalidArgumentError` for a case without spacing where a spacing is asked for.
 */
export async function prepareCase(
  { image, labels, spacing, ...rest }: DatasetImage,
  preparation: Preparation,
): Promise<PreparedCase> {
  const size = image.dims.slice(1);
  const { crop = false, spacing: target, interpolation = "cubic", normalization } = preparation;
  const whole: Window = { origin: size.map(() => 0), size };
  const window = crop ? await nonZeroWindow(image) : whole;
  const isWhole = sameDims(window.size, size);
  const kept = isWhole ? image : cut(image, window);
  const keptLabels =
    isWhole || labels === undefined ? labels : (cut(labels as Tensor, window) as typeof labels);
  const normal = await normalizeImage(kept, normalization);
  if (target === undefined) {
    const axes = size.map((): ForLabels => "linear");
    const item = {
      ...rest,
      image: normal,
      ...(labels && { labels: keptLabels }),
      ...(spacing && { spacing }),
    };
    return { item, place: { size, window, axes } };
  }
  if (spacing === undefined)
    throw new InvalidArgumentError("spacing", "spacing: missing; preparation.spacing resamples by it");
  if (target.length !== size.length)
    throw new InvalidArgumentError(
      "preparation.spacing",
      `preparation.spacing: expected ${size.length} numbers, one per axis, got ${target.length}`,
    );
  const coarse = [spacing, target].map(coarseAxis).find((axis) => axis !== undefined);
  const by = <T extends Interpolation>(usual: T): (T | "nearest")[] =>
    size.map((_, axis) => (axis === coarse ? "nearest" : usual));
  const to = resampledSize(window.size, spacing, target);
  const item = {
    ...rest,
    image: await resized(normal, to, by(interpolation)),
    ...(keptLabels && { labels: await resizedLabels(keptLabels, to, by("linear")) }),
    spacing: target,
  };
  return { item: item as DatasetImage, place: { size, window, axes: by("linear") } };
}

/** Returns the size of an image that is resampled from one spacing to another. */
export const resampledSize = (
  size: readonly number[],
  spacing: readonly number[],
  target: readonly number[],
): number[] => size.map((n, axis) => Math.max(1, Math.round((n * spacing[axis]!) / target[axis]!)));

/** Returns an image of another size; the same one where that is its own. */
async function resized(
  image: Tensor<"float32">,
  size: readonly number[],
  interpolation: readonly Interpolation[],
): Promise<Tensor<"float32">> {
  return sameDims(size, image.dims.slice(1)) ? image : resampleImage(image, { size, interpolation });
}

/** Does the same with a label map [...spatial]. */
async function resizedLabels(
  { type, dims, data }: Tensor<"uint8"> | Tensor<"int32">,
  size: readonly number[],
  interpolation: readonly ForLabels[],
): Promise<Tensor> {
  if (sameDims(size, dims)) return { type, dims, data } as Tensor;
  const planes = { type, dims: [1, ...dims], data } as Tensor<"uint8" | "int32">;
  const map = await resampleLabels(planes, { size, interpolation });
  return { ...map, dims: size } as Tensor;
}

/** Returns the axis whose spacing is more than three times that of another; none in most images. */
export function coarseAxis(spacing: readonly number[]): number | undefined {
  const most = Math.max(...spacing);
  return most > anisotropy * Math.min(...spacing) ? spacing.indexOf(most) : undefined;
}

/** Returns the smallest window of the pixels that are not 0 in some channel; all if there is none. */
export async function nonZeroWindow({ data, dims }: Tensor<"float32">): Promise<Window> {
  const size = dims.slice(1);
  const [pixels, width] = [elementCount(size), size.at(-1)!];
  const [first, last] = [size.map((n) => n), size.map(() => -1)];
  const widen = (axis: number, from: number, to: number): void => {
    if (from < first[axis]!) first[axis] = from;
    if (to > last[axis]!) last[axis] = to;
  };
  await inTurns(data.length, (begin, end) => {
    // Only the ends of a row that begins here are read, up to the first pixels that are not 0.
    for (let row = Math.ceil(begin / width) * width; row < end; row += width) {
      let [left, right] = [0, width - 1];
      while (left < width && data[row + left] === 0) left++;
      if (left === width) continue;
      while (data[row + right] === 0) right--;
      widen(size.length - 1, left, right);
      let rest = (row % pixels) / width;
      for (let axis = size.length - 2; axis >= 0; axis--) {
        const at = rest % size[axis]!;
        rest = (rest - at) / size[axis]!;
        widen(axis, at, at);
      }
    }
  });
  if (last[0] === -1) return { origin: size.map(() => 0), size };
  return { origin: first, size: last.map((n, axis) => n - first[axis]! + 1) };
}

/**
 * Returns probabilities [channels, ...] of a prepared case on the grid of the stored one: resampled linearly,
 * and beyond the part that was kept `outside` in channel 0 and 0 in the others: background by default, with 0
 * no region of sigmoid heads.
 */
export async function restoreProbabilities(
  probs: Tensor<"float32">,
  { size, window, axes }: CasePlace,
  outside: 0 | 1 = 1,
): Promise<Tensor<"float32">> {
  const resampled = await resized(probs, window.size, axes);
  if (sameDims(window.size, size)) return resampled;
  const classes = probs.dims[0]!;
  const out = zeros("float32", [classes, ...size]);
  const [part, all] = [elementCount(window.size), elementCount(size)];
  out.data.fill(outside, 0, all);
  const row = window.size.at(-1)!;
  for (let c = 0; c < classes; c++) {
    for (let from = 0; from < part; from += row) {
      let [rest, at, stride] = [from, 0, 1];
      for (let axis = size.length - 1; axis >= 0; axis--) {
        at += ((rest % window.size[axis]!) + window.origin[axis]!) * stride;
        rest = Math.floor(rest / window.size[axis]!);
        stride *= size[axis]!;
      }
      const begin = c * part + from;
      out.data.set(resampled.data.subarray(begin, begin + row), c * all + at);
    }
  }
  return tensor("float32", out.data, out.dims);
}
