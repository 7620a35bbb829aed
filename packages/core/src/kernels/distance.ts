import type { DistanceTransformOptions as NativeOptions } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkChoice, checkOut, checkSpacing, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption, type KeepOption } from "../device.js";
import { arrayOf, resultTensor } from "../device-tensor.js";
import { spatialDimensions, trailingGrid } from "../grid.js";
import type { Tensor } from "../tensor.js";

export interface DistanceTransformOptions extends DeviceOption, KeepOption {
  /** The physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
  /** Whether to return squared distances; default false. */
  readonly squared?: boolean;
  /**
   * The number of trailing dimensions that are spatial, 1 to 3; default: the length of `spacing`, else all
   * but the first.
   */
  readonly dimensions?: number;
  /**
   * The distances of an image without any zero: `infinity` (default), or `reference`, measured to the point
   * one step before the image's first corner on its first axis, as in SciPy, which the authors' signed
   * distances rely on.
   */
  readonly noZero?: "infinity" | "reference";
  readonly out?: Tensor<"float32">;
}

const names = optionNames<DistanceTransformOptions>({
  device: true,
  signal: true,
  keep: true,
  spacing: true,
  squared: true,
  dimensions: true,
  noZero: true,
  out: true,
});

/**
 * Computes the exact Euclidean distance of every nonzero pixel of `mask` (`[N, ...spatial]`, or any leading
 * dimensions when `dimensions` or `spacing` is given) to the nearest zero of its image, in units of
 * `spacing`; zeros get 0. Equals scipy.ndimage.distance_transform_edt except for images without any zero,
 * whose distances are Infinity by default.
 */
export async function distanceTransform(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: DistanceTransformOptions = {},
): Promise<Tensor<"float32">> {
  const request = distanceRequest(mask, options);
  return resultTensor("float32", mask.dims, await call(native.distanceTransform, request, options.signal));
}

/** Runs {@link distanceTransform} on the calling thread. */
export function distanceTransformSync(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: DistanceTransformOptions = {},
): Tensor<"float32"> {
  const request = distanceRequest(mask, options);
  return resultTensor(
    "float32",
    mask.dims,
    callSync(() => native.distanceTransformSync(request)),
  );
}

function distanceRequest(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: DistanceTransformOptions,
): NativeOptions {
  checkOptions("options", options, names);
  const { device, keep, spacing, squared, noZero, out } = options;
  checkCall(options);
  checkTensor("mask", mask, ["uint8", "bool"], [1, 8]);
  checkSpacing(spacing);
  const dimensions = spatialDimensions(
    options.dimensions === undefined ? spacing?.length : options.dimensions,
    mask.dims.length,
  );
  checkSpacing(spacing, dimensions);
  checkChoice("noZero", noZero, ["infinity", "reference"]);
  checkOut(out, "float32", mask.dims);
  return {
    mask: arrayOf<"uint8" | "bool">(mask),
    device,
    keep,
    ...trailingGrid(mask.dims, dimensions),
    spacing,
    squared,
    noZero,
    out: out?.data,
  };
}
