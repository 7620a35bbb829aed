import type { WritableVolume, WriteVolumeOptions } from "./volume-writer.js";

/**
 * Writes an image, a label map or probabilities with their geometry, atomically; the ending of the path
 * decides the format: .nii, .nii.gz, .nrrd, .seg.nrrd (with 3D Slicer's names and colours of segments), .mha,
 * .png, .dcm (a DICOM segmentation). `readVolume` returns what was written. Throws InvalidArgumentError,
 * before anything is written, for what the format cannot hold, FormatError for an `image` on another grid.
 */
export async function writeVolume(
  path: string,
  volume: WritableVolume,
  options: WriteVolumeOptions = {},
): Promise<void> {
  // The writers are loaded when one is needed, as the readers are.
  const { writeByFormat } = await import("./volume-writers.js");
  return writeByFormat(path, volume, options);
}
