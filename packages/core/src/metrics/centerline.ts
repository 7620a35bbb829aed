import { call, native } from "../binding.js";
import { checkInteger } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import type { SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Labels } from "../tensor.js";
import { lesionRequest } from "./lesions.js";

export interface CenterlineOptions extends SignalOption {
  readonly classes: number;
  /** The regions, each a set of classes; default every class but 0 by itself. */
  readonly regions?: readonly (readonly number[])[];
  /** The label of pixels that are in no region. */
  readonly ignore?: number;
}

const names = optionNames<CenterlineOptions>({ classes: true, regions: true, ignore: true, signal: true });

/** The pixels of the centrelines of a region in one image, and those that the other map has in the region. */
export interface CenterlineCounts {
  readonly predicted: number;
  readonly predictedShared: number;
  readonly truth: number;
  readonly truthShared: number;
}

/**
 * Counts the centrelines of regions of label maps `[N, ...spatial]`, for each image one result per region. A
 * centreline is the skeleton of clDice's authors (Shit et al., CVPR 2021: what an opening removes from each
 * erosion) on masks, with as many iterations as the mask has layers.
 */
export async function centerlineCounts(
  predicted: Labels,
  labels: Labels,
  options: CenterlineOptions,
): Promise<readonly (readonly CenterlineCounts[])[]> {
  checkOptions("options", options, names);
  const request = lesionRequest(predicted, labels, options);
  const counts = await call(native.centerlines, request, options.signal);
  const { batch, regions } = request;
  return Array.from({ length: batch }, (_, image) =>
    regions.map((_, region) => {
      const at = 4 * (image * regions.length + region);
      return centerlineOf(counts.subarray(at, at + 4));
    }),
  );
}

/** @internal Returns the counts of one region. */
export function centerlineOf(counts: Float64Array): CenterlineCounts {
  const [predicted = 0, predictedShared = 0, truth = 0, truthShared = 0] = counts;
  return { predicted, predictedShared, truth, truthShared };
}

/**
 * Returns clDice, the harmonic mean of the share of the predicted centreline inside the true region and that
 * of the true centreline inside the predicted one. NaN if both regions are empty, 0 if one is.
 */
export function centerlineDice(counts: CenterlineCounts): number {
  if (typeof counts !== "object" || counts === null)
    throw invalidArgument("counts", "counts returned by centerlineCounts", counts);
  for (const name of ["predicted", "predictedShared", "truth", "truthShared"] as const)
    checkInteger(`counts.${name}`, counts[name], 0, Number.MAX_SAFE_INTEGER);
  const { predicted, predictedShared, truth, truthShared } = counts;
  if (predicted === 0 && truth === 0) return Number.NaN;
  if (predicted === 0 || truth === 0) return 0;
  const [precision, sensitivity] = [predictedShared / predicted, truthShared / truth];
  return precision + sensitivity > 0 ? (2 * precision * sensitivity) / (precision + sensitivity) : 0;
}
