import type {
  BoundaryCalibrationSums,
  BoundaryCalibrationOptions as NativeOptions,
  BoundaryRingsOptions as NativeRings,
} from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkChoice, checkInteger, checkSpacing } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Probabilities } from "../tensor.js";
import { type BoundaryBins, type BoundaryLayout, withSums } from "./boundary-bins.js";
import { binLayout } from "./calibration-bins.js";
import { type PixelSelection, probabilityMaps } from "./probability-maps.js";

/** The rule that puts pixels into rings and bins. */
export interface BoundaryOptions {
  /**
   * The signed distances between rings, increasing, in the units of `spacing`; the outer two rings are open.
   * Default -10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10.
   */
  readonly rings?: readonly number[];
  /** The number of bins of each ring; default 10. */
  readonly bins?: number;
  /** The binned quantity as in `BinLayout.of`, or one class; default "foreground". */
  readonly of?: BoundaryLayout["of"];
  /** The edge that belongs to a bin; default "right-closed". */
  readonly edges?: BoundaryLayout["edges"];
  /**
   * The segmentation whose boundary distances are measured to: `predicted` (default) or, as a diagnostic
   * only, `label`. Pixels chosen by their labels look miscalibrated even if every probability is right.
   */
  readonly boundary?: BoundaryLayout["boundary"];
}

export interface BoundaryCalibrationOptions extends BoundaryOptions, PixelSelection, DeviceOption {
  /** The physical size of a pixel per spatial dimension; default ones. */
  readonly spacing?: readonly number[];
}

const layoutTable = { rings: true, bins: true, of: true, edges: true, boundary: true } as const;
/** The names of {@link BoundaryOptions}. */
export const ringNames: ReadonlySet<string> = optionNames<BoundaryOptions>(layoutTable);
const names = optionNames<BoundaryCalibrationOptions>({
  ...layoutTable,
  device: true,
  signal: true,
  ignore: true,
  mask: true,
  spacing: true,
});

const defaultRings = [-10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10];

/**
 * Bins probabilities `[N, C, ...spatial]` against labels `[N, ...spatial]` by their signed distance to the
 * boundary of the segmentation (the first of the likeliest classes), positive outside as in `signedDistance`.
 * `foreground` measures to the mask of all classes but 0, `classes` to that of each class, and `top-label` to
 * the nearest pixel of another class, negative in the foreground. A ring holds its edge that is farther from
 * the boundary, compared in float32: with unit spacing (0, 1] and [-1, 0) are the pixels that touch it.
 * Without a boundary in the image all its pixels are in an outermost ring. Ignored pixels belong to no class
 * and count nowhere. All sums are exact, so that images may be added in any order.
 */
export async function boundaryCalibration(
  probs: Probabilities,
  labels: Labels,
  options: BoundaryCalibrationOptions = {},
): Promise<BoundaryBins> {
  const { layout, request } = boundaryRequest(probs, labels, options);
  return withSums(layout, parts(await call(native.boundaryCalibration, request, options.signal)));
}

/** Runs {@link boundaryCalibration} on the calling thread. */
export function boundaryCalibrationSync(
  probs: Probabilities,
  labels: Labels,
  options: BoundaryCalibrationOptions = {},
): BoundaryBins {
  const { layout, request } = boundaryRequest(probs, labels, options);
  return withSums(layout, parts(callSync(() => native.boundaryCalibrationSync(request))));
}

/** Returns the layout that `boundaryCalibration` uses with these options. */
export function boundaryLayout(options: BoundaryOptions, classes: number): BoundaryLayout {
  const { rings = defaultRings, of = "foreground", boundary = "predicted" } = options;
  const one = typeof of === "number";
  if (one) checkInteger("of", of, 0, classes - 1);
  const { bins, edges, limits, groups } = binLayout(
    { bins: options.bins, edges: options.edges, of: one ? "foreground" : of },
    classes,
  );
  checkChoice("boundary", boundary, ["predicted", "label"]);
  if (!Array.isArray(rings) || rings.length < 1 || rings.length > 255)
    throw invalidArgument("rings", "1 to 255 distances", rings);
  rings.forEach((edge: unknown, i) => {
    if (typeof edge !== "number" || !Number.isFinite(edge) || !(i === 0 || edge > rings[i - 1]!))
      throw invalidArgument("rings", "increasing distances", rings);
  });
  return { of, boundary, edges, bins, limits, rings: [...rings], groups };
}

function boundaryRequest(
  probs: Probabilities,
  labels: Labels,
  options: BoundaryCalibrationOptions,
): { layout: BoundaryLayout; request: NativeOptions } {
  checkOptions("options", options, names);
  checkCall(options);
  const maps = probabilityMaps(probs, labels, options);
  const size = labels.dims.slice(1);
  checkSpacing(options.spacing, size.length);
  const layout = boundaryLayout(options, maps.classes);
  return { layout, request: { ...maps, size, spacing: options.spacing, ...nativeRings(layout) } };
}

/** Returns a layout as the kernels read it. */
export function nativeRings({ of, boundary, edges, bins, limits, rings }: BoundaryLayout): NativeRings {
  return {
    of: typeof of === "number" ? "classes" : of,
    only: typeof of === "number" ? of : undefined,
    boundary,
    closed: edges === "right-closed" ? "right" : "left",
    bins,
    edges: limits,
    rings,
  };
}

function parts(sums: BoundaryCalibrationSums): readonly Float64Array[] {
  return [sums.count, sums.accuracy, sums.confidence, sums.logLoss, sums.impossible];
}
