import { stat } from "node:fs/promises";
import { checkOptions, checkSignal, invalidArgument, optionNames } from "@pixelcal/core";
import { bytesOf, type FileSource, sourcePath } from "../byte-source.js";
import { FormatError } from "../errors.js";
import { defaultLimits, type Limits } from "../limits.js";
import { longestArray } from "../regular-file.js";
import { dicomReader } from "./dicom/read-dicom.js";
import { folderFiles, readSeries } from "./dicom/series.js";
import { checkSameGrid } from "./geometry.js";
import { areMasks, readMasks } from "./mask-folder.js";
import { metaImageReader } from "./metaimage.js";
import { niftiReader } from "./nifti.js";
import { nrrdReader } from "./nrrd.js";
import { npyReader, npzReader } from "./numpy.js";
import { pngReader } from "./png.js";
import { withVolumeSource } from "./source.js";
import { tiffReader } from "./tiff.js";
import type { Grid, ReadSettings, Volume, VolumeOptions, VolumeReader } from "./volume.js";

/** The readers of all formats, in the order they are tried: the head of a TIFF may stand before DICOM's. */
const volumeReaders: readonly VolumeReader[] = [
  dicomReader,
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
 * accepted up to a GiB. Thousands of frames have tens of MiB of places.
 */
const volumeLimits: Limits = { ...defaultLimits, ratioFloor: 2 ** 30, maxIndex: 64 * 2 ** 20 };

const names = optionNames<VolumeOptions>({
  limits: true,
  source: true,
  spacingFrom: true,
  key: true,
  allowGaps: true,
  series: true,
  grid: true,
  signal: true,
});

/** Reads a volume by the first reader that knows it; see readVolume. */
export async function readByFormat(
  source: FileSource | readonly string[],
  options: VolumeOptions = {},
): Promise<Volume> {
  checkOptions("options", options, names);
  const { limits: given, source: name, signal, ...rest } = options;
  checkSignal(signal);
  const wanted = { ...volumeLimits, ...given };
  const limits = { ...wanted, maxOutput: Math.min(wanted.maxOutput, longestArray), signal };
  const settings = { ...rest, limits, ...(rest.grid && { grid: plainGridOf(rest.grid) }) };
  const read = isList(source) ? readList(source, settings) : readOne(source, name, settings);
  const volume = await read.catch((error: unknown) => {
    // A reader may have taken the end of its bytes for damage.
    signal?.throwIfAborted();
    throw error;
  });
  signal?.throwIfAborted();
  if (rest.grid)
    checkSameGrid(isList(source) ? source[0]! : sourcePath(source, name), volume, "grid", rest.grid);
  return volume;
}

/** Returns the grid alone: a volume is one too, and its values must not get into another. */
const plainGridOf = ({ shape, spacing, origin, direction }: Grid): Grid => ({
  shape,
  spacing,
  origin,
  direction,
});

const isList = (source: unknown): source is readonly string[] => Array.isArray(source);

function readList(files: readonly string[], settings: ReadSettings): Promise<Volume> {
  if (files.length === 0 || files.some((file) => typeof file !== "string"))
    throw invalidArgument("source", "paths of DICOM files, at least one", files);
  return readSeries(files[0]!, files, settings);
}

async function readOne(
  source: FileSource,
  name: string | undefined,
  settings: ReadSettings,
): Promise<Volume> {
  const place = sourcePath(source, name);
  if (bytesOf(source) === undefined && (await isFolder(place))) {
    const files = await folderFiles(place, settings.limits);
    if (!areMasks(files)) return readSeries(place, files, settings);
    return readMasks(place, files, (file) => readOne(file, undefined, settings));
  }
  return withVolumeSource(source, name, settings.limits, (opened) => {
    const { path } = opened;
    if (opened.bytes.size === 0) throw new FormatError(path, undefined, "is empty");
    const seen = volumeReaders.map((reader) => reader.sniff(opened.inner, path));
    const found = seen.indexOf("magic") >= 0 ? seen.indexOf("magic") : seen.indexOf("ending");
    const reader = volumeReaders[found];
    if (!reader) {
      const known = volumeReaders.map((each) => each.name).join(", ");
      throw new FormatError(path, undefined, `is none of the formats that are read: ${known} (at byte 0)`);
    }
    return reader.read(opened, settings);
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // The reader of files says what is wrong.
    return false;
  }
}
