// Calibration errors as functions of bins. With n the pixels of the group and, per bin m, n_m pixels, conf_m their mean
// p and acc_m the share of them whose label agrees. All are NaN when no pixel was counted.

import { checkBoolean, checkChoice } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import { type CalibrationBins, checkBins } from "../kernels/bins.js";
import { binsOfClass } from "../kernels/calibration-bins.js";

/** One row of a reliability diagram; confidence and accuracy are NaN in an empty bin. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Of all pixels of the group. */
  readonly share: number;
  readonly confidence: number;
  readonly accuracy: number;
}

/** The reliability diagram of bins of one group. */
export function reliability(bins: CalibrationBins): readonly ReliabilityBin[] {
  checkBins("bins", bins);
  if (bins.groups !== 1) {
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  }
  return Array.from(bins.count, (count, m) => ({
    low: bins.limits[m]!,
    high: bins.limits[m + 1]!,
    count,
    share: count / bins.total[0]!,
    confidence: bins.confidenceSum[m]! / count,
    accuracy: bins.accuracySum[m]! / count,
  }));
}

/** ECE = sum_m (n_m / n) |acc_m - conf_m|; pixels in no bin (`dropped`) count in n only. */
export function expectedCalibrationError(bins: CalibrationBins): number {
  return total(bins, ({ share }, gap) => share * gap);
}

/** RMSCE = sqrt(sum_m (n_m / n) (acc_m - conf_m)^2), torchmetrics' norm "l2". */
export function rootMeanSquareCalibrationError(bins: CalibrationBins): number {
  return Math.sqrt(total(bins, ({ share }, gap) => share * gap * gap));
}

/** MCE, the largest |acc_m - conf_m| of a non-empty bin; NaN when there is none. */
export function maximumCalibrationError(bins: CalibrationBins): number {
  return filled(bins).reduce(
    (largest, bin) => Math.max(largest, gapOf(bin)),
    filled(bins).length > 0 ? 0 : Number.NaN,
  );
}

/** Average (not adaptive) calibration error: the mean of |acc_m - conf_m| over non-empty bins; NaN when there is none. */
export function averageCalibrationError(bins: CalibrationBins): number {
  const rows = filled(bins);
  return rows.reduce((sum, bin) => sum + gapOf(bin), 0) / rows.length;
}

const classwiseNames = optionNames<{ readonly background?: boolean }>({ background: true });

/**
 * CECE, the mean of the classes' ECE over the classes with any counted pixel, NaN when there is none. The paper's has a
 * bin `threshold` of 1e-3, which is also what leaves classes without pixels.
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
  /** w; default 2, the paper's. 0 gives the ECE. */
  readonly falsePositiveWeight?: number;
  /**
   * How the false-positive offset w f_m enters, f_m being the mean p of the bin's pixels whose label does not agree:
   * `reference` (default), |conf_m - acc_m + w f_m|, where under-confidence cancels it; `outside`, |conf_m - acc_m| + w f_m;
   * `share-weighted`, |conf_m - acc_m + w f_m s_m| with s_m the share of such pixels in the bin; `threshold`, as
   * reference, but only in bins above `falsePositiveThreshold`.
   */
  readonly variant?: "reference" | "outside" | "share-weighted" | "threshold";
  /** For variant "threshold": one of the bins' limits; default 0.5. */
  readonly falsePositiveThreshold?: number;
}

const pixelNames = optionNames<PixelCalibrationErrorOptions>({
  falsePositiveWeight: true,
  variant: true,
  falsePositiveThreshold: true,
});

/**
 * pECE = sum_m (n_m / n) |conf_m - acc_m + w f_m|, the pixel-wise expected calibration error (arXiv 2503.05107, eq. 18).
 * A score that penalises confident false positives, not a calibration error: perfectly calibrated predictions do not give 0.
 */
export function pixelExpectedCalibrationError(
  bins: CalibrationBins,
  options: PixelCalibrationErrorOptions = {},
): number {
  checkBins("bins", bins);
  checkOptions("options", options, pixelNames);
  if (bins.of === "top-label") throw invalidArgument("bins", 'bins of "foreground" or of one class', bins.of);
  const { falsePositiveWeight, variant, falsePositiveThreshold } = pixelErrorOptions(options, bins.limits);
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

/** Returns the options with their defaults filled in; throws on wrong values, also for bins of these limits. */
export function pixelErrorOptions(
  options: PixelCalibrationErrorOptions,
  limits: Float64Array,
): Required<PixelCalibrationErrorOptions> {
  const { falsePositiveWeight = 2, variant = "reference", falsePositiveThreshold = 0.5 } = options;
  if (!(Number.isFinite(falsePositiveWeight) && falsePositiveWeight >= 0)) {
    throw invalidArgument("falsePositiveWeight", "a number of at least 0", falsePositiveWeight);
  }
  checkChoice("variant", variant, ["reference", "outside", "share-weighted", "threshold"]);
  if (!Number.isFinite(falsePositiveThreshold)) {
    throw invalidArgument("falsePositiveThreshold", "a finite number", falsePositiveThreshold);
  }
  if (variant === "threshold" && !limits.some((limit) => Math.abs(limit - falsePositiveThreshold) < 1e-6)) {
    throw invalidArgument("falsePositiveThreshold", "a limit of the bins", falsePositiveThreshold);
  }
  // The others do not read it, so that any is the same.
  return {
    falsePositiveWeight,
    variant,
    falsePositiveThreshold: variant === "threshold" ? falsePositiveThreshold : 0.5,
  };
}

function gapOf({ confidence, accuracy }: ReliabilityBin): number {
  return Math.abs(accuracy - confidence);
}

function filled(bins: CalibrationBins): readonly ReliabilityBin[] {
  return reliability(bins).filter(({ count }) => count > 0);
}

function total(bins: CalibrationBins, term: (bin: ReliabilityBin, gap: number, m: number) => number): number {
  const rows = reliability(bins);
  if (!(bins.total[0]! > 0)) return Number.NaN;
  return rows.reduce((sum, bin, m) => (bin.count > 0 ? sum + term(bin, gapOf(bin), m) : sum), 0);
}
