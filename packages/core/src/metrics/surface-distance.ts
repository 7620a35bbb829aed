import type { SurfaceDistancesOptions as NativeOptions } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkChoice, checkSpacing, checkTensor } from "../check.js";
import { checkDevice, type DeviceOption } from "../device.js";
import { arrayOf } from "../device-tensor.js";
import { invalidArgument } from "../errors.js";
import { checkDims } from "../probability-maps.js";
import type { Tensor } from "../tensor.js";

const conventions = ["reference", "monai", "deepmind"] as const;
const emptyPolicies = ["nan", "reference", "diagonal"] as const;

/**
 * reference: the SDC repository's (surface pixels by a full 3^d erosion, percentile of both directions pooled, float32);
 * monai: MONAI's (cross erosion, the larger directed percentile); deepmind: surface-distance's (surface elements between
 * pixels weighted by length or area, the larger directed percentile, no interpolation).
 */
export type SurfaceConvention = (typeof conventions)[number];

/** How distances and shares are measured, and what an empty mask gives. */
export interface SurfaceDefinition {
  /** Default "reference". */
  readonly convention?: SurfaceConvention;
  /**
   * nan: NaN for every measure. reference: both empty 0 and nsd 1, one empty Infinity and nsd 0. diagonal: as reference,
   * with the image's diagonal for Infinity. Default "reference" for the convention of that name, else "nan".
   */
  readonly empty?: (typeof emptyPolicies)[number];
  /** Distance that still counts as agreement in nsd, physical units; default 1. */
  readonly tolerance?: number;
}

export interface SurfaceDistancesOptions extends SurfaceDefinition, DeviceOption {
  /** Physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
}

/** Measures between the surfaces of two masks, in units of spacing. */
export interface SurfaceDistances {
  /** Hausdorff distance. */
  readonly hd: number;
  /** Its 95th percentile. */
  readonly hd95: number;
  /** Average symmetric surface distance: the mean over both surfaces together. */
  readonly assd: number;
  /** Normalised surface Dice: the share of both surfaces within `tolerance` of the other. */
  readonly nsd: number;
  /** Mean distance from a's surface to b's, and back. */
  readonly aToB: number;
  readonly bToA: number;
}

/**
 * Distances between the surfaces of the masks `a` and `b` (`[N, ...spatial]`, 2 or 3 spatial dimensions, nonzero is
 * inside): one result per image. Definitions as the convention says; they are not comparable with each other.
 */
export async function surfaceDistances(
  a: Tensor<"uint8"> | Tensor<"bool">,
  b: Tensor<"uint8"> | Tensor<"bool">,
  options: SurfaceDistancesOptions = {},
): Promise<readonly SurfaceDistances[]> {
  const request = surfaceRequest(a, b, options);
  return call(() => native.surfaceDistances(request));
}

/** {@link surfaceDistances} on the calling thread. */
export function surfaceDistancesSync(
  a: Tensor<"uint8"> | Tensor<"bool">,
  b: Tensor<"uint8"> | Tensor<"bool">,
  options: SurfaceDistancesOptions = {},
): readonly SurfaceDistances[] {
  const request = surfaceRequest(a, b, options);
  return callSync(() => native.surfaceDistancesSync(request));
}

/** The definition with its defaults filled in; throws on an unknown one. */
export function checkSurfaceDefinition(definition: SurfaceDefinition): Required<SurfaceDefinition> {
  const { convention = "reference", tolerance = 1 } = definition;
  checkChoice("convention", convention, conventions);
  checkChoice("empty", definition.empty, emptyPolicies);
  if (!(Number.isFinite(tolerance) && tolerance >= 0)) {
    throw invalidArgument("tolerance", "a number of at least 0", tolerance);
  }
  const empty = definition.empty ?? (convention === "reference" ? "reference" : "nan");
  return { convention, empty, tolerance };
}

function surfaceRequest(
  a: Tensor<"uint8"> | Tensor<"bool">,
  b: Tensor<"uint8"> | Tensor<"bool">,
  options: SurfaceDistancesOptions,
): NativeOptions {
  checkDevice(options.device);
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
