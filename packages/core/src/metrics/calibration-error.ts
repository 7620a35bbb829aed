// Calibration errors as functions of bins. n is the number of pixels of the group; bin m has n_m pixels,
// their mean p is conf_m, and acc_m is the share of them whose label agrees. All errors are NaN when no pixel
// was counted.

import { checkBoolean, checkChoice } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import { binsOfClass, type CalibrationBins, checkBins, squaresOf } from "../kernels/bins.js";

/** A row of a reliability diagram; confidence and accuracy are NaN in an empty bin. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** The share of the group's pixels in this bin. */
  readonly share: number;
  readonly confidence: number;
  readonly accuracy: number;
}

/** Returns the reliability diagram of the bins of one group. */
export function reliability(bins: CalibrationBins): readonly ReliabilityBin[] {
  checkOneGroup(bins);
  return Array.from({ length: bins.bins }, (_, m) => rowOf(bins, m));
}

function checkOneGroup(bins: CalibrationBins): void {
  checkBins("bins", bins);
  if (bins.groups !== 1) {
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  }
}

function rowOf(bins: CalibrationBins, m: number): ReliabilityBin {
  const count = bins.count[m]!;
  return {
    low: bins.limits[m]!,
    high: bins.limits[m + 1]!,
    count,
    share: count / bins.total[0]!,
    confidence: bins.confidenceSum[m]! / count,
    accuracy: bins.accuracySum[m]! / count,
  };
}

/** Returns the ECE, sum_m (n_m / n) |acc_m - conf_m|; pixels in no bin (`dropped`) count in n only. */
export function expectedCalibrationError(bins: CalibrationBins): number {
  return total(bins, ({ share }, gap) => share * gap);
}

/** Returns the RMSCE, sqrt(sum_m (n_m / n) (acc_m - conf_m)^2), which is torchmetrics' norm "l2". */
export function rootMeanSquareCalibrationError(bins: CalibrationBins): number {
  return Math.sqrt(total(bins, ({ share }, gap) => share * gap * gap));
}

/** Returns the MCE, the largest |acc_m - conf_m| of a non-empty bin; NaN when all are empty. */
export function maximumCalibrationError(bins: CalibrationBins): number {
  const rows = filled(bins);
  return rows.reduce((largest, bin) => Math.max(largest, gapOf(bin)), rows.length > 0 ? 0 : Number.NaN);
}

/**
 * Returns the average (not adaptive) calibration error, the mean of |acc_m - conf_m| over non-empty bins; NaN
 * when all are empty.
 */
export function averageCalibrationError(bins: CalibrationBins): number {
  const rows = filled(bins);
  return rows.reduce((sum, bin) => sum + gapOf(bin), 0) / rows.length;
}

const classwiseNames = optionNames<{ readonly background?: boolean }>({ background: true });

/**
 * Returns the CECE, the mean ECE over the classes with any counted pixel; NaN when no class has one. The
 * paper sets the bins' `threshold` to 1e-3, which can leave a class without pixels.
 */
export function classwiseExpectedCalibrationError(
  bins: CalibrationBins,
  options: { readonly background?: boolean } = {},
): number {
  checkBins("bins", bins);
  checkOptions("options", options, classwiseNames);
  checkBoolean("background", options.background);
  if (bins.of !== "classes") throw invalidArgument("bins", 'bins of "classes"', bins.of);
  let sum = 0;
  let classes = 0;
  for (let c = options.background === false ? 1 : 0; c < bins.groups; c++) {
    if (!(bins.total[c]! > 0)) continue;
    sum += expectedCalibrationError(binsOfClass(bins, c));
    classes++;
  }
  return sum / classes;
}

/** The options of {@link pixelExpectedCalibrationError}. */
export interface PixelCalibrationErrorOptions {
  /** The weight w; default 2 as in the paper. With 0 the result is the ECE. */
  readonly falsePositiveWeight?: number;
  /**
   * The way the false-positive offset w f_m enters, where f_m is the mean p of the bin's pixels whose label
   * disagrees. `reference` (default): |conf_m - acc_m + w f_m|, where under-confidence cancels the offset;
   * `outside`: |conf_m - acc_m| + w f_m; `share-weighted`: |conf_m - acc_m + w f_m s_m| with s_m the share of
   * such pixels in the bin; `threshold`: as `reference`, but only in bins above `falsePositiveThreshold`;
   * `excess`: |conf_m - acc_m| + w max(0, e_m) with e_m the bin's mean of p (p - y), which is 0 at the truth.
   * No prediction has less `excess` than the truth; every other variant has such predictions. It needs bins
   * with `squares`.
   */
  readonly variant?: "reference" | "outside" | "share-weighted" | "threshold" | "excess";
  /** The limit of the bins from which variant "threshold" applies the offset; default 0.5. */
  readonly falsePositiveThreshold?: number;
}

const pixelNames = optionNames<PixelCalibrationErrorOptions>({
  falsePositiveWeight: true,
  variant: true,
  falsePositiveThreshold: true,
});

/**
 * Returns pECE = sum_m (n_m / n) |conf_m - acc_m + w f_m|, the pixel-wise expected calibration error (arXiv
 * 2503.05107, eq. 18). It is a score that penalises confident false positives, not a calibration error:
 * perfectly calibrated predictions do not give 0.
 */
