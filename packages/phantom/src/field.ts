import { elementCount, portableMath, type Random } from "@pixelcal/core";

const { exp, square } = portableMath;

/**
 * Returns the weights of a Gaussian window cut at three standard deviations, scaled to a sum of squares of
 * one.
 */
function window(deviation: number): Float64Array {
  const radius = Math.ceil(3 * deviation);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    deviation > 0 ? exp(-0.5 * square((i - radius) / deviation)) : 1,
  );
  const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
  return weights.map((weight) => weight / norm);
}

/** Correlates one axis with `weights`, which shrinks it by their number less one. */
function correlate(
  data: Float64Array,
  dims: readonly number[],
  axis: number,
  weights: Float64Array,
): Float64Array {
  const length = dims[axis]!;
  const result = length - weights.length + 1;
  const inner = elementCount(dims.slice(axis + 1));
  const outer = elementCount(dims.slice(0, axis));
  const out = new Float64Array(outer * result * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < result; i++) {
      const target = (o * result + i) * inner;
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k]!;
        const source = (o * length + i + k) * inner;
        for (let j = 0; j < inner; j++) out[target + j]! += weight * data[source + j]!;
      }
    }
  }
  return out;
}

/**
 * Returns a smooth Gaussian random field: white noise, also drawn beyond the borders, under a Gaussian window
 * of `deviation` pixels per axis. The window's squares sum to one, so every pixel is exactly standard normal;
 * pixels d deviations apart correlate by exp(-d^2 / 4).
 */
export function gaussianField(
  size: readonly number[],
  deviation: readonly number[],
  random: Random,
): Float64Array {
  const windows = deviation.map(window);
  const dims = size.map((length, axis) => length + windows[axis]!.length - 1);
  let data = new Float64Array(elementCount(dims));
  for (let i = 0; i < data.length; i++) data[i] = random.normal();
  windows.forEach((weights, axis) => {
    data = correlate(data, dims, axis, weights) as Float64Array<ArrayBuffer>;
    dims[axis] = size[axis]!;
  });
  return data;
}
