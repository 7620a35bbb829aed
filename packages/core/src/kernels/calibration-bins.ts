import type {
  BinningOptions,
  HistogramOptions as NativeHistogram,
  ProbabilityMaps as NativeMaps,
} from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkBoolean, checkChoice, checkInteger } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";
import { type BinLayout, type CalibrationBins, histogramLength, histogramOf } from "./bins.js";
import { type PixelSelection, probabilityMaps } from "./probability-maps.js";

export type { BinLayout, CalibrationBins } from "./bins.js";

export interface BinOptions {
  /** The number of bins; default 10. */
  readonly bins?: number;
  /** The binned quantity, see {@link BinLayout}; default "foreground". */
  readonly of?: "foreground" | "classes" | "top-label";
  /** The edge that belongs to a bin; default "right-closed". */
  readonly edges?: "right-closed" | "left-closed";
  /**
   * Whether the first of right-closed bins holds p = 0, like include_lowest of pandas.cut; default true. With
   * false such pixels are in no bin, as in the SDC repository's code: a certain miss (p = 0 on the object)
   * then adds to no error.
   */
  readonly includeLowest?: boolean;
  /**
   * The limits i / bins as probabilities meet them: those of numpy.linspace in float64 (default, as in NumPy
   * 2 and later) or float32 (NumPy 1); "torch": of torch.linspace(0, 1, bins + 1) in float32; "monai": the
   * same up to 1 + 2^-23. They differ in the last place, which decides about probabilities such as 0.6.
   */
  readonly comparison?: "float64" | "float32" | "torch" | "monai";
  /**
   * The probability, in [0, 1) and compared in float32, above which pixels are counted; the paper's classwise
   * error uses 1e-3.
   */
  readonly threshold?: number;
  /** Whether sums of p^2 are kept too, at the cost of a pass of their own; default false. */
  readonly squares?: boolean;
}

export interface HistogramOptions extends BinOptions {
  /**
   * The width of bins: `equal-width` (default), or `equal-mass` with limits at the order statistics of the
   * counted probabilities. Every equal-mass bin of a group then holds as many pixels as ties allow (equal
   * probabilities stay together, which can leave bins empty). The expected error of such bins is the adaptive
   * calibration error, AdaECE; the mean over classes of their average error is Nixon's ACE. Their limits
   * depend on the data: bins of different images cannot be merged.
   */
  readonly scheme?: "equal-width" | "equal-mass";
}

/** The pixels that count, and their weights. */
export interface HistogramPixels extends PixelSelection, DeviceOption {
  /** The weights `[N, ...spatial]`, at least 0, of every count and sum. Not with `equal-mass`. */
  readonly weights?: Tensor<"float32">;
}

export interface CalibrationBinsOptions extends HistogramOptions, HistogramPixels {}

const histogramTable = {
  bins: true,
  of: true,
  edges: true,
  includeLowest: true,
  comparison: true,
  threshold: true,
  scheme: true,
  squares: true,
} as const;
const pixelsTable = { device: true, signal: true, ignore: true, mask: true, weights: true } as const;
const histogramNames = optionNames<HistogramOptions>(histogramTable);
const pixelsNames = optionNames<HistogramPixels>(pixelsTable);
const names = optionNames<CalibrationBinsOptions>({ ...histogramTable, ...pixelsTable });

/**
 * Bins probabilities `[N, C, ...spatial]` against labels `[N, ...spatial]` over all N images, which is all
 * that the binned calibration errors need. Without weights the result has the same bits in any order of
 * pixels and at any thread count (sums of p are kept in units of 2^-40). Its arrays are views of one
 * ArrayBuffer. Throws on probabilities outside [0, 1] or NaN, naming their number and the first one.
 */
export async function calibrationBins(
  probs: Probabilities,
  labels: Labels,
  options: CalibrationBinsOptions = {},
): Promise<CalibrationBins> {
  checkOptions("options", options, names);
  return (await histogramsOf(histogramsRequest(probs, labels, [options], options), options.signal))[0]!;
}

/** Runs {@link calibrationBins} on the calling thread. */
export function calibrationBinsSync(
  probs: Probabilities,
  labels: Labels,
  options: CalibrationBinsOptions = {},
): CalibrationBins {
  checkOptions("options", options, names);
  return histogramsOfSync(histogramsRequest(probs, labels, [options], options))[0]!;
}

/**
 * Runs {@link calibrationBins} with several options in one pass over the probabilities, for example the bins
 * of the foreground, of every class and of the top label, or several thresholds or numbers of bins. Results
 * are in the order of `histograms`.
 */
export async function calibrationHistograms(
  probs: Probabilities,
  labels: Labels,
  histograms: readonly HistogramOptions[],
  pixels: HistogramPixels = {},
): Promise<CalibrationBins[]> {
  checkHistograms(histograms, pixels);
  return histogramsOf(histogramsRequest(probs, labels, histograms, pixels), pixels.signal);
}

async function histogramsOf(
  { maps, layouts }: HistogramsRequest,
  signal: AbortSignal | undefined,
): Promise<CalibrationBins[]> {
  const found: BinLayout[] = [];
  for (const layout of layouts) {
    const limits =
      layout.scheme === "equal-mass"
        ? await call(native.equalMassEdges, { ...maps, ...binning(layout) }, signal)
        : layout.limits;
    found.push({ ...layout, limits });
  }
  const request = { ...maps, histograms: found.map((each) => nativeHistogram(each)) };
  return binsOf(found, await call(native.calibrationBins, request, signal));
}

