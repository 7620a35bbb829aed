import { setImmediate } from "node:timers/promises";
import { elementCount, type Tensor, tensor } from "@pixelcal/core";

/** The way to find a value between pixels: the nearest, between two, or Catmull and Rom's cubic of four. */
export type Interpolation = "nearest" | "linear" | "cubic";

/** The pixels that each pixel of a resampled axis is made of, `width` of them, and their weights. */
interface Taps {
  readonly width: number;
  readonly index: Int32Array;
  readonly weight: Float64Array;
}

// Some milliseconds of work, after which the event loop has its turn.
const atOnce = 1 << 20;

/**
 * Returns the taps of an axis of `from` pixels resampled to `to`: both cover the same length, pixels beyond
 * the ends are those at the ends. Nothing is smoothed before a reduction, as in nnU-Net.
 */
function tapsOf(from: number, to: number, interpolation: Interpolation): Taps {
  const width = { nearest: 1, linear: 2, cubic: 4 }[interpolation];
  const index = new Int32Array(to * width);
  const weight = new Float64Array(to * width);
  for (let i = 0; i < to; i++) {
    const at = ((i + 0.5) * from) / to - 0.5;
    const below = width === 1 ? Math.floor(at + 0.5) : Math.floor(at);
    const weights = weightsAt(at - below, interpolation);
    for (let tap = 0; tap < width; tap++) {
      const pixel = below + tap - (width === 4 ? 1 : 0);
      index[i * width + tap] = Math.min(from - 1, Math.max(0, pixel));
      weight[i * width + tap] = weights[tap]!;
    }
  }
  return { width, index, weight };
}

function weightsAt(t: number, interpolation: Interpolation): readonly number[] {
  if (interpolation === "nearest") return [1];
  if (interpolation === "linear") return [1 - t, t];
  // R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -1/2.
  return [
    ((-0.5 * t + 1) * t - 0.5) * t,
    (1.5 * t - 2.5) * t * t + 1,
    ((-1.5 * t + 2) * t + 0.5) * t,
    (0.5 * t - 0.5) * t * t,
  ];
}

/**
 * Returns an image [C, ...spatial] resampled to another spatial size, axis by axis, each by its own
 * interpolation. A cubic keeps within the least and largest value of its channel.
 */
export async function resampleImage(
  image: Tensor<"float32">,
  size: readonly number[],
  interpolation: readonly Interpolation[],
): Promise<Tensor<"float32">> {
  const [channels = 0, ...spatial] = image.dims;
  let { data } = image;
  const dims = [...spatial];
  for (const [axis, to] of size.entries()) {
    if (dims[axis] === to) continue;
    const outer = channels * elementCount(dims.slice(0, axis));
    const inner = elementCount(dims.slice(axis + 1));
    data = await resampleAxis(data, outer, dims[axis]!, inner, to, interpolation[axis]!);
    dims[axis] = to;
  }
  if (data === image.data) return image;
  if (interpolation.includes("cubic")) await clip(data, image);
  return tensor("float32", data, [channels, ...size]);
}

async function resampleAxis(
  data: Float32Array,
  outer: number,
  from: number,
  inner: number,
  to: number,
  interpolation: Interpolation,
): Promise<Float32Array> {
  const { width, index, weight } = tapsOf(from, to, interpolation);
  const out = new Float32Array(outer * to * inner);
  let work = 0;
  for (let block = 0; block < outer; block++) {
    const start = block * from * inner;
    for (let i = 0; i < to; i++) {
      const target = (block * to + i) * inner;
      for (let j = 0; j < inner; j++) {
        let sum = 0;
        for (let tap = i * width; tap < (i + 1) * width; tap++)
          sum += weight[tap]! * data[start + index[tap]! * inner + j]!;
        out[target + j] = sum;
      }
      work += inner * width;
      if (work >= atOnce) {
        work = 0;
        await setImmediate();
      }
    }
  }
  return out;
}

async function clip(data: Float32Array, { data: before, dims }: Tensor<"float32">): Promise<void> {
  const channels = dims[0]!;
  const [from, to] = [before.length / channels, data.length / channels];
  for (let c = 0; c < channels; c++) {
    let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of before.subarray(c * from, (c + 1) * from)) {
      if (value < least) least = value;
      if (value > largest) largest = value;
    }
    await setImmediate();
    for (let i = c * to; i < (c + 1) * to; i++) data[i] = Math.min(largest, Math.max(least, data[i]!));
    await setImmediate();
  }
}

/**
 * Returns labels [...spatial] resampled to another size: each pixel gets the label with the largest sum of
 * linear weights around it, the smallest such label, which is one-hot labels interpolated and their argmax.
 */
export async function resampleLabels<T extends Tensor<"uint8"> | Tensor<"int32">>(
  labels: T,
  size: readonly number[],
  interpolation: readonly Interpolation[],
): Promise<T> {
  const { data, dims, type } = labels;
  if (size.every((n, axis) => n === dims[axis])) return labels;
  const axes = size.map((to, axis) =>
    tapsOf(dims[axis]!, to, interpolation[axis] === "nearest" ? "nearest" : "linear"),
  );
  // Missing leading axes have one pixel.
  const one: Taps = { width: 1, index: Int32Array.of(0), weight: Float64Array.of(1) };
  const [z, y, x] = [one, one, ...axes].slice(-3) as [Taps, Taps, Taps];
  const [, height, width] = [1, 1, ...dims].slice(-3) as [number, number, number];
  const [depthTo, heightTo, widthTo] = [1, 1, ...size].slice(-3) as [number, number, number];
  const count = depthTo * heightTo * widthTo;
  const out = type === "uint8" ? new Uint8Array(count) : new Int32Array(count);
  const around = z.width * y.width * x.width;
  const [values, weights] = [new Float64Array(around), new Float64Array(around)];
  let at = 0;
  for (let k = 0; k < depthTo; k++) {
    for (let j = 0; j < heightTo; j++) {
      for (let i = 0; i < widthTo; i++) {
        let n = 0;
        for (let c = k * z.width; c < (k + 1) * z.width; c++)
          for (let b = j * y.width; b < (j + 1) * y.width; b++)
            for (let a = i * x.width; a < (i + 1) * x.width; a++) {
              values[n] = data[(z.index[c]! * height + y.index[b]!) * width + x.index[a]!]!;
              weights[n++] = z.weight[c]! * y.weight[b]! * x.weight[a]!;
            }
        out[at++] = heaviest(values, weights);
      }
    }
    await setImmediate();
  }
  return { type, dims: [...size], data: out } as unknown as T;
}

/** Returns the value whose weights sum to the most, the smallest of several. */
function heaviest(values: Float64Array, weights: Float64Array): number {
  const first = values[0]!;
  if (values.every((value) => value === first)) return first;
  let [best, most] = [first, -1];
  for (const value of values) {
    let sum = 0;
    for (let n = 0; n < values.length; n++) if (values[n] === value) sum += weights[n]!;
    if (sum > most || (sum === most && value < best)) [best, most] = [value, sum];
  }
  return best;
}
