import type { CalibrationBins } from "@pixelcal/core";
import { nullBand } from "@pixelcal/evaluate";

/** The judgement of a window of cases. */
export interface Drift {
  /** The number of cases in the window. */
  readonly cases: number;
  /** The calibration error of the window: the pixels' mean of |confidence - accuracy - normal gap| by bin. */
  readonly error: number;
  /** The error that windows of as many cases exceed by chance with probability `1 - level`. */
  readonly bound: number;
  /** Whether the error is beyond the bound; undefined for fewer cases than can be judged. */
  readonly alarm: boolean | undefined;
}

export interface DriftOptions {
  /** The share of calibrated windows without an alarm; 0.99 by default. */
  readonly level?: number;
  readonly draws?: number;
  /** The bins of cases whose calibration is normal; without them, perfect calibration is. */
  readonly baseline?: CalibrationBins;
}

/** Fewer cases than this are too few to say. */
const fewest = 8;

/**
 * Judges a window of cases by its case-wise null band. The unit is the case: pixels of one case err together,
 * so that a band by pixels would alarm all the time. If nothing has changed, the residuals of a case
 * (confidence minus accuracy, less the normal gap, summed by bin) are as likely to have the other sign.
 * Flipping the signs of whole cases at random gives the errors that such windows show by chance.
 */
export async function judge(
  cases: readonly CalibrationBins[],
  { level = 0.99, draws = 999, baseline }: DriftOptions = {},
): Promise<Drift> {
  const residuals = cases.map((bins) => residualsOf(bins, baseline));
  const counts = sumOf(cases.map(({ count }) => count));
  const pixels = counts.reduce((sum, count) => sum + count, 0);
  const error = sumOf(residuals).reduce((sum, gap) => sum + Math.abs(gap), 0) / pixels;
  if (cases.length < fewest) return { cases: cases.length, error, bound: Number.NaN, alarm: undefined };
  const { bound } = await nullBand(residuals, counts, { level, draws });
  return { cases: cases.length, error, bound, alarm: error > bound };
}

/** Returns the sums of confidence minus accuracy by bin, less the sums that are normal for as many pixels. */
function residualsOf(bins: CalibrationBins, baseline: CalibrationBins | undefined): Float64Array {
  return bins.confidenceSum.map((confidence, bin) => {
    const normal = baseline === undefined ? 0 : gapOf(baseline, bin);
    return confidence - bins.accuracySum[bin]! - bins.count[bin]! * normal;
  });
}

function gapOf({ confidenceSum, accuracySum, count }: CalibrationBins, bin: number): number {
  return count[bin]! > 0 ? (confidenceSum[bin]! - accuracySum[bin]!) / count[bin]! : 0;
}

/** Returns the sums by bin over cases. */
function sumOf(rows: readonly Float64Array[]): Float64Array {
  const sums = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) for (let bin = 0; bin < sums.length; bin++) sums[bin]! += row[bin]!;
  return sums;
}
