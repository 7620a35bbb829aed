import type { BinOptions, CalibrationBins, OverlapCounts } from "@pixelcal/core";
import { numbersOf } from "./numbers-of.js";
import type { RingSums } from "./ring-sums.js";

/** The number of bins of the sums that are kept by case. */
export const keptBins = 15;

/** The histograms of a case from which every later figure is made, whatever the bins of the table. */
export const keptLayouts: readonly BinOptions[] = [
  { bins: keptBins, of: "top-label" },
  { bins: keptBins, of: "classes" },
];

/** The sums over one case's pixels by bin of confidence p: equal widths, right-closed, p = 0 in the first. */
export interface BinSums {
  /** The number of pixels. */
  readonly count: readonly number[];
  /** The sums of p. */
  readonly confidence: readonly number[];
  /** The numbers of pixels whose label agrees. */
  readonly accuracy: readonly number[];
  /** The sums of p over the pixels whose label disagrees. */
  readonly falsePositive: readonly number[];
}

/** The numbers of pixels by class, class 0 first. */
export interface ClassSizes {
  readonly truth: readonly number[];
  readonly predicted: readonly number[];
  /** The pixels of the class in both masks. */
  readonly both: readonly number[];
}

/** The sums of one case: with them no figure over cases needs its pixels again. */
export interface CaseSums {
  readonly topLabel: BinSums;
  /** The sums of every class against the rest, class 0 first. */
  readonly classes: readonly BinSums[];
  readonly sizes: ClassSizes;
  /** The sums by signed distance to the predicted boundary. */
  readonly boundary?: RingSums;
}

/** Returns the sums of a case from its histograms of {@link keptLayouts}, overlaps by class and rings. */
export function caseSums(
  topLabel: CalibrationBins,
  classes: CalibrationBins,
  overlaps: readonly OverlapCounts[],
  boundary: RingSums,
): CaseSums {
  return {
    topLabel: binSums(topLabel, 0),
    classes: Array.from({ length: classes.groups }, (_, c) => binSums(classes, c)),
    sizes: {
      truth: overlaps.map(({ truePositive, falseNegative }) => truePositive + falseNegative),
      predicted: overlaps.map(({ truePositive, falsePositive }) => truePositive + falsePositive),
      both: overlaps.map(({ truePositive }) => truePositive),
    },
    boundary,
  };
}

function binSums(bins: CalibrationBins, group: number): BinSums {
  const part = (sums: Float64Array): readonly number[] =>
    numbersOf(sums, group * bins.bins, (group + 1) * bins.bins);
  return {
    count: part(bins.count),
    confidence: part(bins.confidenceSum),
    accuracy: part(bins.accuracySum),
    falsePositive: part(bins.falsePositiveSum),
  };
}
