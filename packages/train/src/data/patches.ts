import {
  checkOptions,
  type DataType,
  elementCount,
  invalidArgument,
  optionNames,
  type Random,
  sameDims,
  type Tensor,
  tensor,
  zeros,
} from "@pixelcal/core";
import { overlapRuns, tileStarts } from "../predict/tiles.js";
import type { DatasetCase, Window } from "./dataset-case.js";
import type { Locations } from "./foreground-locations.js";

/** The patches that a loader cuts from cases, at places drawn anew for every epoch. */
export interface PatchOptions {
  /** The size per spatial axis. A case that is smaller lies in the middle of its patches; see `padded`. */
  readonly size: readonly number[];
  /** The number of patches of an epoch, spread evenly over the cases; by default one of each case. */
  readonly perEpoch?: number;
  /**
   * The share of patches, from 0 (default) to 1, around a foreground pixel: a class of the case is drawn
   * first, then a pixel of it. The patches of a case without foreground lie anywhere.
   */
  readonly foreground?: number;
}

const names = optionNames<PatchOptions>({ size: true, perEpoch: true, foreground: true });

/** Throws InvalidArgumentError unless `patches` fits cases of `rank` spatial axes. */
export function checkPatches(patches: PatchOptions, rank: number): void {
  checkOptions("patches", patches, names);
  const { size, perEpoch, foreground = 0 } = patches;
  const fits =
    Array.isArray(size) && size.length === rank && size.every((n) => Number.isInteger(n) && n >= 1);
  if (!fits) throw invalidArgument("patches.size", `${rank} sizes of 1 or more`, size);
  if (perEpoch !== undefined && !(Number.isInteger(perEpoch) && perEpoch >= 1))
    throw invalidArgument("patches.perEpoch", "an integer of 1 or more", perEpoch);
  if (!(foreground >= 0 && foreground <= 1))
    throw invalidArgument("patches.foreground", "a share from 0 to 1", foreground);
}

/**
 * Draws a window of `size` in a case of `spatial` dims, which are no smaller: around one of `locations`, as
 * near as the border lets it, or without them every place equally likely.
 */
export function drawWindow(
  size: readonly number[],
  spatial: readonly number[],
  random: Random,
  locations: Locations = [],
): Window {
  if (locations.length === 0)
    return {
      size,
      origin: size.map((n, axis) => random.integer(spatial[axis]! - n + 1)),
    };
  const pixels = locations[random.integer(locations.length)]!;
  let at = pixels[random.integer(pixels.length)]!;
  const origin = size.map(() => 0);
  for (let axis = size.length - 1; axis >= 0; axis--) {
    const [n, extent] = [size[axis]!, spatial[axis]!];
    origin[axis] = Math.max(0, Math.min((at % extent) - (n >> 1), extent - n));
    at = Math.floor(at / extent);
  }
  return { size, origin };
}

/** Returns the window of `size` in whose middle a case of `spatial` dims lies. */
export const centredWindow = (size: readonly number[], spatial: readonly number[]): Window => ({
  size,
  origin: size.map((n, axis) => 0 - Math.floor((n - spatial[axis]!) / 2)),
});

/**
 * Returns the windows of `size` that cover a case of `spatial` dims, with as little overlap as that takes, in
 * the order of their first pixels.
 */
export function coveringWindows(size: readonly number[], spatial: readonly number[]): readonly Window[] {
  const starts = size.map((n, axis) => tileStarts(spatial[axis]!, n, 0));
  const origins = starts.reduce<number[][]>(
    (all, own) => all.flatMap((origin) => own.map((start) => [...origin, start])),
    [[]],
  );
  return origins.map((origin) => ({ origin, size }));
}

/**
 * Returns a copy of a window of a tensor's last axes; axes before those are kept. Pixels beyond the tensor
 * are `fill`.
 */
export function cut<T extends DataType>(
  { type, data, dims }: Tensor<T>,
  { origin, size }: Window,
  fill = 0,
): Tensor<T> {
  const leading = dims.slice(0, dims.length - size.length);
  const spatial = dims.slice(dims.length - size.length);
  const out = zeros(type, [...leading, ...size]);
  const [from, to] = [elementCount(spatial), elementCount(size)];
  // One element type at run time, which the compiler cannot see.
  const [source, target] = [data as Float32Array, out.data as Float32Array];
  if (fill !== 0) target.fill(fill);
  for (let n = 0; n < elementCount(leading); n++)
    overlapRuns(size, spatial, origin, (inWindow, inCase, length) => {
      const at = n * from + inCase;
      target.set(source.subarray(at, at + length), n * to + inWindow);
    });
  return out;
}

/** Returns a window of labels; beyond them it is `fill`, in a type that holds it. */
export function cutLabels(labels: DatasetCase["labels"], window: Window, fill = 0): DatasetCase["labels"] {
  const holds = labels.type === "int32" || (fill >= 0 && fill <= 255);
  const source = holds ? labels : tensor("int32", Int32Array.from(labels.data), labels.dims);
  return cut(source as Tensor, window, fill) as DatasetCase["labels"];
}

/**
 * Returns a window of a case: of its image, its labels and the further arrays that are spatial. Beyond the
 * case labels are `beyond`, the others 0.
 */
export function cutCase(item: DatasetCase, window: Window, beyond = 0): DatasetCase {
  const spatial = item.labels.dims;
  const cutSpatial = ([name, array]: [string, Tensor]): [string, Tensor] => {
    const ends = array.dims.slice(array.dims.length - spatial.length);
    return [name, sameDims(ends, spatial) ? cut(array, window) : array];
  };
  return {
    ...item,
    image: cut(item.image, window),
    labels: cutLabels(item.labels, window, beyond),
    extras: Object.fromEntries(Object.entries(item.extras).map(cutSpatial)),
  };
}
