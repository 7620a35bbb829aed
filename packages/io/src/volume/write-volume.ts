import { basename } from "node:path";
import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import type { FileSource } from "../byte-source.js";
import { writeFileAtomic } from "../file.js";
import { defaultLimits } from "../limits.js";
import { checkSameGrid } from "./geometry.js";
import { metaImageWriter } from "./metaimage-writer.js";
import { niftiGrid } from "./nifti-geometry.js";
import { isNifti, type NiftiHeader, parseNiftiHeader } from "./nifti-header.js";
import { niftiWriter } from "./nifti-writer.js";
import { nrrdWriter } from "./nrrd-writer.js";
import { pngWriter } from "./png-writer.js";
import { hasEnding, withVolumeSource } from "./source.js";
import { checkVolume, type VolumeWriter, type WritableVolume, type WriteSettings } from "./volume-writer.js";

const volumeWriters: readonly VolumeWriter[] = [niftiWriter, nrrdWriter, metaImageWriter, pngWriter];

export interface WriteVolumeOptions {
  /**
   * The NIfTI image on whose grid the volume lies: the new file keeps its qform, sform, codes, pixdim and
   * unit bit for bit, so that viewers place both alike.
   */
  readonly image?: FileSource;
  /** The deflate level, 1 (fast) to 9 (small), of formats that pack; default 6. */
  readonly level?: number;
  /** Whether PNG labels get a palette, one colour a class, so that viewers show them; default false. */
  readonly palette?: boolean;
  /**
   * The axis of channels in NIfTI: `fourth` (default), as 3D Slicer and FSL expect probabilities, or
   * `vector`, the fifth with the intent of vectors, as ITK expects them.
   */
  readonly channelAxis?: WriteSettings["channelAxis"];
}

const names = optionNames<WriteVolumeOptions>({ image: true, level: true, palette: true, channelAxis: true });

/**
 * Writes an image, a label map or probabilities with their geometry, atomically; the ending of the path
 * decides the format: .nii, .nii.gz, .nrrd, .seg.nrrd (with 3D Slicer's names and colours of segments), .mha,
 * .png. `readVolume` returns what was written. Throws InvalidArgumentError, before anything is written, for
 * what the format cannot hold, FormatError for an `image` on another grid.
 */
export async function writeVolume(
  path: string,
  volume: WritableVolume,
  options: WriteVolumeOptions = {},
): Promise<void> {
  checkOptions("options", options, names);
  const { level = 6, palette = false, channelAxis = "fourth", image } = options;
  if (!(Number.isInteger(level) && level >= 1 && level <= 9))
    throw invalidArgument("level", "an integer from 1 to 9", level);
  if (typeof palette !== "boolean") throw invalidArgument("palette", "true or false", palette);
  if (channelAxis !== "fourth" && channelAxis !== "vector")
    throw invalidArgument("channelAxis", "fourth or vector", channelAxis);
  const writer = volumeWriters.find(({ endings }) => hasEnding(path, endings));
  if (!writer) {
    const endings = volumeWriters.flatMap((each) => each.endings).join(", ");
    throw invalidArgument("path", `a name that ends in ${endings}`, basename(path));
  }
  checkVolume(volume);
  if (image !== undefined && writer !== niftiWriter)
    throw new InvalidArgumentError(
      "image",
      `image: only NIfTI files keep an image's header, not ${writer.name}`,
    );
  const header = image === undefined ? undefined : await headerOf(image, path, volume);
  await writeFileAtomic(path, writer.encode(volume, { path, level, palette, channelAxis, image: header }));
}

function headerOf(image: FileSource, path: string, volume: WritableVolume): Promise<NiftiHeader> {
  return withVolumeSource(image, "image", defaultLimits, async ({ path: imagePath, inner }) => {
    if (!isNifti(inner)) throw new InvalidArgumentError("image", `image: ${imagePath} is not a NIfTI file`);
    const header = parseNiftiHeader(imagePath, inner);
    const { grid } = niftiGrid(imagePath, header.dims.slice(0, 3), header, {});
    checkSameGrid(path, volume, imagePath, grid);
    return header;
  });
}
