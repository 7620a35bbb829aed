import { encodePng } from "@pixelcal/io";
import { type CaseLayers, coarse, slicesOf } from "./case-layers.js";
import { shrunk } from "./shrink.js";

/**
 * Slices of a case in one grey PNG: a row of tiles for each slice, from left to right the image (if known)
 * and for every run its confidence and its labels, 16 times the true plus the predicted label.
 */
export interface SliceStrip {
  readonly png: string;
  readonly width: number;
  readonly height: number;
  /** The index in the case of the strip's first slice, and the number of its slices. */
  readonly first: number;
  readonly count: number;
  readonly image: boolean;
  readonly runs: number;
}

const mostSlices = 24;

/** The bytes of one strip that 12 cases of a report can afford. */
const mostBytes = 150_000;

/** Packs up to 24 slices around `centre`, at the largest size whose bytes a report can afford. */
export async function sliceStrip(layers: CaseLayers, centre: number): Promise<SliceStrip> {
  const count = Math.min(layers.depth, mostSlices);
  const first = Math.min(Math.max(0, centre - (count >> 1)), layers.depth - count);
  const shown = slicesOf(layers, first, count);
  for (const side of [192, 160, 128, 96]) {
    const strip = await packedStrip(shrunk(shown, side), first);
    if (strip.png.length <= (mostBytes * 4) / 3) return strip;
  }
  return packedStrip(shrunk(shown, 64), first);
}

async function packedStrip(layers: CaseLayers, first: number): Promise<SliceStrip> {
  const { width, height, depth, image, truth, predicted, confidence } = layers;
  const codes = predicted.map((labels) => labels.map((label, i) => 16 * (truth[i]! & 15) + (label & 15)));
  const runs = predicted.flatMap((_, run) => [coarse(confidence[run]!, 8), codes[run]!]);
  const tiles = image ? [coarse(image, 8), ...runs] : runs;
  const stride = tiles.length * width;
  const pixels = new Uint8Array(stride * height * depth);
  for (const [tile, values] of tiles.entries())
    for (let row = 0; row < depth * height; row++)
      pixels.set(values.subarray(row * width, (row + 1) * width), row * stride + tile * width);
  const png = Buffer.from(await encodePng(pixels, stride, height * depth)).toString("base64");
  return { png, width, height, first, count: depth, image: image !== undefined, runs: predicted.length };
}
