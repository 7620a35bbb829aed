import type { LesionTablesOptions, LesionTable as NativeTable } from "@pixelcal/native";
import { call, native } from "../binding.js";
import {
  checkChoice,
  checkClasses,
  checkInteger,
  checkLabels,
  checkProbabilities,
  checkSpacing,
} from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type SignalOption } from "../device.js";
import { arrayOf } from "../device-tensor.js";
import type { CalibrationBins } from "../kernels/bins.js";
import { binLayout } from "../kernels/calibration-bins.js";
import { type Connectivity, connectivityAxes } from "../kernels/connected-components.js";
import { checkDims, checkSelection } from "../kernels/probability-maps.js";
import type { Labels, Probabilities } from "../tensor.js";
import { checkRegions } from "./label-surface-distance.js";

/** The regions whose connected components are lesions. */
export interface LesionRegions extends SignalOption {
  readonly classes: number;
  /** The regions, each a set of classes; default every class but 0 by itself. */
  readonly regions?: readonly (readonly number[])[];
  /** The label of pixels that are in no region. */
  readonly ignore?: number;
  /** The physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
  /** The probabilities `[N, C, ...spatial]`, for the confidence inside of predicted lesions. */
  readonly probs?: Probabilities;
}

export interface LesionTableOptions extends LesionRegions {
  /** The neighbours that make a component; default "corners". */
  readonly connectivity?: Connectivity;
  /**
   * The number of times true lesions grow (by the 18 neighbours that share an edge): those that then touch
   * are one, and predicted lesions that touch what has grown are its pairs. Default 0.
   */
  readonly grow?: number;
}

export const regionTable: { readonly [K in keyof LesionRegions]-?: true } = {
  classes: true,
  regions: true,
  ignore: true,
  spacing: true,
  probs: true,
  signal: true,
};
const names = optionNames<LesionTableOptions>({ ...regionTable, connectivity: true, grow: true });

/** A connected component of a region. */
export interface Lesion {
  readonly pixels: number;
  /** The pixels times their physical size. */
  readonly volume: number;
  /**
   * The mean place of its pixels' centres, in physical units from the first pixel's, per spatial dimension.
   */
  readonly centroid: readonly number[];
  /** The pixels that are in the region in both maps. */
  readonly shared: number;
  /** The mean probability of the region over its pixels; NaN without `probs` and for true lesions. */
  readonly confidence: number;
}

/** A predicted and a true lesion that touch: `shared` is 0 if only the grown one does. */
export interface LesionPair {
  readonly predicted: number;
  readonly truth: number;
  readonly shared: number;
}

/** The lesions of a region in one image. */
export interface LesionTable {
  readonly predicted: readonly Lesion[];
  readonly truth: readonly Lesion[];
  readonly pairs: readonly LesionPair[];
  /**
   * The calibration inside of predicted lesions, in 10 bins of the region's probability; only with `probs`.
   */
  readonly bins?: CalibrationBins;
}

/**
 * Finds the lesions of label maps `[N, ...spatial]`: the connected components of every region, and which of
 * them touch. Returns for each image one table per region.
 */
export async function lesionTables(
  predicted: Labels,
  labels: Labels,
  options: LesionTableOptions,
): Promise<readonly (readonly LesionTable[])[]> {
  checkOptions("options", options, names);
  const request = lesionRequest(predicted, labels, options);
  const tables = await call(native.lesionTables, request, options.signal);
  return byRegion(tables, request.batch, (table) => lesionTableOf(table, request.size, options));
}

/** @internal Returns what is made of each table, by image and region. */
export function byRegion<T>(
  tables: readonly NativeTable[],
  images: number,
  of: (table: NativeTable) => T,
): readonly (readonly T[])[] {
  const regions = tables.length / images;
  return Array.from({ length: images }, (_, image) =>
    tables.slice(image * regions, (image + 1) * regions).map((table) => of(table)),
  );
}

/** @internal */
export interface LesionRequest extends LesionTablesOptions {
  readonly batch: number;
}

/** @internal */
export function lesionRequest(predicted: Labels, labels: Labels, options: LesionTableOptions): LesionRequest {
  checkCall(options);
  checkLabels(predicted, "predicted");
  checkLabels(labels);
  checkDims("predicted", predicted, labels.dims);
  const { classes, ignore, spacing, probs, connectivity = "corners", grow = 0 } = options;
  checkClasses(classes);
  checkSelection({ ignore }, labels.dims);
  const [batch, ...size] = labels.dims as [number, ...number[]];
  checkSpacing(spacing, size.length);
  checkChoice("connectivity", connectivity, Object.keys(connectivityAxes));
  checkInteger("grow", grow, 0, 64);
  const regions = options.regions ?? Array.from({ length: classes - 1 }, (_, c) => [c + 1]);
  checkRegions(regions, classes);
  if (probs !== undefined) {
    checkProbabilities(probs);
    checkDims("probs", probs, [batch, classes, ...size]);
  }
  return {
    predicted: arrayOf<"uint8" | "int32" | "int64">(predicted),
    labels: arrayOf<"uint8" | "int32" | "int64">(labels),
    probs: probs && arrayOf<"float32" | "float16">(probs),
    batch,
    size,
    classes,
    regions,
    ignore,
    connectivity: connectivityAxes[connectivity],
    grow,
  };
}

/** @internal Returns a table as it is shown; one with bins has confidences. */
export function lesionTableOf(
  found: NativeTable,
  size: readonly number[],
  { spacing }: Pick<LesionTableOptions, "spacing">,
): LesionTable {
  const confident = found.count.length > 0;
  const sides = size.map((_, axis) => spacing?.[axis] ?? 1);
  const volume = sides.reduce((product, side) => product * side, 1);
  const lesions = (numbers: Float64Array, confident: boolean): Lesion[] =>
    Array.from({ length: numbers.length / 6 }, (_, i) => {
      const [pixels, z, y, x, shared, confidence] = numbers.subarray(6 * i, 6 * i + 6) as unknown as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      return {
        pixels,
        volume: pixels * volume,
        centroid: [z, y, x].slice(-sides.length).map((at, axis) => at * sides[axis]!),
        shared,
        confidence: confident ? confidence / pixels : Number.NaN,
      };
    });
  const pairs = Array.from({ length: found.pairs.length / 3 }, (_, i) => ({
    predicted: found.pairs[3 * i]!,
    truth: found.pairs[3 * i + 1]!,
    shared: found.pairs[3 * i + 2]!,
  }));
  const table = {
    predicted: lesions(found.predicted, confident),
    truth: lesions(found.truth, false),
    pairs,
  };
  return confident ? { ...table, bins: binsInside(found) } : table;
}

function binsInside({ count, confidence, accuracy }: NativeTable): CalibrationBins {
  return {
    ...binLayout({}, 2),
    total: Float64Array.of(count.reduce((sum, n) => sum + n, 0)),
    dropped: new Float64Array(1),
    count,
    confidenceSum: confidence,
    accuracySum: accuracy,
    falsePositiveSum: new Float64Array(count.length).fill(Number.NaN),
  };
}
