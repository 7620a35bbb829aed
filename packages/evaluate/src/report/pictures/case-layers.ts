import type { Labels, Probabilities, Tensor } from "@pixelcal/core";
import { float16ToFloat32 } from "@pixelcal/io";

/** The arrays of one case that pictures are drawn from. */
export interface CaseArrays {
  readonly name: string;
  readonly labels: Labels;
  /** The probabilities [C, ...spatial] of each run. */
  readonly runs: readonly Probabilities[];
  /** The image [C, ...spatial], if known; its first channel is shown, or three as their mean. */
  readonly image?: Pick<Tensor<"float32">, "dims" | "data">;
  /** The label that counts in no score. */
  readonly ignore?: number;
}

/** A stack of planes of bytes. */
interface Stack {
  readonly depth: number;
  readonly height: number;
  readonly width: number;
}

/** The layers of a case as bytes, each [depth, height, width]. */
export interface CaseLayers extends Stack {
  /** The image, stretched between its percentiles 0.5 and 99.5; absent if unknown. */
  readonly image?: Uint8Array;
  readonly truth: Uint8Array;
  /** The predicted labels of each run. */
  readonly predicted: readonly Uint8Array[];
  /** The confidence of each run: 0 at 1 / classes, 255 at 1. */
  readonly confidence: readonly Uint8Array[];
  readonly ignore?: number;
}

/** Returns the layers of a case; 2-D cases are stacks of one plane. */
export function caseLayers({ labels, runs, image, ignore }: CaseArrays): CaseLayers {
  const [height, width] = labels.dims.slice(-2) as [number, number];
  const depth = labels.dims.length === 3 ? labels.dims[0]! : 1;
  const pixels = depth * height * width;
  const predicted = runs.map(() => new Uint8Array(pixels));
  const confidence = runs.map(() => new Uint8Array(pixels));
  for (const [run, { type, dims, data: stored }] of runs.entries()) {
    const data = type === "float16" ? float16ToFloat32(stored) : stored;
    const classes = dims[0]!;
    const floor = 1 / Math.max(classes, 2);
    for (let i = 0; i < pixels; i++) {
      let [best, most] = [0, data[i]!];
      for (let c = 1; c < classes; c++) {
        const value = data[c * pixels + i]!;
        if (value > most) [best, most] = [c, value];
      }
      predicted[run]![i] = best;
      confidence[run]![i] = Math.round(255 * Math.min(1, Math.max(0, (most - floor) / (1 - floor))));
    }
  }
  const truth = Uint8Array.from(labels.data as ArrayLike<number>, Number);
  return {
    depth,
    height,
    width,
    truth,
    predicted,
    confidence,
    ignore,
    ...(image && { image: stretched(image, pixels) }),
  };
}

function stretched({ dims, data }: Pick<Tensor<"float32">, "dims" | "data">, pixels: number): Uint8Array {
  const channels = dims[0] === 3 ? 3 : 1;
  const grey = new Float32Array(pixels);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < pixels; i++) grey[i]! += data[c * pixels + i]! / channels;
  const sorted = grey.filter(Number.isFinite).sort();
  const low = sorted[Math.floor(0.005 * (sorted.length - 1))] ?? 0;
  const high = sorted[Math.ceil(0.995 * (sorted.length - 1))] ?? 1;
  const scale = high > low ? 255 / (high - low) : 0;
  return Uint8Array.from(grey, (value) => Math.min(255, Math.max(0, Math.round((value - low) * scale))));
}

/** Returns the layers of `count` slices from `first` on, without a copy. */
export function slicesOf(layers: CaseLayers, first: number, count: number): CaseLayers {
  const plane = layers.width * layers.height;
  const cut = (values: Uint8Array): Uint8Array => values.subarray(first * plane, (first + count) * plane);
  return {
    ...layers,
    depth: count,
    ...(layers.image && { image: cut(layers.image) }),
    truth: cut(layers.truth),
    predicted: layers.predicted.map(cut),
    confidence: layers.confidence.map(cut),
  };
}

/** Returns values in steps of `step`, 0 and 255 kept: fewer levels than a screen shows take fewer bytes. */
export const coarse = (values: Uint8Array, step: number): Uint8Array => {
  const levels = Math.floor(256 / step) - 1;
  return values.map((value) => Math.round((Math.round((value / 255) * levels) * 255) / levels));
};
