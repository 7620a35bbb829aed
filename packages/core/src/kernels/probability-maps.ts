import type { ProbabilityMaps as NativeMaps } from "@pixelcal/native";
import { checkClasses, checkIgnore, checkLabels, checkProbabilities, checkTensor } from "../check.js";
import type { DeviceOption } from "../device.js";
import { arrayOf } from "../device-tensor.js";
import { invalidArgument } from "../errors.js";
import { elementCount, type Labels, type Probabilities, sameDims, type Tensor } from "../tensor.js";

/** The pixels that count. */
export interface PixelSelection {
  /** The label of pixels to leave out. */
  readonly ignore?: number;
  /**
   * The mask `[N, ...spatial]`: pixels with 0 are left out of all results, but their values must still be
   * valid.
   */
  readonly mask?: Tensor<"uint8"> | Tensor<"bool">;
}

/**
 * Returns probabilities `[N, C, ...spatial]`, labels `[N, ...spatial]` and the selection as the kernels read
 * them.
 */
export function probabilityMaps(
  probs: Probabilities,
  labels: Labels,
  { ignore, mask, device }: PixelSelection & DeviceOption,
  weights?: Tensor<"float32">,
): NativeMaps {
  checkProbabilities(probs);
  checkLabels(labels);
  const [batch, classes, ...spatial] = probs.dims as [number, number, ...number[]];
  checkClasses(classes);
  const dims = [batch, ...spatial];
  checkDims("labels", labels, dims);
  checkSelection({ ignore, mask }, dims);
  if (weights !== undefined) {
    checkTensor("weights", weights, ["float32"], [dims.length, dims.length]);
    checkDims("weights", weights, dims);
  }
  const pixels = elementCount(spatial);
  return {
    probs: arrayOf<"float32" | "float16">(probs),
    labels: arrayOf<"uint8" | "int32" | "int64">(labels),
    device,
    batch,
    classes,
    pixels,
    ignore,
    mask: arrayOf<"uint8" | "bool">(mask),
    weights: arrayOf(weights),
  };
}

/** Throws unless the selection fits labels of these dims. */
export function checkSelection({ ignore, mask }: PixelSelection, dims: readonly number[]): void {
  checkIgnore(ignore);
  if (mask === undefined) return;
  checkTensor("mask", mask, ["uint8", "bool"], [dims.length, dims.length]);
  checkDims("mask", mask, dims);
}

/** Throws unless `value` has exactly these dims. */
export function checkDims(argument: string, value: Tensor, dims: readonly number[]): void {
  if (!sameDims(value.dims, dims)) {
    throw invalidArgument(argument, `dims [${dims.join(", ")}]`, value.dims);
  }
}
