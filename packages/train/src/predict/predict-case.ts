import { type Tensor, tensor } from "@pixelcal/core";
import { normalizeImage } from "../preparation/normalize.js";
import type { Preparation } from "../preparation/preparation.js";
import { type PredictOptions, type ProbabilityModel, predict } from "./predict.js";

/** A model and the way in which its images are prepared; as stored by default. */
export interface PreparedModel {
  readonly model: ProbabilityModel;
  readonly preparation?: Preparation;
}

/**
 * Returns class probabilities [classes, ...spatial] of an image [C, ...spatial] as it is stored: the mean
 * over the models, at least one, each of which gets the image prepared in its own way. Throws
 * `InvalidArgumentError` for an image or options that do not fit.
 */
export async function predictCase(
  models: readonly PreparedModel[],
  image: Tensor<"float32">,
  options: PredictOptions = {},
): Promise<Tensor<"float32">> {
  let sum: Tensor<"float32"> | undefined;
  for (const { model, preparation } of models) {
    const prepared = preparation ? await normalizeImage(image, preparation.normalization) : image;
    const probs = await predict(model, prepared, options);
    if (sum === undefined) sum = probs;
    else for (let i = 0; i < probs.data.length; i++) sum.data[i]! += probs.data[i]!;
  }
  if (models.length > 1) for (let i = 0; i < sum!.data.length; i++) sum!.data[i]! /= models.length;
  return tensor("float32", sum!.data, sum!.dims);
}
