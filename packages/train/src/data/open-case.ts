import { sameDims, type Tensor } from "@pixelcal/core";
import type { DatasetCase, OpenCase, Window } from "./dataset-case.js";
import { cut, cutCase } from "./patches.js";

/** Returns a case in memory as one that is read in parts. */
export const caseInMemory = (item: DatasetCase): OpenCase => ({
  size: item.labels.dims,
  ...(item.spacing && { spacing: item.spacing }),
  part: async (window) => (sameDims(window.size, item.labels.dims) ? item : cutCase(item, window)),
  labels: async (window) =>
    window === undefined ? item.labels : (cut(item.labels as Tensor, window) as DatasetCase["labels"]),
  whole: async () => item,
});

/** Returns the part of a window that lies inside of a case of `spatial` dims, which it meets. */
export function inside({ origin, size }: Window, spatial: readonly number[]): Window {
  const first = origin.map((at) => Math.max(0, at));
  return {
    origin: first,
    size: size.map((n, axis) => Math.min(origin[axis]! + n, spatial[axis]!) - first[axis]!),
  };
}
