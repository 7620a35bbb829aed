import type { Labels } from "@pixelcal/core";
import { FormatError } from "../errors.js";
import { MaskSums, packMasks, type StoredMasks } from "../masks.js";
import { readVolume } from "../volume/read-volume.js";
import type { Volume } from "../volume/volume.js";
import { readLabelMap } from "./read-label-map.js";

/**
 * Reads masks of regions as `packMasks` returns them: from one file with a channel for each, or from a file
 * for each. Throws FormatError naming both files of different grids.
 */
export async function readMaskVolumes(
  paths: readonly string[],
  image: Parameters<typeof readLabelMap>[1],
  masks: StoredMasks,
  options: Parameters<typeof readLabelMap>[2],
): Promise<Labels> {
  const [first = ""] = paths;
  const { names } = masks;
  const spatial = [...image.grid.shape].reverse();
  const read = async (path: string): Promise<Volume> => {
    const volume = await readLabelMap(path, image, options);
    const { scaled } = volume;
    if (scaled) throw new FormatError(path, "labels", `are scaled by ${scaled.slope} and ${scaled.inter}`);
    return volume;
  };
  if (paths.length === 1) {
    const { type, data, channels = 1 } = await read(first);
    const tensor = { type, data, dims: [channels, ...spatial] } as Parameters<typeof packMasks>[2];
    return packMasks(first, "labels", tensor, spatial, masks, options.signal);
  }
  if (paths.length !== names.length) {
    const files = `${names.length} files (${names.join(", ")}), or one of all masks`;
    throw new FormatError(first, "labels", `expected ${files}, got ${paths.length}`);
  }
  const sums = new MaskSums(
    masks,
    spatial.reduce((a, b) => a * b, 1),
  );
  for (const path of paths) {
    const { data, channels } = await read(path);
    if (channels !== undefined)
      throw new FormatError(path, "labels", `expected one value per voxel, got ${channels} channels`);
    await sums.add(path, "labels", data, options.signal);
  }
  return sums.labels(spatial);
}

/** Returns the number of masks that files of labels hold; 0 for a label map and for no file. */
export async function volumeMaskCount(paths: readonly string[]): Promise<number> {
  const [path, ...more] = paths;
  if (path === undefined) return 0;
  return more.length > 0 ? paths.length : ((await readVolume(path)).channels ?? 0);
}
