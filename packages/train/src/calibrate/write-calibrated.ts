import { dirname, resolve } from "node:path";
import { inspectModel, OnnxFile } from "@pixelcal/graph";
import { writeFileAtomic } from "@pixelcal/io";
import { writeWithWeights } from "../model/onnx-file.js";

/**
 * Writes a calibrated model, and beside it copies of the files that hold its weights, if it is written into
 * another folder than the original's (`externalData`).
 */
export async function writeCalibrated(path: string, model: Uint8Array, externalData: string): Promise<void> {
  const file = new OnnxFile(model);
  const beside = resolve(dirname(path)) === resolve(externalData);
  if (beside || inspectModel(file).dataFiles.length === 0) await writeFileAtomic(path, model);
  else await writeWithWeights(path, file, {}, { externalData });
}
