import { basename } from "node:path";
import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import type { FileSource } from "../byte-source.js";
import { writeFileAtomic } from "../file.js";
import { defaultLimits } from "../limits.js";
import { segmentationWriter } from "./dicom/segmentation-writer.js";
import { checkSameGrid } from "./geometry.js";
import { metaImageWriter } from "./metaimage-writer.js";
import { niftiGrid } from "./nifti-geometry.js";
import { isNifti, type NiftiHeader, parseNiftiHeader } from "./nifti-header.js";
import { niftiWriter } from "./nifti-writer.js";
import { nrrdWriter } from "./nrrd-writer.js";
import { pngWriter } from "./png-writer.js";
import { hasEnding, withVolumeSource } from "./source.js";
import {
  checkVolume,
  type VolumeWriter,
  type WritableVolume,
  type WriteVolumeOptions,
} from "./volume-writer.js";

const volumeWriters: readonly VolumeWriter[] = [
  niftiWriter,
  nrrdWriter,
  metaImageWriter,
  pngWriter,
  segmentationWriter,
];

const names = optionNames<WriteVolumeOptions>({
  image: true,
  level: true,
  palette: true,
  channelAxis: true,
  segmentation: true,
});

/** Writes a volume in the format of its path; see writeVolume. */
export async function writeByFormat(
  path: string,
  volume: WritableVolume,
  options: WriteVolumeOptions = {},
): Promise<void> {
  checkOptions("options", options, names);
  const { level = 6, palette = false, channelAxis = "fourth", segmentation = "binary", image } = options;
  if (!(Number.isInteger(level) && level >= 1 && level <= 9))
    throw invalidArgument("level", "an integer from 1 to 9", level);
  if (typeof palette !== "boolean") throw invalidArgument("palette", "true or false", palette);
  if (channelAxis !== "fourth" && channelAxis !== "vector")
    throw invalidArgument("channelAxis", "fourth or vector", channelAxis);
  if (segmentation !== "binary" && segmentation !== "labelmap")
    throw invalidArgument("segmentation", "binary or labelmap", segmentation);
  const writer = volumeWriters.find(({ endings }) => hasEnding(path, endings));
  if (!writer) {
    const endings = volumeWriters.flatMap((each) => each.endings).join(", ");
    throw invalidArgument("path", `a name that ends in ${endings}`, basename(path));
  }
  checkVolume(volume);
  const settings = { path, level, palette, channelAxis, segmentation, image: undefined, series: undefined };
  if (image === undefined) return writeFileAtomic(path, writer.encode(volume, settings));
  if (writer === niftiWriter) {
    const header = await headerOf(image, path, volume);
    return writeFileAtomic(path, writer.encode(volume, { ...settings, image: header }));
  }
  if (writer !== segmentationWriter || typeof image !== "string")
    throw new InvalidArgumentError(
      "image",
      writer === segmentationWriter
        ? "image: expected the path of the DICOM series, a folder or a file"
        : `image: only NIfTI files keep an image's header, and DICOM segmentations refer to one, not ${writer.name}`,
    );
  await writeFileAtomic(path, writer.encode(volume, { ...settings, series: image }));
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
