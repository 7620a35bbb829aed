import type { Region, Tensor } from "@pixelcal/core";
import { type MaskFolder, openMaskFolder } from "@pixelcal/evaluate";
import { storedMasks } from "@pixelcal/io";
import { CommandError } from "../command-error.js";
import { wide } from "./nnunet-predictions.js";
import { hardLabels, type LabelPlace, type StoredPredictions } from "./prediction-types.js";

/**
 * Opens predicted heads beside masks. Throws `CommandError` for options of label maps, and for predictions
 * without probabilities.
 */
export async function openMasks(folder: string, place: LabelPlace): Promise<MaskFolder> {
  const { labels, spacingFrom, dataset, reorient } = place;
  const needless = dataset === undefined ? (reorient ? "--reorient" : undefined) : "--dataset";
  if (needless !== undefined)
    throw new CommandError(`${needless}: is for label maps, and the regions have masks of their own`, {
      exitCode: 2,
    });
  const opened = await openMaskFolder({ predictions: folder, labels, spacingFrom });
  if (!opened.probabilities) throw hardLabels(folder);
  return opened;
}

/** Opens predicted heads beside masks, to calibrate. */
export async function maskPredictions(
  folder: string,
  place: LabelPlace,
  regions: readonly Region[],
  ignore: number | undefined,
): Promise<StoredPredictions> {
  const { cases, missing, read } = await openMasks(folder, place);
  const masks = storedMasks(regions, ignore)!;
  return {
    layout: `predictions of masks with probabilities, ${cases.length} cases, regions ${masks.names.join(", ")}`,
    names: cases.filter((name) => !missing.includes(name)),
    missing,
    async read(name) {
      const { probs, labels, spacing } = await read(name, masks);
      return {
        probabilities: wide(probs as Tensor<"float32"> | Tensor<"float16">),
        labels,
        ...(spacing && { spacing }),
      };
    },
  };
}
