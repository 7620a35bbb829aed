import type { LabelSurfaceDistancesOptions as NativeOptions } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkClasses, checkInteger, checkLabels, checkSpacing } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";
import { arrayOf } from "../device-tensor.js";
import { invalidArgument } from "../errors.js";
import { checkDims, checkSelection } from "../kernels/probability-maps.js";
import type { Labels } from "../tensor.js";
import {
  checkSurfaceDefinition,
  checkTolerances,
  definitionNames,
  type SurfaceDefinition,
} from "./surface-definition.js";
import type { SurfaceDistances } from "./surface-distance.js";

export interface LabelSurfaceDistancesOptions extends Omit<SurfaceDefinition, "tolerance">, DeviceOption {
  readonly classes: number;
  /** The regions to compare, each a set of classes. */
  readonly regions: readonly (readonly number[])[];
  /**
   * The label of pixels that are removed from both maps: they are in no region, and a surface that exists
   * only because a neighbour is ignored does not count. A surface pixel has a neighbour that is neither in
   * its region nor ignored, or that is outside the image. A surface element lies between a pixel inside and
   * one outside the region, neither ignored; ignored pixels count as outside in its length or area. A region
   * without surface counts as empty. Distances are straight lines, which may cross ignored pixels.
   */
  readonly ignore?: number;
  /** The tolerance as for masks, for every region or one per region. */
  readonly tolerance?: number | readonly number[];
  /** The physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
}

const known = optionNames<LabelSurfaceDistancesOptions>({
  classes: true,
  regions: true,
  ignore: true,
  ...definitionNames,
  spacing: true,
  device: true,
  signal: true,
});

/**
 * Measures distances between the surfaces of regions in two label maps `[N, ...spatial]`, predicted (`a`) and
 * true (`b`), and returns for each image one result per region. Throws on a label that is neither a class nor
 * `ignore`, and on a predicted label that is no class unless the true label there is `ignore`.
 */
export async function labelSurfaceDistances(
  predicted: Labels,
  labels: Labels,
  options: LabelSurfaceDistancesOptions,
): Promise<readonly (readonly SurfaceDistances[])[]> {
  const request = labelSurfaceRequest(predicted, labels, options);
  return call(native.labelSurfaceDistances, request, options.signal);
}

/** Runs {@link labelSurfaceDistances} on the calling thread. */
export function labelSurfaceDistancesSync(
  predicted: Labels,
  labels: Labels,
  options: LabelSurfaceDistancesOptions,
): readonly (readonly SurfaceDistances[])[] {
  const request = labelSurfaceRequest(predicted, labels, options);
  return callSync(() => native.labelSurfaceDistancesSync(request));
}

function labelSurfaceRequest(
  predicted: Labels,
  labels: Labels,
  options: LabelSurfaceDistancesOptions,
): NativeOptions {
  checkOptions("options", options, known);
  const { device, classes, regions, ignore, spacing, tolerance, ...definition } = options;
  checkCall(options);
  checkLabels(predicted, "predicted");
  checkLabels(labels);
  checkDims("predicted", predicted, labels.dims);
  const [batch, ...size] = labels.dims as [number, ...number[]];
  checkClasses(classes);
  checkSelection({ ignore }, labels.dims);
  checkSpacing(spacing, size.length);
  if (definition.convention === "deepmind" && size.length === 1) {
    throw invalidArgument("labels", '2 or 3 spatial dimensions with convention "deepmind"', size.length);
  }
  checkRegions(regions, classes);
  checkTolerances(tolerance, regions.length);
  return {
    predicted: arrayOf<"uint8" | "int32" | "int64">(predicted),
    labels: arrayOf<"uint8" | "int32" | "int64">(labels),
    device,
    batch,
    size,
    classes,
    regions,
    ignore,
    spacing,
    ...checkSurfaceDefinition(definition),
    tolerance: tolerance ?? 1,
  };
}

/** Throws unless `regions` is an array of arrays of classes. */
export function checkRegions(regions: readonly (readonly number[])[], classes: number): void {
  if (!Array.isArray(regions)) throw invalidArgument("regions", "an array of arrays of classes", regions);
  regions.forEach((region: readonly number[], i) => {
    if (!Array.isArray(region)) throw invalidArgument(`regions[${i}]`, "an array of classes", region);
    for (const c of region as readonly number[]) checkInteger(`regions[${i}]`, c, 0, classes - 1);
  });
}
