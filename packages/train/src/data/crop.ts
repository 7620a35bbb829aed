import {
  type DataType,
  elementCount,
  invalidArgument,
  type Random,
  sameDims,
  type Tensor,
  zeros,
} from "@pixelcal/core";
import { overlapRuns } from "../predict/tiles.js";
import type { DatasetCase } from "./dataset.js";

/** A part of a case: its first pixel and its size, per spatial axis. */
export interface Window {
  readonly origin: readonly number[];
  readonly size: readonly number[];
}

/** Throws InvalidArgumentError unless `crop` has a size of 1 or more for each of `rank` spatial axes. */
export function checkCrop(crop: readonly number[], rank: number): void {
  const fits =
    Array.isArray(crop) && crop.length === rank && crop.every((n) => Number.isInteger(n) && n >= 1);
  if (!fits) throw invalidArgument("crop", `${rank} sizes of 1 or more`, crop);
}

/**
 * Draws a window of `size` in a case of `spatial` dims, every place equally likely. Throws
 * InvalidArgumentError naming `source` where the case is smaller.
 */
export function drawWindow(
  size: readonly number[],
  spatial: readonly number[],
  random: Random,
  source: string,
): Window {
  if (size.some((n, axis) => n > spatial[axis]!))
    throw invalidArgument("crop", `sizes of at most [${spatial}], the size of ${source}`, `[${size}]`);
  return { size, origin: size.map((n, axis) => random.integer(spatial[axis]! - n + 1)) };
}

/** Returns a copy of a window of a tensor's last axes; axes before those are kept. */
export function cut<T extends DataType>(
  { type, data, dims }: Tensor<T>,
  { origin, size }: Window,
): Tensor<T> {
  const leading = dims.slice(0, dims.length - size.length);
  const spatial = dims.slice(dims.length - size.length);
  const out = zeros(type, [...leading, ...size]);
  const [from, to] = [elementCount(spatial), elementCount(size)];
  // One element type at run time, which the compiler cannot see.
  const [source, target] = [data as Float32Array, out.data as Float32Array];
  for (let n = 0; n < elementCount(leading); n++) {
    overlapRuns(size, spatial, origin, (inWindow, inCase, length) => {
      const at = n * from + inCase;
      target.set(source.subarray(at, at + length), n * to + inWindow);
    });
  }
  return out;
}

/** Returns a window of a case: of its image, its labels and the further arrays that are spatial. */
export function cutCase(item: DatasetCase, window: Window): DatasetCase {
  const spatial = item.labels.dims;
  const cutSpatial = ([name, array]: [string, Tensor]): [string, Tensor] => {
    const ends = array.dims.slice(array.dims.length - spatial.length);
    return [name, sameDims(ends, spatial) ? cut(array, window) : array];
  };
  return {
    ...item,
    image: cut(item.image, window),
    labels: cut(item.labels as Tensor, window) as DatasetCase["labels"],
    extras: Object.fromEntries(Object.entries(item.extras).map(cutSpatial)),
  };
}
