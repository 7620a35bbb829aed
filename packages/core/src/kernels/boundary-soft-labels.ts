import type { BoundarySoftLabelsOptions as NativeOptions } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkClasses, checkIgnore, checkLabels, checkOut, checkSpacing } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption, type KeepOption } from "../device.js";
import { arrayOf, resultTensor } from "../device-tensor.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Tensor } from "../tensor.js";

export interface BoundarySoftLabelsOptions extends DeviceOption, KeepOption {
  readonly classes: number;
  /** The physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
  /**
   * The width of the transition at a boundary in pixels, along the axis of the smallest spacing if they
   * differ; default 0.35. 0 gives one-hot labels.
   */
  readonly scale?: number;
  /** The share of the uniform distribution in every target, from 0 (default) to below 1. */
  readonly floor?: number;
  /** The label of pixels that are in no class, are no boundary, and have an all-zero target. */
  readonly ignore?: number;
  readonly out?: Tensor<"float32">;
}

const names = optionNames<BoundarySoftLabelsOptions>({
  device: true,
  signal: true,
  keep: true,
  classes: true,
  spacing: true,
  scale: true,
  floor: true,
  ignore: true,
  out: true,
});

/**
 * Returns soft targets `[N, classes, ...spatial]` that say how unsure a label is near a boundary: with phi_c
 * the signed distance to class c (positive outside) and h the smallest spacing, moved half a pixel because a
 * boundary lies between pixels, phi'_c = sign(phi_c) max(|phi_c| - h/2, h/2), the target is (1 - floor)
 * softmax_c(-phi'_c / (2 scale h)) + floor / classes. For two classes the softmax is the sigmoid of -phi' /
 * (scale h). Classes that an image lacks have softmax 0. Distances are straight: they end at the nearest
 * pixel of a class, also beyond ignored pixels.
 *
 * Throws on a label outside [0, classes) that is not `ignore`.
 */
export async function boundarySoftLabels(
  labels: Labels,
  options: BoundarySoftLabelsOptions,
): Promise<Tensor<"float32">> {
  const { request, dims } = boundaryRequest(labels, options);
  return resultTensor("float32", dims, await call(native.boundarySoftLabels, request, options.signal));
}

/** Runs {@link boundarySoftLabels} on the calling thread. */
export function boundarySoftLabelsSync(
  labels: Labels,
  options: BoundarySoftLabelsOptions,
): Tensor<"float32"> {
  const { request, dims } = boundaryRequest(labels, options);
  return resultTensor(
    "float32",
    dims,
    callSync(() => native.boundarySoftLabelsSync(request)),
  );
}

function boundaryRequest(
  labels: Labels,
  options: BoundarySoftLabelsOptions,
): { request: NativeOptions; dims: readonly number[] } {
  checkOptions("options", options, names);
  checkCall(options);
  checkLabels(labels);
  const [batch, ...size] = labels.dims as [number, ...number[]];
  const { classes, spacing, scale = 0.35, floor = 0, ignore, out } = options;
  checkClasses(classes);
  checkSpacing(spacing, size.length);
  if (!(Number.isFinite(scale) && scale >= 0))
    throw invalidArgument("scale", "a number of at least 0", scale);
  if (!(typeof floor === "number" && floor >= 0 && floor < 1)) {
    throw invalidArgument("floor", "a number from 0 to below 1", floor);
  }
  checkIgnore(ignore);
  const dims = [batch, classes, ...size];
  checkOut(out, "float32", dims);
  const request = {
    labels: arrayOf<"uint8" | "int32" | "int64">(labels),
    device: options.device,
    keep: options.keep,
    batch,
    size,
    classes,
    spacing,
    scale,
    floor,
    ignore,
    out: out?.data,
  };
  return { request, dims };
}
