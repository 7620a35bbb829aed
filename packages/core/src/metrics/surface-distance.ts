import type { SurfaceDistancesOptions as NativeOptions } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkSpacing, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";
import { arrayOf } from "../device-tensor.js";
import { checkDims } from "../kernels/probability-maps.js";
import type { Tensor } from "../tensor.js";
import { checkSurfaceDefinition, definitionNames, type SurfaceDefinition } from "./surface-definition.js";

export interface SurfaceDistancesOptions extends SurfaceDefinition, DeviceOption {
  /** The physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
}

const known = optionNames<SurfaceDistancesOptions>({
  ...definitionNames,
  spacing: true,
  device: true,
  signal: true,
});

/** The measures between the surfaces of two masks, distances in units of spacing. */
export interface SurfaceDistances {
  /** The Hausdorff distance. */
  readonly hd: number;
  /** The 95th percentile of the Hausdorff distance. */
  readonly hd95: number;
  /** The percentile of the Hausdorff distance set by `percentile`. */
  readonly hdPercentile: number;
  /** The average symmetric surface distance: the mean over both surfaces together. */
  readonly assd: number;
  /** The normalised surface Dice: the share of both surfaces within `tolerance` of the other. */
  readonly nsd: number;
  /** The mean distance from a's surface to b's. */
  readonly aToB: number;
  readonly bToA: number;
}

/**
 * Measures distances between the surfaces of the masks `a` and `b` (`[N, ...spatial]`, 2 or 3 spatial
 * dimensions, nonzero is inside) and returns one result per image. The convention decides the definitions,
 * which are not comparable with each other. Distances are float64 throughout, except for the percentiles of
 * convention "reference".
 */
export async function surfaceDistances(
  a: Tensor<"uint8"> | Tensor<"bool">,
  b: Tensor<"uint8"> | Tensor<"bool">,
  options: SurfaceDistancesOptions = {},
): Promise<readonly SurfaceDistances[]> {
  const request = surfaceRequest(a, b, options);
  return call(native.surfaceDistances, request, options.signal);
}

/** Runs {@link surfaceDistances} on the calling thread. */
export function surfaceDistancesSync(
  a: Tensor<"uint8"> | Tensor<"bool">,
  b: Tensor<"uint8"> | Tensor<"bool">,
  options: SurfaceDistancesOptions = {},
): readonly SurfaceDistances[] {
  const request = surfaceRequest(a, b, options);
  return callSync(() => native.surfaceDistancesSync(request));
}

function surfaceRequest(
  a: Tensor<"uint8"> | Tensor<"bool">,
  b: Tensor<"uint8"> | Tensor<"bool">,
  options: SurfaceDistancesOptions,
): NativeOptions {
  checkOptions("options", options, known);
  checkCall(options);
  checkTensor("a", a, ["uint8", "bool"], [3, 4]);
  checkTensor("b", b, ["uint8", "bool"], [3, 4]);
  checkDims("b", b, a.dims);
  const [batch, ...size] = a.dims as [number, ...number[]];
  checkSpacing(options.spacing, size.length);
  const { device, spacing } = options;
  return {
    a: arrayOf<"uint8" | "bool">(a),
    b: arrayOf<"uint8" | "bool">(b),
    device,
    batch,
    size,
    spacing,
    ...checkSurfaceDefinition(options),
  };
}
