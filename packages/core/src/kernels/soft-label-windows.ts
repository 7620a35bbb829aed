// The averaging windows of soft labels, (scale * (taps along every axis) + centre * (the pixel itself)) /
// divisor.

export interface Window {
  readonly taps: readonly number[];
  readonly scale?: number;
  readonly centre?: number;
  readonly divisor?: number;
}

/** Returns the window that takes the mean; its taps are whole, so that counts are exact. */
export function boxWindow(size: number, _sigma: number, dimensions: number): Window {
  return { taps: new Array<number>(size).fill(1), divisor: size ** dimensions };
}

/** Returns a sampled Gaussian of `size` taps with sum 1 (OpenCV's getGaussianKernel). */
export function gaussianWindow(size: number, sigma: number): Window {
  const radius = (size - 1) / 2;
  const taps = Array.from({ length: size }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return { taps: taps.map((tap) => tap / sum) };
}

/**
 * Returns the window of spatially varying label smoothing: half the weight on the pixel, half on its
 * neighbours by a Gaussian over `dimensions` axes (Islam and Glocker, IPMI 2021, eq. 4).
 */
export function svlsWindow(size: number, sigma: number, dimensions: number): Window {
  const { taps } = gaussianWindow(size, sigma);
  const own = taps[(size - 1) / 2]! ** dimensions;
  const neighbours = 1 - own;
  return { taps, scale: 1 / (2 * neighbours), centre: 1 / 2 - own / (2 * neighbours) };
}

/**
 * Returns the Gaussian integrated over each pixel, to 4 sigma (MONAI's GaussianFilter); its sum is below 1 by
 * the tails.
 */
export function integratedGaussianWindow(sigma: number): Window {
  const radius = Math.floor(4 * sigma + 0.5);
  const upTo = (x: number): number => erf(x / (sigma * Math.SQRT2));
  const taps = Array.from({ length: 2 * radius + 1 }, (_, i) => {
    const x = i - radius;
    return Math.max(0, (upTo(x + 0.5) - upTo(x - 0.5)) / 2);
  });
  return { taps };
}

/** Sums Abramowitz and Stegun 7.1.6, a series of positive terms, exact to rounding where erf is not yet 1. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
