import { invalidArgument } from "../errors.js";
import { type CalibrationBins, checkBins } from "../kernels/bins.js";

/** The result of {@link smoothCalibrationError}. */
export interface SmoothCalibrationError {
  /** The smECE. */
  readonly error: number;
  /** The residual smoothed at the width `error`, over the middles of equal parts of [0, 1]. */
  readonly residual: Float64Array;
}

const points = 2048;

/**
 * Returns the smooth calibration error (Blasiok and Nakkiran, ICLR 2024) of the bins of one group, of which
 * 2,048 are enough: the width s at which the integral of |sum (y - p) K_s(t, p)| / n over t in [0, 1] equals
 * s, K_s the Gaussian that 0 and 1 reflect. Found by bisection to 1e-10; it has no bins to choose.
 *
 * All pixels of a bin lie at their mean p. A mass exactly on 0 or 1 counts in full; relplot's reflection
 * leaves the end nodes single and loses half of it. NaN without pixels.
 */
export function smoothCalibrationError(bins: CalibrationBins): SmoothCalibrationError {
  checkBins("bins", bins);
  if (bins.groups !== 1)
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  const transform = cosineTransform(bins);
  if (!(bins.total[0]! > 0))
    return { error: Number.NaN, residual: new Float64Array(points).fill(Number.NaN) };
  let [low, high] = [0, 1];
  let residual = smoothed(transform, 1);
  while (high - low > 1e-10) {
    const width = (low + high) / 2;
    const at = smoothed(transform, width);
    if (integral(at) > width) low = width;
    else {
      high = width;
      residual = at;
    }
  }
  return { error: high, residual };
}

/**
 * Returns sum_i (y_i - p_i) cos(k pi p_i) / n for every k: cosines are what reflection at 0 and 1 leaves as
 * they are, and the Gaussian only scales them.
 */
function cosineTransform(bins: CalibrationBins): Float64Array {
  const sums = new Float64Array(points);
  for (let m = 0; m < bins.bins; m++) {
    const count = bins.count[m]!;
    if (!(count > 0)) continue;
    const mass = (bins.accuracySum[m]! - bins.confidenceSum[m]!) / bins.total[0]!;
    addCosines(Math.min(1, bins.confidenceSum[m]! / count), mass, sums);
  }
  return sums;
}

// By cos((k + 1) a) = 2 cos a cos(k a) - cos((k - 1) a), begun anew before rounding adds up.
function addCosines(place: number, mass: number, sums: Float64Array): void {
  const angle = Math.PI * place;
  const twice = 2 * Math.cos(angle);
  for (let start = 0; start < sums.length; start += 64) {
    let [before, now] = [Math.cos((start - 1) * angle), Math.cos(start * angle)];
    for (let k = start; k < start + 64; k++) {
      sums[k]! += mass * now;
      [before, now] = [now, twice * now - before];
    }
  }
}

// The cosines at the middles of the parts: those of k (2 j + 1) steps of a circle of 4 x points.
const circle = Float64Array.from({ length: 4 * points }, (_, i) => Math.cos((Math.PI * i) / (2 * points)));

function smoothed(transform: Float64Array, width: number): Float64Array {
  const values = new Float64Array(points);
  for (let k = 0; k < points; k++) {
    const damping = Math.exp(-((Math.PI * k * width) ** 2) / 2);
    if (damping < 1e-17) break;
    const factor = (k === 0 ? 1 : 2) * damping * transform[k]!;
    for (let j = 0, at = k; j < points; j++, at = (at + 2 * k) & (4 * points - 1))
      values[j]! += factor * circle[at]!;
  }
  return values;
}

function integral(values: Float64Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
}
