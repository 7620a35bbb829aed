import { InvalidArgumentError, sameDims, type Tensor, tensor, zeros } from "@pixelcal/core";
import type { DatasetImage } from "../data/dataset-case.js";
import type { Preparation } from "../preparation/preparation.js";
import { type CasePlace, prepareCase, restoreProbabilities } from "../preparation/prepare-case.js";
import { Ensemble } from "./ensemble.js";
import { type PredictOptions, type ProbabilityModel, predict } from "./predict.js";
import { type LabelMap, type PredictLabelsOptions, predictLabels } from "./predict-labels.js";
import { overlapRuns } from "./tiles.js";

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
  const probs = await predict(model, item.image, options);
  return restoreProbabilities(probs, place, model.activation === "sigmoid" ? 0 : 1);
}

/** Tells whether `predictCaseLabels` takes these models: those of one preparation. */
export const predictsLabels = (models: readonly PreparedModel[]): boolean =>
  models.every(({ preparation }) => JSON.stringify(preparation) === JSON.stringify(models[0]!.preparation));

/**
 * Returns the label map of a case as it is stored, without holding its probabilities; background outside of
 * the part that the preparation keeps. Throws as `predictLabels` does, and for models that `predictsLabels`
 * refuses.
 */
export async function predictCaseLabels(
  models: readonly PreparedModel[],
  { image, spacing }: Pick<DatasetImage, "image" | "spacing">,
  options: PredictLabelsOptions,
): Promise<LabelMap> {
  if (!predictsLabels(models))
    throw new InvalidArgumentError("models", "models: label maps need models of one preparation");
  const model = models.length === 1 ? models[0]!.model : new Ensemble(models.map((each) => each.model));
  const { preparation } = models[0]!;
  if (preparation === undefined) return predictLabels(model, image, options);
  const stored = { image, ...(spacing && { spacing }), extras: {} };
  const { item, place } = await prepareCase(stored, preparation);
  const grid = { size: place.window.size, interpolation: place.axes };
  const part = await predictLabels(model, item.image, { ...options, grid });
  return sameDims(place.window.size, place.size) ? part : pasted(part, place);
}

function pasted(part: LabelMap, { size, window }: CasePlace): LabelMap {
  const map = zeros(part.type, size) as LabelMap;
  const whole = window.origin.map((n) => -n);
  overlapRuns(size, window.size, whole, (inMap, inPart, length) =>
    map.data.set(part.data.subarray(inPart, inPart + length), inMap),
  );
  return map;
}
