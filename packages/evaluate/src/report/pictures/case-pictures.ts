import { InvalidArgumentError, sameDims } from "@pixelcal/core";
import { type Colour, encodePng } from "@pixelcal/io";
import type { EvaluationCase } from "../../evaluate.js";
import { predictedProbabilities, type ValueReading } from "../../predicted-probabilities.js";
import { type CaseArrays, type CaseLayers, caseLayers, coarse, slicesOf } from "./case-layers.js";
import { confidenceColours, errorKinds } from "./colours.js";
import { contourPath } from "./contours.js";
import { shrunk } from "./shrink.js";
import { type SliceStrip, sliceStrip } from "./slices.js";

/** The pictures of one case: PNG files in base64 and contours as SVG paths. */
export interface CasePictures {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** The slice shown, and the number of slices of the case. */
  readonly slice: number;
  readonly depth: number;
  readonly image?: string;
  readonly truth: string;
  readonly runs: readonly RunPictures[];
  /** The number of classes, which gives the least confidence. */
  readonly classes: number;
  readonly slices?: SliceStrip;
}

export interface RunPictures {
  readonly contour: string;
  readonly confidence: string;
  readonly errors: string;
  /** The kinds of errors that the picture shows, as indices of `errorKinds`. */
  readonly kinds: readonly number[];
}

/** The longest side of a picture in pixels. */
const longestSide = 320;

/** The predictions of one case by one run or two, over the same labels, and its image. */
export interface PictureCase {
  readonly runs: readonly EvaluationCase[];
  /** The image [C, ...spatial], if known. */
  readonly image?: CaseArrays["image"];
}

/**
 * Draws the pictures of a case: the slice with most errors, and a strip of slices around it. Throws
 * InvalidArgumentError if the runs' labels or the image have other sizes than the predictions.
 */
export async function casePictures(
  { runs, image }: PictureCase,
  reading: ValueReading = {},
): Promise<CasePictures> {
  const { name, labels } = runs[0]!;
  const refuse = (what: string, cause?: Error): never => {
    throw new InvalidArgumentError(name, `${name}: ${what}`, { cause });
  };
  for (const { probs } of runs)
    if (!sameDims(probs.dims.slice(1), labels.dims))
      refuse(`probs: expected shape [${labels.dims}] to match labels, got [${probs.dims.slice(1)}]`);
  if (image && !sameDims(image.dims.slice(1), labels.dims))
    refuse(`image: expected shape [${labels.dims}] to match labels, got [${image.dims.slice(1)}]`);
  const probs = await Promise.all(
    runs.map((run) =>
      predictedProbabilities(run.probs, labels, reading, (what, cause) => refuse(`probs: ${what}`, cause)),
    ),
  );
  return picturesOf({ name, labels, runs: probs, image, ignore: reading.ignore });
}

async function picturesOf(arrays: CaseArrays): Promise<CasePictures> {
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
