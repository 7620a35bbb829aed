import type { FileSource } from "../byte-source.js";
import type { Volume, VolumeOptions } from "./volume.js";

/**
 * Reads an image or a label map with its geometry, from a path or from bytes; slices of a DICOM series from
 * their folder or a list of paths; a folder of masks, one a class, as a label map. The first bytes decide the
 * format; if they fit none, the ending of the path does. Values are as stored, lengths in mm and directions
 * LPS. Throws FormatError with the file and, if one byte is at fault, its offset.
 */
export async function readVolume(
  source: FileSource | readonly string[],
  options: VolumeOptions = {},
): Promise<Volume> {
  // The readers are half of this package: a program that reads no volume does not load them.
  const { readByFormat } = await import("./volume-readers.js");
  return readByFormat(source, options);
}
