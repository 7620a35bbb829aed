import { checkSameGrid } from "../volume/geometry.js";
import { readVolume } from "../volume/read-volume.js";
import type { Grid, Volume, VolumeOptions } from "../volume/volume.js";

/** The endings of files whose slices or contours have a place only on the grid of their image. */
const partial = /\.(dcm|dicom)$/i;

/**
 * Reads a label map that belongs to an image. A DICOM segmentation holds some slices and contours none, so
 * they are read on the image's grid. Throws FormatError naming both files of different grids, unless
 * `turned` says that the axes may differ.
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
  const labels = await readVolume(path, partial.test(path) ? { ...options, grid } : options);
  if (!turned) checkSameGrid(path, labels, image.path, grid);
  return labels;
}
