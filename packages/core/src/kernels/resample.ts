import type { ResampleOptions as NativeOptions } from "@pixelcal/native";
import { call, native } from "../binding.js";
import { checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Tensor } from "../tensor.js";

/** The way to find a value between pixels: the nearest, between two, or Catmull and Rom's cubic of four. */
export type Interpolation = "nearest" | "linear" | "cubic";

export interface ResampleImageOptions extends SignalOption {
  /** The result's size per spatial axis, at most 65,536. */
  readonly size: readonly number[];
  /** The interpolation of all axes, or one per spatial axis; "linear" by default. */
  readonly interpolation?: Interpolation | readonly Interpolation[];
}

export interface ResampleLabelsOptions extends SignalOption {
  /** The result's size per spatial axis, at most 65,536. */
  readonly size: readonly number[];
  /** The interpolation of the shares of labels, as of images; "linear" by default. */
  readonly interpolation?: Exclude<Interpolation, "cubic"> | readonly Exclude<Interpolation, "cubic">[];
}

/** No image is longer: a larger size is a mistake that would compute for minutes. */
const largest = 65_536;
const tapsOf = { nearest: 1, linear: 2, cubic: 4 } as const;
const names = optionNames<ResampleImageOptions>({ signal: true, size: true, interpolation: true });

/**
 * Resamples an image `[C, ...spatial]` to `[C, ...size]`, axis by axis; both cover the same length, and
 * pixels beyond the ends are those at the ends. A cubic (R. Keys, "Cubic convolution interpolation for
 * digital image processing", 1981, with a = -1/2) keeps within the least and largest value of its channel.
 * Nothing is smoothed before a reduction, as in nnU-Net. Throws `InvalidArgumentError` for an image or
 * options that do not fit.
 */
export async function resampleImage(
  image: Tensor<"float32">,
  options: ResampleImageOptions,
): Promise<Tensor<"float32">> {
  checkOptions("options", options, names);
  checkTensor("image", image, ["float32"], [2, 4]);
  const { request, dims } = resampleRequest(image.dims, options, ["nearest", "linear", "cubic"]);
  const data = await call(native.resampleImage, { ...request, image: image.data }, options.signal);
  return { type: "float32", dims, data };
}

/**
 * Resamples label maps `[N, ...spatial]` to `[N, ...size]`, as `resampleImage` does: each pixel gets the
 * label with the largest share, the smaller of equal ones, which is the argmax of one-hot labels,
 * interpolated. Throws `InvalidArgumentError` for labels or options that do not fit.
 */
export async function resampleLabels<T extends "uint8" | "int32">(
  labels: Tensor<T>,
  options: ResampleLabelsOptions,
): Promise<Tensor<T>> {
  checkOptions("options", options, names);
  checkTensor("labels", labels as Tensor, ["uint8", "int32"], [2, 4]);
  const { request, dims } = resampleRequest(labels.dims, options, ["nearest", "linear"]);
  const data = await call(
    native.resampleLabels<Uint8Array | Int32Array>,
    { ...request, labels: labels.data },
    options.signal,
  );
  return { type: labels.type, dims, data } as Tensor<T>;
}

function resampleRequest(
  [batch, ...size]: readonly number[],
  { size: outSize, interpolation = "linear", signal }: ResampleImageOptions,
  known: readonly Interpolation[],
): { request: NativeOptions; dims: readonly number[] } {
  checkSignal(signal);
  const rank = size.length;
  const sizes =
    Array.isArray(outSize) &&
    outSize.length === rank &&
    outSize.every((n) => Number.isInteger(n) && n >= 1 && n <= largest);
  if (!sizes) throw invalidArgument("size", `${rank} sizes from 1 to ${largest}`, outSize);
  const axes = typeof interpolation === "string" ? size.map(() => interpolation) : interpolation;
  const fits = Array.isArray(axes) && axes.length === rank && axes.every((by) => known.includes(by));
  if (!fits) {
    const expected = `one of ${known.join(", ")}, or ${rank} of them, one per spatial axis`;
    throw invalidArgument("interpolation", expected, interpolation);
  }
  const taps = (axes as readonly Interpolation[]).map((by) => tapsOf[by]);
  return { request: { batch, size, outSize, taps }, dims: [batch!, ...outSize] };
}
