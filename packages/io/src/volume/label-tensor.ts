import { setImmediate as nextTurn } from "node:timers/promises";
import type { Labels } from "@pixelcal/core";
import { FormatError } from "../errors.js";
import { toLabels } from "../stored-labels.js";
import type { Volume } from "./volume.js";

/** The number of values converted before other work on the event loop gets its turn. */
const turn = 2 ** 20;

/**
 * Returns the labels of a label map, [...shape reversed] (z, y, x). Floating-point labels, which MONAI
 * writes, must be whole. Throws FormatError for channels, scaling and values that are no labels.
 */
export async function labelTensor(path: string, volume: Volume): Promise<Labels> {
  const { type, data, shape, channels, scaled } = volume;
  const dims = [...shape].reverse();
  if (channels !== undefined)
    throw new FormatError(
      path,
      "labels",
      `expected one value per voxel, got ${channels} channels; masks need dataset.regions without labels`,
    );
  if (scaled) throw new FormatError(path, "labels", `are scaled by ${scaled.slope} and ${scaled.inter}`);
  if (!(data instanceof Float32Array || data instanceof Float64Array))
    return toLabels({ type, dims, data } as Parameters<typeof toLabels>[0], path, "labels");
  const whole = new Int32Array(data.length);
  for (let from = 0; from < data.length; from += turn) {
    const until = Math.min(data.length, from + turn);
    for (let i = from; i < until; i++) {
      whole[i] = data[i]!;
      if (whole[i] !== data[i])
        throw new FormatError(path, "labels", `expected whole numbers, got ${data[i]} at voxel ${i}`);
    }
    if (until < data.length) await nextTurn();
  }
  return { type: "int32", dims, data: whole };
}
