import { checkOptions, optionNames } from "@pixelcal/core";
import type { FileSource } from "../byte-source.js";
import { FormatError } from "../errors.js";
import { defaultLimits, type Limits } from "../limits.js";
import { longestArray } from "../regular-file.js";
import { metaImageReader } from "./metaimage.js";
import { niftiReader } from "./nifti.js";
import { nrrdReader } from "./nrrd.js";
import { npyReader, npzReader } from "./numpy.js";
import { pngReader } from "./png.js";
import { withVolumeSource } from "./source.js";
import { tiffReader } from "./tiff.js";
import type { Volume, VolumeOptions, VolumeReader } from "./volume.js";

/** The readers of all formats, in the order they are tried. */
const volumeReaders: readonly VolumeReader[] = [
  niftiReader,
  nrrdReader,
  metaImageReader,
  npyReader,
  npzReader,
  pngReader,
  tiffReader,
];

/**
 * The limits of volumes. Empty masks pack 1000:1, and whole bodies have a thousand slices, so any ratio is
 * accepted up to a GiB.
 */
const volumeLimits: Limits = { ...defaultLimits, ratioFloor: 2 ** 30 };

const names = optionNames<VolumeOptions>({ limits: true, source: true, spacingFrom: true, key: true });

/**
 * Reads an image or a label map with its geometry, from a path or from bytes. The first bytes decide the
 * format; if they fit none, the ending of the path does. Values are as stored, lengths in mm and directions
 * LPS. Throws FormatError with the file and, if one byte is at fault, its offset.
 */
export async function readVolume(source: FileSource, options: VolumeOptions = {}): Promise<Volume> {
  checkOptions("options", options, names);
  const { limits: given, source: name, ...rest } = options;
  const wanted = { ...volumeLimits, ...given };
  const limits = { ...wanted, maxOutput: Math.min(wanted.maxOutput, longestArray) };
  return withVolumeSource(source, name, limits, (opened) => {
    const { path } = opened;
    if (opened.bytes.size === 0) throw new FormatError(path, undefined, "is empty");
    const seen = volumeReaders.map((reader) => reader.sniff(opened.inner, path));
    const found = seen.indexOf("magic") >= 0 ? seen.indexOf("magic") : seen.indexOf("ending");
    const reader = volumeReaders[found];
    if (!reader) {
      const known = volumeReaders.map((each) => each.name).join(", ");
      throw new FormatError(path, undefined, `is none of the formats that are read: ${known} (at byte 0)`);
    }
    return reader.read(opened, { ...rest, limits });
  });
}
