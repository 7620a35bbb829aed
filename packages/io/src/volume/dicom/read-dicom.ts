import { FormatError } from "../../errors.js";
import { hasEnding, type VolumeSource } from "../source.js";
import type { ReadSettings, Volume, VolumeReader } from "../volume.js";
import { isContours, readContours } from "./contours.js";
import type { DataSet } from "./data-set.js";
import { bareEncoding, type DicomFile, hasPreamble, readDicomFile } from "./dicom-file.js";
import { readImage } from "./image.js";
import { isSegmentation, readSegmentation } from "./segmentation.js";
import { tags } from "./tags.js";

/** Reads what a DICOM file holds, by its kind. Throws FormatError. */
export async function readDicom(file: DicomFile, settings: ReadSettings): Promise<Volume> {
  const { dataSet, path } = file;
  if (isDirectory(dataSet))
    throw new FormatError(path, undefined, "is a DICOMDIR, an index; give the folder of a series");
  if (isContours(dataSet)) return readContours(file, settings);
  if (isSegmentation(dataSet)) return readSegmentation(file, settings);
  return readImage(file, settings);
}

/** Returns whether a file lists others: a DICOMDIR has records in place of pixels. */
export const isDirectory = (dataSet: DataSet): boolean =>
  dataSet.element(tags.directoryRecords) !== undefined;

async function readSource({ path, bytes, gzip }: VolumeSource, settings: ReadSettings): Promise<Volume> {
  if (gzip) throw new FormatError(path, undefined, "is a DICOM file within gzip; unpack it first");
  return readDicom(await readDicomFile(path, bytes, settings.limits), settings);
}

export const dicomReader: VolumeReader = {
  name: "DICOM",
  sniff(bytes, path) {
    if (hasPreamble(bytes)) return "magic";
    const named = hasEnding(path, [".dcm", ".dicom", ".ima"]);
    return named || bareEncoding(bytes) ? "ending" : undefined;
  },
  read: readSource,
};
