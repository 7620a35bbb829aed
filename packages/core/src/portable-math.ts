// Elementary functions built from + - * / and sqrt alone, which IEEE 754 rounds the same way everywhere:
// unlike Math.sin or Math.exp they give the same bits in every engine. They are accurate to a few units of
// rounding over the ranges used here.

const words: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(8));
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** Returns 1 / f(n) for the n of a series, so that its loop multiplies instead of dividing. */
const reciprocals = (count: number, f: (n: number) => number): Float64Array =>
  Float64Array.from({ length: count }, (_, n) => 1 / f(n));
const whole = reciprocals(32, (n) => n);
const odd = reciprocals(16, (n) => 2 * n + 1);
const sineSteps = reciprocals(12, (n) => (2 * n + 2) * (2 * n + 3));

/** Returns x * x; an engine may compute x ** 2 differently. */
export const square = (x: number): number => x * x;

/** Returns 2^k for an integer k in [-1022, 1023]. */
function powerOfTwo(k: number): number {
  words.setUint32(0, (k + 1023) << 20);
  words.setUint32(4, 0);
  return words.getFloat64(0);
}

/** Returns e^x, 0 below -700 and Infinity above 700. */
export function exp(x: number): number {
  if (!(x > -700)) return x <= -700 ? 0 : Number.NaN;
  if (x > 700) return Number.POSITIVE_INFINITY;
  const k = Math.round(x * Math.LOG2E);
  const r = x - k * ln2High - k * ln2Low;
  // The Taylor series in Horner form: |r| <= 0.35, so the 14th term is below 2^-60.
  let sum = 1;
  for (let n = 14; n >= 1; n--) sum = 1 + sum * r * whole[n]!;
  return sum * powerOfTwo(k);
}

/** Returns the natural logarithm of a positive normal number. */
export function log(x: number): number {
  words.setFloat64(0, x);
  let high = words.getUint32(0);
  let k = (high >>> 20) - 1023;
  high = (high & 0xfffff) | 0x3ff00000;
  words.setUint32(0, high);
  let m = words.getFloat64(0);
  if (m > Math.SQRT2) {
    m /= 2;
    k += 1;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)), |argument| <= 0.172
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  let sum = odd[11]!;
  for (let n = 10; n >= 0; n--) sum = odd[n]! + sum * s2;
  return k * ln2High + (2 * s * sum + k * ln2Low);
}

/** Returns the sine of an angle of moderate size (|x| < 10^4), in radians. */
export function sin(x: number): number {
  const turns = Math.round(x / Math.PI);
  // pi is split in two, the first part short enough for an exact product.
  const r = x - turns * 3.1415927410125732 + turns * 8.742278000372486e-8;
  const r2 = r * r;
  let sum = 1;
  for (let n = 10; n >= 0; n--) sum = 1 - sum * r2 * sineSteps[n]!;
  return turns % 2 === 0 ? r * sum : -r * sum;
}

/** Returns the cosine of an angle of moderate size, in radians. */
export function cos(x: number): number {
  return sin(x + Math.PI / 2);
}

/** Returns the angle of the vector (x, y) in (-pi, pi]; 0 for the zero vector. */
export function atan2(y: number, x: number): number {
  const ax = Math.abs(x);
  const ay = Math.abs(y);
  if (ax === 0 && ay === 0) return 0;
  let t = ax > ay ? ay / ax : ax / ay;
  // Two halvings of the angle bring t below 0.2, where the series is short.
  t = t / (1 + Math.sqrt(1 + t * t));
  t = t / (1 + Math.sqrt(1 + t * t));
  const t2 = t * t;
  let sum = odd[12]!;
  for (let n = 11; n >= 0; n--) sum = odd[n]! - sum * t2;
  let angle = 4 * t * sum;
  if (ax <= ay) angle = Math.PI / 2 - angle;
  if (x < 0) angle = Math.PI - angle;
  return y < 0 ? -angle : angle;
}

/** Returns the standard normal distribution function. */
export function normalCdf(x: number): number {
  const z = Math.abs(x);
  if (z > 8) return x < 0 ? 0 : 1;
  const density = exp(-0.5 * z * z) * 0.3989422804014327;
  let tail: number;
  if (z < 4) {
    // Phi(z) - 1/2 = density * (z + z^3/3 + z^5/15 + ...)
    let term = z;
    let sum = z;
    for (let n = 3; term > sum * 1e-17; n += 2) {
      term *= (z * z) / n;
      sum += term;
    }
    tail = 0.5 - density * sum;
  } else {
    // Laplace's continued fraction gives the tail.
    let fraction = z;
    for (let n = 60; n >= 1; n--) fraction = z + n / fraction;
    tail = density / fraction;
  }
  return x < 0 ? tail : 1 - tail;
}
