import { checkSameGrid } from "../volume/geometry.js";
import { readVolume } from "../volume/read-volume.js";
import { sliceOf } from "../volume/slice-of.js";
import type { Grid, Volume, VolumeOptions } from "../volume/volume.js";

/** The endings of files whose slices or contours have a place only on the grid of their image. */
const partial = /\.(dcm|dicom)$/i;

/**
 * Reads a label map that belongs to an image. A DICOM segmentation holds some slices and contours none, so
 * they are read on the image's grid; one slice is a label map of an image. Throws FormatError naming both
 * files of different grids, unless `turned` says that the axes may differ.
 */
export async function readLabelMap(
  path: string,
  image: { readonly path: string; readonly grid: Grid },
  {
    turned = false,
    ...options
  }: Pick<VolumeOptions, "spacingFrom" | "signal"> & { readonly turned?: boolean },
): Promise<Volume> {
  const { shape, spacing, origin, direction } = image.grid;
  const grid = { shape, spacing, origin, direction };
  const stored = await readVolume(path, partial.test(path) ? { ...options, grid } : options);
  const labels = sliceOf(stored, shape.length);
  if (!turned) checkSameGrid(path, labels, image.path, grid);
  return labels;
}
