import type { WarpOptions as NativeOptions } from "@pixelcal/native";
import { call, native } from "../binding.js";
import { checkChoice, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Tensor } from "../tensor.js";

/** The places of an image that a warp reads. */
export interface WarpOptions extends SignalOption {
  /** The result's size per spatial axis, at most 65,536. */
  readonly size: readonly number[];
  /**
   * The linear map from a pixel of the result to its place in the source, rank x rank numbers, row-major; the
   * identity by default.
   */
  readonly matrix?: readonly number[];
  /** The place in the source of the result's first pixel; 0 by default. */
  readonly offset?: readonly number[];
  /**
   * Displacements added to the places, in pixels of the source, `[rank, ...points]`: a uniform cubic B-spline
   * of four points an axis or more, the second at the result's first pixel and the last but one at its last.
   */
  readonly control?: Tensor<"float64">;
}

export interface WarpImageOptions extends WarpOptions {
  /** "linear" by default. */
  readonly interpolation?: "nearest" | "linear";
}

/** No image is longer: a larger size is a mistake that would compute for minutes. */
const largest = 65_536;

const shared = { signal: true, size: true, matrix: true, offset: true, control: true } as const;
const imageNames = optionNames<WarpImageOptions>({ ...shared, interpolation: true });
const labelNames = optionNames<WarpOptions>(shared);

/**
 * Reads an image `[C, ...spatial]` at other places: pixel o of the result, `[C, ...size]`, is the source at
 * matrix o + offset + displacement(o), in pixels from the centre of the first. Outside, the border repeats.
 */
export async function warpImage(
  image: Tensor<"float32">,
  options: WarpImageOptions,
): Promise<Tensor<"float32">> {
  checkOptions("options", options, imageNames);
  checkTensor("image", image, ["float32"], [2, 4]);
  const { interpolation = "linear", signal } = options;
  checkChoice("interpolation", interpolation, ["nearest", "linear"]);
  const { request, dims } = warpRequest(image.dims, options);
  const data = await call(native.warpImage, { ...request, image: image.data, interpolation }, signal);
  return { type: "float32", dims, data };
}

/**
 * Reads label maps `[N, ...spatial]` at other places, as `warpImage` does: the label that has the largest
 * share of the linear interpolation, the smaller of equal ones.
 */
export async function warpLabels<T extends "uint8" | "int32">(
  labels: Tensor<T>,
  options: WarpOptions,
): Promise<Tensor<T>> {
  checkOptions("options", options, labelNames);
  checkTensor("labels", labels as Tensor, ["uint8", "int32"], [2, 4]);
  const { request, dims } = warpRequest(labels.dims, options);
  const data = await call(
    native.warpLabels<Uint8Array | Int32Array>,
    { ...request, labels: labels.data },
    options.signal,
  );
  return { type: labels.type, dims, data } as Tensor<T>;
}

function warpRequest(
  [batch, ...size]: readonly number[],
  { size: outSize, matrix, offset, control, signal }: WarpOptions,
): { request: NativeOptions; dims: readonly number[] } {
  checkSignal(signal);
  const rank = size.length;
  const numbers = (name: string, given: readonly number[] | undefined, count: number): void => {
    const fits =
      given === undefined || (Array.isArray(given) && given.length === count && given.every(Number.isFinite));
    if (!fits) throw invalidArgument(name, `${count} finite numbers`, given);
  };
  const sizes =
    Array.isArray(outSize) &&
    outSize.length === rank &&
    outSize.every((n) => Number.isInteger(n) && n >= 1 && n <= largest);
  if (!sizes) throw invalidArgument("size", `${rank} sizes from 1 to ${largest}`, outSize);
  numbers("matrix", matrix, rank * rank);
  numbers("offset", offset, rank);
  if (control !== undefined) {
    checkTensor("control", control, ["float64"], [rank + 1, rank + 1]);
    const [axes, ...points] = control.dims;
    if (axes !== rank || points.some((n) => n < 4))
      throw invalidArgument("control", `[${rank}, ...points] with 4 points an axis or more`, control.dims);
  }
  const request = {
    batch,
    size,
    outSize,
    matrix: matrix ?? Array.from({ length: rank * rank }, (_, i) => (i % (rank + 1) === 0 ? 1 : 0)),
    offset: offset ?? size.map(() => 0),
    ...(control && { control: control.data, controlSize: control.dims.slice(1) }),
  };
  return { request, dims: [batch!, ...outSize] };
}
