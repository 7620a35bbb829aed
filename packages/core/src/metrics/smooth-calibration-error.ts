import { invalidArgument } from "../errors.js";
import { type CalibrationBins, checkBins } from "../kernels/bins.js";

/**
 * Returns the smooth calibration error (Blasiok and Nakkiran, ICLR 2024) of the bins of one group, of which
 * 2,048 are enough: the width s at which the integral of |sum (y - p) K_s(t, p)| / n over t in [0, 1] equals
 * s, K_s the Gaussian that 0 and 1 reflect. Found to 1e-7 of itself; it has no bins to choose.
 *
 * All pixels of a bin lie at their mean p. A mass exactly on 0 or 1 counts in full; relplot's reflection
 * leaves the end nodes single and loses half of it. NaN without pixels.
 */
export function smoothCalibrationError(bins: CalibrationBins): number {
  checkBins("bins", bins);
  if (bins.groups !== 1)
    throw invalidArgument("bins", "one group (binsOfClass selects a class)", `${bins.groups} groups`);
  if (!(bins.total[0]! > 0)) return Number.NaN;
  const transform = new CosineTransform(bins);
  const excess = (width: number): number => transform.integral(width) - width;
  let [low, high] = [0.5, 1];
  while (low > 1e-12 && excess(low) <= 0) [low, high] = [low / 2, low];
  if (low <= 1e-12) return high;
  // False position, halving the value of an end that stays (Illinois). The integral never rises with the
  // width, so that the excess falls by at least as much as the width grows, and bounds what is missing.
  let [below, above, stayed] = [excess(low), excess(high), 0];
  while (high - low > precision * high) {
    const width = (low * above - high * below) / (above - below);
    const value = excess(width);
    if (Math.abs(value) <= precision * width) return width;
    const side = Math.sign(value);
    if (value > 0) {
      [low, below] = [width, value];
      if (stayed === side) above /= 2;
    } else {
      [high, above] = [width, value];
      if (stayed === side) below /= 2;
    }
    stayed = side;
  }
  return high;
}

/** The relative precision of the result. */
const precision = 1e-7;

const most = 2048;
// The cosines at the middles of the parts of [0, 1]: those of whole steps of a circle.
const circle = Float64Array.from({ length: 4 * most }, (_, i) => Math.cos((Math.PI * i) / (2 * most)));

/**
 * The residuals as sums a_k = sum_i (y_i - p_i) cos(k pi p_i) / n: cosines are what reflection at 0 and 1
 * leaves as they are, and the Gaussian only scales them. Made as far as they are needed.
 */
class CosineTransform {
  readonly #places: readonly { readonly angle: number; readonly mass: number }[];
  readonly #sums = new Float64Array(most);
  #made = 0;

  constructor({ bins, count, accuracySum, confidenceSum, total }: CalibrationBins) {
    this.#places = Array.from({ length: bins }, (_, m) => ({
      angle: Math.PI * Math.min(1, confidenceSum[m]! / count[m]!),
      mass: (accuracySum[m]! - confidenceSum[m]!) / total[0]!,
    })).filter((_, m) => count[m]! > 0);
  }

  /** Returns the integral of the absolute residual smoothed at a width, by the middles of equal parts. */
  integral(width: number): number {
    let points = 64;
    while (points < most && points * width < 20) points *= 2;
    const [stride, half] = [most / points, points / 2];
    // At the mirrored place even cosines are the same and odd ones change their sign.
    const [even, odd] = [new Float64Array(half), new Float64Array(half)];
    for (let k = 0; k < most; k++) {
      const damping = Math.exp(-((Math.PI * k * width) ** 2) / 2);
      if (damping < 1e-15) break;
      const factor = (k === 0 ? 1 : 2) * damping * this.#sum(k);
      const step = 2 * k * stride;
      const values = k % 2 === 0 ? even : odd;
      for (let j = 0, at = k * stride; j < half; j++, at += step)
        values[j]! += factor * circle[at & (4 * most - 1)]!;
    }
    let sum = 0;
    for (let j = 0; j < half; j++) sum += Math.abs(even[j]! + odd[j]!) + Math.abs(even[j]! - odd[j]!);
    return sum / points;
  }

  // By cos((k + 1) a) = 2 cos a cos(k a) - cos((k - 1) a), begun anew before rounding adds up.
  #sum(k: number): number {
    const block = 64;
    for (; this.#made <= k; this.#made += block)
      for (const { angle, mass } of this.#places) {
        const twice = 2 * Math.cos(angle);
        let before = Math.cos((this.#made - 1) * angle);
        let now = Math.cos(this.#made * angle);
        for (let i = this.#made; i < this.#made + block; i++) {
          this.#sums[i]! += mass * now;
          const next = twice * now - before;
          before = now;
          now = next;
        }
      }
    return this.#sums[k]!;
  }
}
