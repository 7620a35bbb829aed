import type { SignedDistanceOptions as NativeOptions } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkChoice, checkClasses, checkLabels, checkOut, checkPositive, checkSpacing } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption, type KeepOption } from "../device.js";
import { arrayOf, resultTensor } from "../device-tensor.js";
import { InvalidArgumentError } from "../errors.js";
import type { Labels, Tensor } from "../tensor.js";

export interface SignedDistanceOptions extends DeviceOption, KeepOption {
  readonly classes: number;
  /** The physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
  /**
   * The normalisation. none: physical units; max (default): divided by max|s| + 1e-6; split: outside and
   * inside each divided by its own maximum; truncate: clipped to +-`truncate` and divided by it.
   */
  readonly normalize?: "none" | "max" | "split" | "truncate";
  /** The reach of "truncate" in physical units; required there. */
  readonly truncate?: number;
  /**
   * The distances of a class that has no boundary, because it has no pixels or fills the image: reference
   * (default) measures to SciPy's virtual point as the authors' code does; far gives +1 and -1 (without
   * normalisation, plus and minus the image's diagonal).
   */
  readonly absent?: "reference" | "far";
  readonly out?: Tensor<"float32">;
}

const names = optionNames<SignedDistanceOptions>({
  device: true,
  signal: true,
  keep: true,
  classes: true,
  spacing: true,
  normalize: true,
  truncate: true,
  absent: true,
  out: true,
});

/**
 * Computes the signed distance to every class, `[N, classes, ...spatial]`, positive outside, negative inside,
 * per image and class (arXiv 2503.05107, Listing 1). "max" with "reference" equals the authors' float32
 * output bit for bit. Throws on a label outside [0, classes).
 */
export async function signedDistance(
  labels: Labels,
  options: SignedDistanceOptions,
): Promise<Tensor<"float32">> {
  const { request, dims } = signedRequest(labels, options);
  return resultTensor("float32", dims, await call(native.signedDistance, request, options.signal));
}

/** Runs {@link signedDistance} on the calling thread. */
export function signedDistanceSync(labels: Labels, options: SignedDistanceOptions): Tensor<"float32"> {
  const { request, dims } = signedRequest(labels, options);
  return resultTensor(
    "float32",
    dims,
    callSync(() => native.signedDistanceSync(request)),
  );
}

/** @internal */
export function signedRequest(
  labels: Labels,
  options: SignedDistanceOptions,
): { request: NativeOptions; dims: readonly number[] } {
  checkOptions("options", options, names);
  checkCall(options);
  checkLabels(labels);
  const [batch, ...size] = labels.dims as [number, ...number[]];
  const { classes, spacing, normalize, truncate, absent, out } = options;
  checkClasses(classes);
  checkSpacing(spacing, size.length);
  checkChoice("normalize", normalize, ["none", "max", "split", "truncate"]);
  checkChoice("absent", absent, ["reference", "far"]);
  if (normalize === "truncate") checkPositive("truncate", truncate as number);
  else if (truncate !== undefined)
    throw new InvalidArgumentError("truncate", 'truncate: needs normalize: "truncate"');
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
    normalize,
    truncate,
    absent,
    out: out?.data,
  };
  return { request, dims };
}
