import { callSync, native } from "../binding.js";
import { invalidArgument } from "../errors.js";
import { type CalibrationBins, checkBins } from "../kernels/bins.js";

/**
 * Returns the smooth calibration error (Blasiok and Nakkiran, ICLR 2024) of the bins of one group, of which
 * 2,048 are enough, so that neighbours of 4,096 are taken together: the width s at which the integral of
 * |sum (y - p) K_s(t, p)| / n over t in [0, 1] equals s, K_s the Gaussian that 0 and 1 reflect. Found to 1e-7
 * of itself; it has no bins to choose.
 *
 * All pixels of a bin lie at their mean p. A mass exactly on 0 or 1 counts in full; relplot's reflection
 * leaves the end nodes single and loses half of it. NaN without pixels.
 */
export function smoothCalibrationError(bins: CalibrationBins): number {
  checkBins("bins", bins);
  if (bins.groups !== 1)
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  const { count, confidenceSum: confidence, accuracySum: accuracy } = bins;
  return callSync(() =>
    native.smoothCalibrationErrorSync({ count, confidence, accuracy, total: bins.total[0]! }),
  );
}
