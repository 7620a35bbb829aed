import { portableMath } from "@pixelcal/core";

/**
 * Returns the quantile at `share` of ascending values as NumPy interpolates it; NaN between a finite and an
 * infinite value, and for no values.
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) return Number.NaN;
  if (low === high) return low;
  const t = at - Math.floor(at);
  return t >= 0.5 ? high - (high - low) * (1 - t) : low + (high - low) * t;
}

/** The rational approximations of Wichura, by the distance of p from 1/2; highest power first. */
const near = {
  top: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
    1971.5909503065513, 133.14166789178438, 3.3871328727963665,
  ],
  bottom: [
    5226.495278852546, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
    687.1870074920579, 42.31333070160091, 1,
  ],
};
const middle = {
  top: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  bottom: [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
};
const far = {
  top: [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
    0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  bottom: [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
    0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
  ],
};

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);

const ratio = ({ top, bottom }: typeof near, x: number): number => polynomial(top, x) / polynomial(bottom, x);

/**
 * Returns the standard normal quantile at p, -Infinity at 0 and Infinity at 1 (Wichura's algorithm AS 241, to
 * about 1e-15). The same bits on every machine.
 */
export function normalQuantile(p: number): number {
  if (p <= 0 || p >= 1) return p <= 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(near, 0.180625 - q * q);
  const r = Math.sqrt(-portableMath.log(q < 0 ? p : 1 - p));
  const size = r <= 5 ? ratio(middle, r - 1.6) : ratio(far, r - 5);
  return q < 0 ? -size : size;
}

/**
 * Returns the quantile at p of Student's distribution with `freedom` degrees (the expansion of Cornish and
 * Fisher, to 2e-4 from 7 degrees on and shares of 0.005 to 0.995).
 */
export function studentQuantile(p: number, freedom: number): number {
  const z = normalQuantile(p);
  const powers = (...coefficients: readonly number[]): number =>
    z * polynomial(coefficients.toReversed(), z * z);
  return (
    z +
    powers(1, 1) / (4 * freedom) +
    powers(3, 16, 5) / (96 * freedom ** 2) +
    powers(-15, 17, 19, 3) / (384 * freedom ** 3) +
    powers(-945, -1920, 1482, 776, 79) / (92160 * freedom ** 4)
  );
}
