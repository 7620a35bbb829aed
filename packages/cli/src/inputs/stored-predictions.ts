import { findNnunetDataset } from "@pixelcal/evaluate";
import { nnunetPredictions, nnunetTarget } from "./nnunet-predictions.js";
import { ownPredictions } from "./own-predictions.js";
import type { LabelPlace, PredictionTarget, StoredPredictions } from "./prediction-types.js";
import { volumePredictions, volumeTarget } from "./volume-predictions.js";

/** Opens predictions with their labels: our own, read by `own`, or with `place` nnU-Net's or volumes. */
export function storedPredictions(
  folder: string,
  place: LabelPlace | undefined,
  own: Parameters<typeof ownPredictions>[1],
): Promise<StoredPredictions> {
  if (place === undefined) return ownPredictions(folder, own);
  return isNnunet(folder, place) ? nnunetPredictions(folder, place) : volumePredictions(folder, place);
}

/** Opens predictions to calibrate, of the layout of those fitted to; they need no labels. */
export async function predictionTarget(
  folder: string,
  place: LabelPlace | undefined,
  own: Parameters<typeof ownPredictions>[1],
): Promise<PredictionTarget> {
  if (place === undefined) return ownPredictions(folder, own);
  return isNnunet(folder, place) ? nnunetTarget(folder) : volumeTarget(folder, place);
}

const isNnunet = (folder: string, { dataset, labels }: LabelPlace): boolean =>
  (dataset ?? findNnunetDataset(folder, labels)) !== undefined;
