import type { Region, Tensor } from "@pixelcal/core";
import { type MaskFolder, openMaskFolder } from "@pixelcal/evaluate";
import { storedMasks } from "@pixelcal/io";
import { CommandError } from "../command-error.js";
import { wide } from "./nnunet-predictions.js";
import type { LabelPlace, StoredPredictions } from "./prediction-types.js";

/** Opens predicted heads beside a folder of masks. Throws `CommandError` for options of label maps. */
export function openMasks(folder: string, place: LabelPlace): Promise<MaskFolder> {
  const { labels, spacingFrom, dataset, reorient } = place;
  const needless = dataset === undefined ? (reorient ? "--reorient" : undefined) : "--dataset";
  if (needless !== undefined)
    throw new CommandError(`${needless}: is for label maps, and the regions have masks of their own`, {
      exitCode: 2,
    });
  return openMaskFolder({ predictions: folder, labels, spacingFrom });
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
