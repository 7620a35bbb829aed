import { checkPositive } from "../check.js";
import { checkedCounts, type OverlapCounts } from "./overlap.js";

/** The volumes of a region, in the units of the pixel's volume. */
export interface RegionVolumes {
  readonly predicted: number;
  readonly truth: number;
  /** The predicted volume minus the true one. */
  readonly difference: number;
  /** The difference as a share of the true volume: NaN if both are 0, Infinity if only the true one is. */
  readonly relativeDifference: number;
}

/** Returns the volumes of a region of which `pixelVolume` (default 1) is the size of a pixel. */
export function regionVolumes(counts: OverlapCounts, pixelVolume = 1): RegionVolumes {
  const { truePositive, falsePositive, falseNegative } = checkedCounts(counts);
  checkPositive("pixelVolume", pixelVolume);
  const predicted = (truePositive + falsePositive) * pixelVolume;
  const truth = (truePositive + falseNegative) * pixelVolume;
  const difference = predicted - truth;
  return { predicted, truth, difference, relativeDifference: difference / truth };
}
