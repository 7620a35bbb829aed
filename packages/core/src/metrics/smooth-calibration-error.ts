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
  // The integral falls with the width, from at most the sum of the absolute residuals: where that is the
  // width, the integral is at most the result. Short of widths that need more cosines, both ends are close.
  let high = Math.min(1, transform.magnitude);
  let above = excess(high);
  while (above > 0 && high < 1) above = excess((high = Math.min(1, 2 * high)));
  let low = high + above;
  let below = excess(low);
  while (low > 1e-12 && below < -precision * low) {
    [high, above] = [low, below];
    below = excess((low /= 2));
  }
  if (low <= 1e-12 || Math.abs(below) <= precision * low) return low;
  // False position, halving the value of an end that stays (Illinois). The excess falls by at least as much
  // as the width grows, and bounds what is missing.
  let stayed = 0;
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

/** The largest number of cosines, and how many are made at a time. */
const most = 2048;
const block = 64;
// The cosines at the middles of the parts of [0, 1]: those of whole steps of a circle.
const circle = Float64Array.from({ length: 4 * most }, (_, i) => Math.cos((Math.PI * i) / (2 * most)));

// The arrays of a transform, of which there is one at a time: fresh ones would be most of a case's garbage.
const room = {
  angles: new Float64Array(4098),
  masses: new Float64Array(4098),
  sums: new Float64Array(most),
  even: new Float64Array(most / 2),
  odd: new Float64Array(most / 2),
};

/**
 * The residuals as sums a_k = sum_i (y_i - p_i) cos(k pi p_i) / n: cosines are what reflection at 0 and 1
 * leaves as they are, and the Gaussian only scales them. Made as far as they are needed.
 */
class CosineTransform {
  /** The sum of the absolute residuals. */
  readonly magnitude: number;
  // pi p and the residual of every bin with pixels, then a zero.
  readonly #angles: Float64Array = room.angles;
  readonly #masses: Float64Array = room.masses;
  readonly #places: number;
  readonly #sums: Float64Array = room.sums;
  readonly #even: Float64Array = room.even;
  readonly #odd: Float64Array = room.odd;
  #made = 0;

  constructor({ bins, count, accuracySum, confidenceSum, total }: CalibrationBins) {
    let [places, magnitude] = [0, 0];
    for (let m = 0; m < bins; m++) {
      if (!(count[m]! > 0)) continue;
      const mass = (accuracySum[m]! - confidenceSum[m]!) / total[0]!;
      this.#angles[places] = Math.PI * Math.min(1, confidenceSum[m]! / count[m]!);
      this.#masses[places++] = mass;
      magnitude += Math.abs(mass);
    }
    this.#angles[places] = this.#masses[places] = 0;
    this.#places = places;
    this.magnitude = magnitude;
  }

  /** Returns the integral of the absolute residual smoothed at a width, by the middles of equal parts. */
  integral(width: number): number {
    let points = 64;
    while (points < most && points * width < 20) points *= 2;
    const [stride, half] = [most / points, points / 2];
    // At the mirrored place even cosines are the same and odd ones change their sign.
    const [even, odd] = [this.#even.fill(0, 0, half), this.#odd.fill(0, 0, half)];
    for (let k = 0; k < most; k++) {
      const damping = Math.exp(-((Math.PI * k * width) ** 2) / 2);
      if (damping < 1e-15) break;
      if (k === this.#made) this.#makeMore();
      const factor = (k === 0 ? 1 : 2) * damping * this.#sums[k]!;
      const step = 2 * k * stride;
      const values = k % 2 === 0 ? even : odd;
      for (let j = 0, at = k * stride; j < half; j++, at += step)
        values[j]! += factor * circle[at & (4 * most - 1)]!;
    }
    let sum = 0;
    for (let j = 0; j < half; j++) sum += Math.abs(even[j]! + odd[j]!) + Math.abs(even[j]! - odd[j]!);
    return sum / points;
  }

  // By cos((k + 1) a) = 2 cos a cos(k a) - cos((k - 1) a), begun anew before rounding adds up; of two places
  // at once, whose chains of operations do not wait for each other.
  #makeMore(): void {
    const sums = this.#sums;
    const angles = this.#angles;
    const masses = this.#masses;
    const begin = this.#made;
    const end = begin + block;
    sums.fill(0, begin, end);
    // Before the optimizer has seen it, an array of each step would be garbage.
    for (let i = 0; i < this.#places; i += 2) {
      const angleA = angles[i]!;
      const angleB = angles[i + 1]!;
      const massA = masses[i]!;
      const massB = masses[i + 1]!;
      let beforeA = Math.cos(angleA);
      let beforeB = Math.cos(angleB);
      const twiceA = 2 * beforeA;
      const twiceB = 2 * beforeB;
      let nowA = 1;
      let nowB = 1;
      if (begin > 0) {
        beforeA = Math.cos((begin - 1) * angleA);
        beforeB = Math.cos((begin - 1) * angleB);
        nowA = Math.cos(begin * angleA);
        nowB = Math.cos(begin * angleB);
      }
      for (let k = begin; k < end; k++) {
        sums[k]! += massA * nowA + massB * nowB;
        const nextA = twiceA * nowA - beforeA;
        const nextB = twiceB * nowB - beforeB;
        beforeA = nowA;
        beforeB = nowB;
        nowA = nextA;
        nowB = nextB;
      }
    }
    this.#made = end;
  }
}