/** Runs {@link calibrationHistograms} on the calling thread. */
export function calibrationHistogramsSync(
  probs: Probabilities,
  labels: Labels,
  histograms: readonly HistogramOptions[],
  pixels: HistogramPixels = {},
): CalibrationBins[] {
  checkHistograms(histograms, pixels);
  return histogramsOfSync(histogramsRequest(probs, labels, histograms, pixels));
}

function histogramsOfSync({ maps, layouts }: HistogramsRequest): CalibrationBins[] {
  return callSync(() => {
    const found = layouts.map((layout) =>
      layout.scheme === "equal-mass"
        ? { ...layout, limits: native.equalMassEdgesSync({ ...maps, ...binning(layout) }) }
        : layout,
    );
    return binsOf(
      found,
      native.calibrationBinsSync({ ...maps, histograms: found.map((each) => nativeHistogram(each)) }),
    );
  });
}

/** Returns the layout that `calibrationBins` uses with these options. */
export function binLayout(options: BinOptions, classes: number): BinLayout {
  const {
    bins = 10,
    of = "foreground",
    edges = "right-closed",
    includeLowest = true,
    comparison = "float64",
    threshold = -1,
    squares = false,
  } = options;
  checkInteger("bins", bins, 1, 4096);
  checkChoice("of", of, ["foreground", "classes", "top-label"]);
  checkChoice("edges", edges, ["right-closed", "left-closed"]);
  checkBoolean("includeLowest", includeLowest);
  checkBoolean("squares", squares);
  if (!includeLowest && edges === "left-closed") {
    throw new InvalidArgumentError("includeLowest", 'includeLowest: false needs edges: "right-closed"');
  }
  checkChoice("comparison", comparison, ["float64", "float32", "torch", "monai"]);
  if (
    options.threshold !== undefined &&
    !(typeof threshold === "number" && threshold >= 0 && threshold < 1)
  ) {
    throw invalidArgument("threshold", "a number from 0 to below 1", threshold);
  }
  const limits = equalLimits(bins, comparison);
  return {
    of,
    edges,
    includeLowest,
    bins,
    scheme: "equal-width",
    limits,
    threshold,
    groups: of === "classes" ? classes : 1,
    squares,
  };
}

/** Returns the limits of bins of equal width; the last is 1. */
function equalLimits(bins: number, comparison: BinOptions["comparison"]): Float64Array {
  const limits = new Float64Array(bins + 1).fill(1);
  const end = comparison === "monai" ? 1 + 2 ** -23 : 1;
  // torch counts with a step in float32, from both ends to the middle, and rounds each limit once.
  const step = Math.fround(end / bins);
  for (let i = 0; i < bins; i++) {
    if (comparison === "torch" || comparison === "monai")
      limits[i] = Math.fround(2 * i < bins ? step * i : end - step * (bins - i));
    // numpy.linspace multiplies i by the rounded step.
    else limits[i] = comparison === "float32" ? Math.fround(i * (1 / bins)) : i * (1 / bins);
  }
  return limits;
}

function checkHistograms(histograms: readonly HistogramOptions[], pixels: HistogramPixels): void {
  if (!Array.isArray(histograms)) throw invalidArgument("histograms", "an array", histograms);
  checkOptions("pixels", pixels, pixelsNames);
  // Holes too, which forEach passes over.
  for (let i = 0; i < histograms.length; i++) checkOptions(`histograms[${i}]`, histograms[i], histogramNames);
}

interface HistogramsRequest {
  readonly maps: NativeMaps;
  readonly layouts: readonly BinLayout[];
}

function histogramsRequest(
  probs: Probabilities,
  labels: Labels,
  histograms: readonly HistogramOptions[],
  pixels: HistogramPixels,
): HistogramsRequest {
  checkCall(pixels);
  const maps = probabilityMaps(probs, labels, pixels, pixels.weights);
  const layouts = histograms.map((options: HistogramOptions) => {
    const layout = binLayout(options, maps.classes);
    const { scheme = "equal-width" } = options;
    checkChoice("scheme", scheme, ["equal-width", "equal-mass"]);
    if (scheme === "equal-mass" && pixels.weights !== undefined) {
      throw new InvalidArgumentError("weights", 'weights: not supported with scheme "equal-mass"');
    }
    return { ...layout, scheme };
  });
  return { maps, layouts };
}

function binning({ of, bins, edges, includeLowest, threshold }: BinLayout): BinningOptions {
  return { of, bins, threshold, includeLowest, closed: edges === "right-closed" ? "right" : "left" };
}

/**
 * Returns a layout as the kernels read it, which make the limits of numpy.linspace themselves. Fields are
 * named one by one, because V8 reads objects that start with a spread slowly.
 */
export function nativeHistogram(layout: BinLayout, objects?: boolean): NativeHistogram {
  const { of, bins, closed, threshold, includeLowest } = binning(layout);
  const { limits, squares } = layout;
  const same = (comparison: "float64" | "float32"): boolean => {
    const own = equalLimits(bins, comparison);
    return limits.length === own.length && limits.every((limit, i) => limit === own[i]);
  };
  // Limits that are exact in float32 are the same in both precisions.
  const comparison = same("float32") ? "float32" : same("float64") ? "float64" : undefined;
  const given = layout.scheme === "equal-mass" || comparison === undefined;
  return {
    of,
    bins,
    threshold,
    includeLowest,
    closed,
    squares,
    edges: given ? limits : undefined,
    comparison: given ? undefined : comparison,
    objects,
  };
}

/** Returns the bins of every layout from the sums of all, one histogram after the other. */
function binsOf(layouts: readonly BinLayout[], sums: Float64Array): CalibrationBins[] {
  let at = 0;
  return layouts.map((layout) => {
    const begin = at;
    at += histogramLength(layout);
    return histogramOf(layout, sums.subarray(begin, at));
  });
}
