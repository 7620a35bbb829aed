import { setImmediate as nextTurn } from "node:timers/promises";
import type { Tensor } from "@pixelcal/core";
import { FormatError } from "../errors.js";
import { checkSameGrid } from "../volume/geometry.js";
import { labelTensor } from "../volume/label-tensor.js";
import { readVolume } from "../volume/read-volume.js";
import type { Volume } from "../volume/volume.js";
import type { ImageCase, ReadImageOptions } from "./image-case.js";
import { readLabelMap } from "./read-label-map.js";
import { readMaskVolumes } from "./read-mask-volumes.js";

/** The number of values converted before other work on the event loop gets its turn. */
const turn = 2 ** 20;

/**
 * Reads volumes on one grid as the channels of an image, scaled as their files say, and their labels, if
 * there are any: a label map, or with `masks` files of one mask a region, or one file of all. Throws
 * FormatError naming both files of different grids.
 */
export async function readVolumeCase(
  images: readonly string[],
  labels: readonly string[],
  { masks, signal }: Omit<ReadImageOptions, "extras"> = {},
): Promise<ImageCase> {
  let first: Volume | undefined;
  const parts: Float32Array[] = [];
  for (const path of images) {
    const volume = await readVolume(path, { signal });
    if (first) checkSameGrid(path, volume, images[0]!, first);
    first ??= volume;
    parts.push(await scaledValues(volume));
  }
  if (!first) throw new FormatError("images", undefined, "needs at least one image");
  const { shape, spacing, origin, direction } = first;
  const grid = { shape, spacing, origin, direction };
  const spatial = [...shape].reverse();
  const pixels = spatial.reduce((a, b) => a * b, 1);
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  const data = parts.length === 1 ? parts[0]! : new Float32Array(total);
  if (parts.length > 1)
    for (let i = 0, at = 0; i < parts.length; at += parts[i++]!.length) data.set(parts[i]!, at);
  const image: Tensor<"float32"> = { type: "float32", dims: [total / pixels, ...spatial], data };
  const found = { image, spacing: [...spacing].reverse(), grid, extras: {} };
  const [path, ...more] = labels;
  if (path === undefined) return found;
  const place = { path: images[0]!, grid };
  if (masks !== undefined)
    return { ...found, labels: await readMaskVolumes(labels, place, masks, { signal }) };
  if (more.length > 0)
    throw new FormatError(
      path,
      "labels",
      `is one of ${labels.length} files; masks need dataset.regions without labels`,
    );
  return { ...found, labels: await labelTensor(path, await readLabelMap(path, place, { signal })) };
}

async function scaledValues({ data, scaled }: Volume): Promise<Float32Array> {
  const { slope, inter } = scaled ?? { slope: 1, inter: 0 };
  if (data instanceof Float32Array && !scaled) return data;
  const out = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += turn) {
    const until = Math.min(data.length, from + turn);
    for (let i = from; i < until; i++) out[i] = Number(data[i]) * slope + inter;
    if (until < data.length) await nextTurn();
  }
  return out;
}
