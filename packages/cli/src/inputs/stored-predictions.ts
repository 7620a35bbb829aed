import type { Region } from "@pixelcal/core";
import { findNnunetDataset } from "@pixelcal/evaluate";
import { haveMasks, listFolder } from "@pixelcal/io";
import { maskPredictions } from "./mask-predictions.js";
import { nnunetPredictions, nnunetTarget } from "./nnunet-predictions.js";
import { besideHeads, ownPredictions } from "./own-predictions.js";
import type { LabelPlace, PredictionTarget, StoredPredictions } from "./prediction-types.js";
import { volumePredictions, volumeTarget } from "./volume-predictions.js";

/** The regions of the channels, if they are heads, and the label of pixels without a ground truth. */
export interface RegionReading {
  readonly regions: readonly Region[] | undefined;
  readonly ignore: number | undefined;
}

const ownReading = ({ regions, ignore }: RegionReading): Parameters<typeof ownPredictions>[1] =>
  regions && besideHeads(regions, ignore);

/** Opens predictions with their labels: our own, or with `place` heads beside masks, nnU-Net's or volumes. */
export function storedPredictions(
  folder: string,
  place: LabelPlace | undefined,
  reading: RegionReading,
): Promise<StoredPredictions> {
  if (place === undefined) return ownPredictions(folder, ownReading(reading));
  const { regions, ignore } = reading;
  if (regions !== undefined && haveMasks(regions)) return maskPredictions(folder, place, regions, ignore);
  return isNnunet(folder, place) ? nnunetPredictions(folder, place) : volumePredictions(folder, place);
}

/** Opens predictions to calibrate, of the layout of those fitted to; they need no labels. */
export async function predictionTarget(
  folder: string,
  place: LabelPlace | undefined,
  reading: RegionReading,
): Promise<PredictionTarget> {
  if (place === undefined) return ownPredictions(folder, ownReading(reading));
  const asArchives = haveMasks(reading.regions)
    ? (await listFolder(folder)).files.some((file) => file.endsWith(".npz"))
    : isNnunet(folder, place);
  return asArchives ? nnunetTarget(folder) : volumeTarget(folder, place);
}

const isNnunet = (folder: string, { dataset, labels }: LabelPlace): boolean =>
  (dataset ?? findNnunetDataset(folder, labels)) !== undefined;
