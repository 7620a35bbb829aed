import { type Colour, encodePng } from "@pixelcal/io";
import { type CaseArrays, type CaseLayers, caseLayers, coarse, slicesOf } from "./case-layers.js";
import { confidenceColours, errorKinds } from "./colours.js";
import { contourPath } from "./contours.js";
import type { CasePictures } from "./pictures.js";
import { shrunk } from "./shrink.js";
import { sliceStrip } from "./slices.js";

/** The longest side of a picture in pixels. */
const longestSide = 320;

/** Draws the pictures of a case from its arrays, on the calling thread. */
export async function drawCase(arrays: CaseArrays): Promise<CasePictures> {
  const full = caseLayers(arrays);
  const slice = worstSlice(full);
  const { width, height, truth, image, predicted, confidence } = shrunk(
    slicesOf(full, slice, 1),
    longestSide,
  );
  const kinds = predicted.map((labels) => errorsOf(truth, labels, arrays.ignore));
  const colours = errorKinds.map(({ colour }) => colour);
  return {
    name: arrays.name,
    width,
    height,
    slice,
    depth: full.depth,
    classes: Math.max(2, arrays.runs[0]!.dims[0]!),
    truth: contourPath({ width, height, labels: truth }),
    ...(image && { image: await base64Png(coarse(image, 4), width, height) }),
    runs: await Promise.all(
      predicted.map(async (labels, run) => ({
        contour: contourPath({ width, height, labels }),
        confidence: await base64Png(coarse(confidence[run]!, 4), width, height, confidenceColours),
        errors: await base64Png(kinds[run]!, width, height, colours),
        kinds: [...new Set(kinds[run])].sort((a, b) => a - b),
      })),
    ),
    ...(full.depth > 1 && { slices: await sliceStrip(full, slice) }),
  };
}

async function base64Png(
  pixels: Uint8Array,
  width: number,
  height: number,
  colours?: readonly Colour[],
): Promise<string> {
  return Buffer.from(await encodePng(pixels, width, height, { colours })).toString("base64");
}

/** Returns the slice with the most wrong pixels over all runs; the middle one if there are none. */
export function worstSlice({ depth, width, height, truth, predicted, ignore }: CaseLayers): number {
  const plane = width * height;
  let [worst, most] = [Math.floor(depth / 2), 0];
  for (let z = 0; z < depth; z++) {
    let wrong = 0;
    for (const labels of predicted)
      for (let i = z * plane; i < (z + 1) * plane; i++)
        if (truth[i] !== ignore && labels[i] !== truth[i]) wrong++;
    if (wrong > most) [worst, most] = [z, wrong];
  }
  return worst;
}

/** Returns the kind of every pixel, as indices of `errorKinds`. */
export function errorsOf(truth: Uint8Array, predicted: Uint8Array, ignore?: number): Uint8Array {
  return truth.map((label, i) => {
    const found = predicted[i]!;
    if (label === ignore) return 5;
    if (label === found) return label === 0 ? 0 : 1;
    if (label === 0) return 2;
    return found === 0 ? 3 : 4;
  });
}