export function pixelExpectedCalibrationError(
  bins: CalibrationBins,
  options: PixelCalibrationErrorOptions = {},
): number {
  checkBins("bins", bins);
  checkOptions("options", options, pixelNames);
  if (bins.of === "top-label") throw invalidArgument("bins", 'bins of "foreground" or of one class', bins.of);
  const { falsePositiveWeight, variant, falsePositiveThreshold } = pixelErrorOptions(options, bins.limits);
  if (variant === "excess") {
    const squares = squaresOf("bins", bins);
    return total(bins, ({ share, count }, gap, m) => {
      const ofHits = bins.confidenceSum[m]! - bins.falsePositiveSum[m]!;
      return share * (gap + falsePositiveWeight * Math.max(0, (squares[m]! - ofHits) / count));
    });
  }
  return total(bins, ({ share, low, count, confidence, accuracy }, gap, m) => {
    const misses = count - bins.accuracySum[m]!;
    const mean = misses > 0 ? bins.falsePositiveSum[m]! / misses : 0;
    const counted = variant !== "threshold" || low > falsePositiveThreshold - 1e-6;
    const offset = counted
      ? falsePositiveWeight * mean * (variant === "share-weighted" ? misses / count : 1)
      : 0;
    return share * (variant === "outside" ? gap + offset : Math.abs(confidence - accuracy + offset));
  });
}

/**
 * Returns the {@link pixelExpectedCalibrationError} of calibrated predictions with the same probabilities:
 * the part of a pECE that is no calibration error. With f_m = sum p (1 - p) / sum (1 - p) over the bin it is
 * sum_m (n_m / n) w f_m; 0 for `excess`. Needs bins with `squares`.
 */
export function calibratedPixelExpectedCalibrationError(
  bins: CalibrationBins,
  options: PixelCalibrationErrorOptions = {},
): number {
  checkBins("bins", bins);
  checkOptions("options", options, pixelNames);
  if (bins.of === "top-label") throw invalidArgument("bins", 'bins of "foreground" or of one class', bins.of);
  const { falsePositiveWeight, variant, falsePositiveThreshold } = pixelErrorOptions(options, bins.limits);
  const squares = squaresOf("bins", bins);
  return total(bins, ({ share, low, count, confidence }, _, m) => {
    const misses = count - bins.confidenceSum[m]!;
    const counted = variant !== "threshold" || low > falsePositiveThreshold - 1e-6;
    if (variant === "excess" || !counted || !(misses > 0)) return 0;
    const mean = (bins.confidenceSum[m]! - squares[m]!) / misses;
    return share * falsePositiveWeight * mean * (variant === "share-weighted" ? 1 - confidence : 1);
  });
}

/**
 * Returns the mean of p minus the share of pixels whose label agrees, over the pixels in bins; above 0 for
 * too much confidence. NaN without any.
 */
export function overconfidence(bins: CalibrationBins): number {
  const rows = filled(bins);
  const pixels = rows.reduce((sum, { count }) => sum + count, 0);
  return rows.reduce((sum, bin) => sum + bin.count * (bin.confidence - bin.accuracy), 0) / pixels;
}

/**
 * Returns the options with their defaults filled in; throws on invalid values, and on a threshold that is no
 * limit of `bins`.
 */
export function pixelErrorOptions(
  options: PixelCalibrationErrorOptions,
  limits: Float64Array,
): Required<PixelCalibrationErrorOptions> {
  const { falsePositiveWeight = 2, variant = "reference", falsePositiveThreshold = 0.5 } = options;
  if (!(Number.isFinite(falsePositiveWeight) && falsePositiveWeight >= 0)) {
    throw invalidArgument("falsePositiveWeight", "a number of at least 0", falsePositiveWeight);
  }
  checkChoice("variant", variant, ["reference", "outside", "share-weighted", "threshold", "excess"]);
  if (!Number.isFinite(falsePositiveThreshold)) {
    throw invalidArgument("falsePositiveThreshold", "a finite number", falsePositiveThreshold);
  }
  if (variant === "threshold" && !limits.some((limit) => Math.abs(limit - falsePositiveThreshold) < 1e-6)) {
    throw invalidArgument("falsePositiveThreshold", "a limit of the bins", falsePositiveThreshold);
  }
  // Only variant "threshold" reads the threshold, so all others get the same value.
  return {
    falsePositiveWeight,
    variant,
    falsePositiveThreshold: variant === "threshold" ? falsePositiveThreshold : 0.5,
  };
}

function gapOf({ confidence, accuracy }: ReliabilityBin): number {
  return Math.abs(accuracy - confidence);
}

// A case has many errors: the rows of a diagram are made for bins with pixels alone, and not kept in arrays
// where a sum will do.
function filled(bins: CalibrationBins): readonly ReliabilityBin[] {
  checkOneGroup(bins);
  const rows: ReliabilityBin[] = [];
  for (let m = 0; m < bins.bins; m++) if (bins.count[m]! > 0) rows.push(rowOf(bins, m));
  return rows;
}

function total(bins: CalibrationBins, term: (bin: ReliabilityBin, gap: number, m: number) => number): number {
  checkOneGroup(bins);
  if (!(bins.total[0]! > 0)) return Number.NaN;
  let sum = 0;
  for (let m = 0; m < bins.bins; m++) {
    if (!(bins.count[m]! > 0)) continue;
    const row = rowOf(bins, m);
    sum += term(row, gapOf(row), m);
  }
  return sum;
}
