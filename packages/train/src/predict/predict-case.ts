import { type Tensor, tensor } from "@pixelcal/core";
import type { DatasetImage } from "../data/dataset-case.js";
import type { Preparation } from "../preparation/preparation.js";
import { prepareCase, restoreProbabilities } from "../preparation/prepare-case.js";
import { type PredictOptions, type ProbabilityModel, predict } from "./predict.js";

/** A model and the way in which its images are prepared; as stored by default. */
export interface PreparedModel {
  readonly model: ProbabilityModel;
  readonly preparation?: Preparation;
}

/**
 * Returns class probabilities [classes, ...spatial] of a case as it is stored, on its own grid: the mean over
 * the models, at least one, each of which gets the case prepared in its own way. Throws
 * `InvalidArgumentError` for an image or options that do not fit.
 */
export async function predictCase(
  models: readonly PreparedModel[],
  stored: Pick<DatasetImage, "image" | "spacing">,
  options: PredictOptions = {},
): Promise<Tensor<"float32">> {
  let sum: Tensor<"float32"> | undefined;
  for (const { model, preparation } of models) {
    const probs = await predictOne(model, preparation, stored, options);
    if (sum === undefined) sum = probs;
    else for (let i = 0; i < probs.data.length; i++) sum.data[i]! += probs.data[i]!;
  }
  if (models.length > 1) for (let i = 0; i < sum!.data.length; i++) sum!.data[i]! /= models.length;
  return tensor("float32", sum!.data, sum!.dims);
}

async function predictOne(
  model: ProbabilityModel,
  preparation: Preparation | undefined,
  { image, spacing }: Pick<DatasetImage, "image" | "spacing">,
  options: PredictOptions,
): Promise<Tensor<"float32">> {
  if (preparation === undefined) return predict(model, image, options);
  const { item, place } = await prepareCase({ image, ...(spacing && { spacing }), extras: {} }, preparation);
  return restoreProbabilities(await predict(model, item.image, options), place);
}
