import { InvalidArgumentError, sameDims } from "@pixelcal/core";
import type { EvaluationCase } from "../../evaluate.js";
import { predictedProbabilities, type ValueReading } from "../../predicted-probabilities.js";
import type { CaseArrays } from "./case-layers.js";
import { drawInThread } from "./draw-in-thread.js";
import type { CasePictures } from "./pictures.js";

/** The predictions of one case by one run or two, over the same labels, and its image. */
export interface PictureCase {
  readonly runs: readonly EvaluationCase[];
  /** The image [C, ...spatial], if known. */
  readonly image?: CaseArrays["image"];
}

/**
 * Draws the pictures of a case in a thread of its own: the slice with most errors, and a strip of slices
 * around it. Throws InvalidArgumentError if the runs' labels or the image have other sizes than the
 * predictions.
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
  return drawInThread({ name, labels, runs: probs, image, ignore: reading.ignore }, reading.signal);
}
