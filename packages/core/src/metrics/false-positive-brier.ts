import { checkOptions, optionNames } from "../check-options.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { type CalibrationBins, checkBins, squaresOf } from "../kernels/bins.js";
import { type PixelCalibrationErrorOptions, pixelErrorOptions } from "./calibration-error.js";

/** The options of {@link falsePositiveBrierScore}. */
export type FalsePositiveBrierOptions = Omit<PixelCalibrationErrorOptions, "variant">;

const names = optionNames<FalsePositiveBrierOptions>({
  falsePositiveWeight: true,
  falsePositiveThreshold: true,
});

/**
 * Returns fpBrier, the mean over pixels of (p - y)^2 plus, with w = `falsePositiveWeight` (2) and
 * t = `falsePositiveThreshold` (0.5), w (max(p, t)^2 - t^2) where y = 0 and w (1 - max(p, t))^2 where y = 1.
 * The score weighs confident false positives as pECE means to, and is strictly proper: the truth alone makes
 * it smallest.
 *
 * Takes bins of "foreground" or of one class that hold every pixel, have t among their limits, and `squares`;
 * from those it is exact, whatever the number of bins. NaN without pixels.
 */
export function falsePositiveBrierScore(
  bins: CalibrationBins,
  options: FalsePositiveBrierOptions = {},
): number {
  checkBins("bins", bins);
  checkOptions("options", options, names);
  if (bins.of === "top-label" || bins.groups !== 1) {
    throw invalidArgument("bins", 'bins of "foreground" or of one class', `${bins.groups} of ${bins.of}`);
  }
  if (!holdsAll(bins)) {
    throw new InvalidArgumentError(
      "bins",
      "bins: leave pixels out; expected bins with includeLowest and without a threshold",
    );
  }
  const { falsePositiveWeight: w, falsePositiveThreshold: t } = pixelErrorOptions(
    { ...options, variant: "threshold" },
    bins.limits,
  );
  const squares = squaresOf("bins", bins);
  let sum = 0;
  for (let m = 0; m < bins.bins; m++) {
    const hits = bins.accuracySum[m]!;
    const ofHits = bins.confidenceSum[m]! - bins.falsePositiveSum[m]!;
    const errors = squares[m]! - 2 * ofHits + hits;
    // In a bin all p are on one side of t.
    sum +=
      bins.limits[m]! > t - 1e-6
        ? (1 + w) * errors - w * t * t * (bins.count[m]! - hits)
        : errors + w * (1 - t) ** 2 * hits;
  }
  return sum / bins.total[0]!;
}

/** Returns whether no pixel was left out of the bins by its probability. */
function holdsAll({ threshold, includeLowest, edges }: CalibrationBins): boolean {
  return threshold < 0 && (includeLowest || edges === "left-closed");
}
