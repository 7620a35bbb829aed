import { sameDims } from "@pixelcal/core";
import type { DatasetCase, OpenCase, Window } from "./dataset-case.js";
import { centredWindow, cutCase, cutLabels } from "./patches.js";

/** Returns a case in memory as one that is read in parts. */
export const caseInMemory = (item: DatasetCase): OpenCase => ({
  size: item.labels.dims,
  ...(item.spacing && { spacing: item.spacing }),
  part: async (window) => (sameDims(window.size, item.labels.dims) ? item : cutCase(item, window)),
  labels: async (window) => (window === undefined ? item.labels : cutLabels(item.labels, window)),
  whole: async () => item,
});

/**
 * Returns a case as one of at least `least` pixels per axis. It lies in the middle; beyond it images, which
 * are normalised, and further arrays are 0 and labels `beyond`: what nnU-Net and MONAI put there, where a
 * border that goes on would make up labels.
 */
export function padded(source: OpenCase, least: readonly number[], beyond = 0): OpenCase {
  const size = source.size.map((n, axis) => Math.max(n, least[axis]!));
  if (sameDims(size, source.size)) return source;
  const all = centredWindow(size, source.size);
  // Some pixels are read also where a window lies beyond the case: what the case holds is known from them.
  const within = ({ origin, size }: Window): readonly [read: Window, rest: Window] => {
    const read = inside({ origin: origin.map((at, axis) => at + all.origin[axis]!), size }, source.size);
    return [read, { origin: origin.map((at, axis) => at + all.origin[axis]! - read.origin[axis]!), size }];
  };
  const labels = async (window: Window): Promise<DatasetCase["labels"]> => {
    const [read, rest] = within(window);
    return cutLabels(await source.labels(read), rest, beyond);
  };
  const part = async (window: Window): Promise<DatasetCase> => {
    const [read, rest] = within(window);
    return cutCase(await source.part(read), rest, beyond);
  };
  const everything = { origin: size.map(() => 0), size };
  return {
    size,
    ...(source.spacing && { spacing: source.spacing }),
    part,
    labels: async (window) => labels(window ?? everything),
    whole: async () => cutCase(await source.whole(), all, beyond),
  };
}

/**
 * Returns the part of a window that lies inside of a case of `spatial` dims; along an axis on which it does
 * not meet the case, the nearest pixel.
 */
function inside({ origin, size }: Window, spatial: readonly number[]): Window {
  const first = origin.map((at, axis) => Math.min(Math.max(0, at), spatial[axis]! - 1));
  return {
    origin: first,
    size: size.map((n, axis) => Math.max(1, Math.min(origin[axis]! + n, spatial[axis]!) - first[axis]!)),
  };
}

/** Returns the part of a window of a `padded` case of `size` that the case of `spatial` dims fills. */
export function caseWithin(window: Window, size: readonly number[], spatial: readonly number[]): Window {
  const first = centredWindow(size, spatial).origin.map((at, axis) => window.origin[axis]! + at);
  const { origin, size: kept } = inside({ origin: first, size: window.size }, spatial);
  return { origin: origin.map((at, axis) => at - first[axis]!), size: kept };
}
