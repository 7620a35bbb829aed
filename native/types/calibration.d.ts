import type { DeviceOptions, FloatArray, LabelArray } from "./arrays.js";

/** The probabilities `[batch, classes, pixels]` and their labels `[batch, pixels]`. */
export interface ProbabilityMaps extends DeviceOptions {
  readonly probs: FloatArray;
  readonly labels: LabelArray;
  readonly batch?: number;
  readonly classes: number;
  readonly pixels: number;
  readonly ignore?: number;
  /** The mask, one value per pixel: 0 leaves the pixel out. */
  readonly mask?: Uint8Array;
  /** The weights, one value per pixel. */
  readonly weights?: Float32Array;
}

export interface BinningOptions {
  readonly of: "foreground" | "classes" | "top-label";
  readonly closed: "right" | "left";
  /** Whether the first of right-closed bins holds 0; default true. */
  readonly includeLowest?: boolean;
  readonly bins: number;
  /** The probability (compared in float32) above which pixels are counted. */
  readonly threshold?: number;
}

export interface EqualMassEdgesOptions extends ProbabilityMaps, BinningOptions {
  readonly out?: Float64Array;
}

export interface HistogramOptions extends BinningOptions {
  /**
   * The bins + 1 edges from 0 to 1, never decreasing, or as many for each group; default: bins of equal
   * width, whose edges `comparison` rounds.
   */
  readonly edges?: Float64Array;
  readonly comparison?: "float64" | "float32";
  /** Whether sums of p^2 are wanted; default false. */
  readonly squares?: boolean;
  /** Whether only pixels count whose label is not 0; on the CPU, without weights and squares. */
  readonly objects?: boolean;
}

/** Histograms that were read once, for many calls: they cannot be looked at. */
export interface HistogramPlan {
  readonly __histogramPlan: never;
}

export interface CalibrationBinsOptions extends ProbabilityMaps {
  readonly histograms: readonly HistogramOptions[] | HistogramPlan;
}

export interface BoundaryCalibrationOptions extends ProbabilityMaps {
  readonly size: readonly number[];
  readonly spacing?: readonly number[];
  readonly of: "foreground" | "classes" | "top-label";
  /** The one class wanted of "classes"; default all. */
  readonly only?: number;
  /** The segmentation whose boundary distances are measured to; default "predicted". */
  readonly boundary?: "predicted" | "label";
  readonly closed: "right" | "left";
  readonly bins: number;
  /** The bins + 1 edges, near the multiples of 1 / bins. */
  readonly edges: Float64Array;
  /** The signed distances between rings, increasing. */
  readonly rings: readonly number[];
}

/** The sums per group, ring and bin; `logLoss` and `impossible` per group and ring. */
export interface BoundaryCalibrationSums {
  readonly count: Float64Array;
  readonly confidence: Float64Array;
  readonly accuracy: Float64Array;
  readonly logLoss: Float64Array;
  /** The pixels that logLoss leaves out, because their labels had probability 0. */
  readonly impossible: Float64Array;
}

/** The options of sums over pixels. */
export interface ProbabilityScoreOptions extends ProbabilityMaps {
  /** The least probability that the logarithm uses; default 0. */
  readonly floor?: number;
}
export interface ProbabilityScoreSums {
  readonly total: number;
  readonly brier: number;
  readonly logLoss: number;
  /** The pixels whose probability was raised to the floor. */
  readonly bounded: number;
}

export interface ArgMaxOptions extends DeviceOptions {
  /** The values, `[batch, classes, pixels]`. */
  readonly values: FloatArray;
  readonly batch?: number;
  readonly classes: number;
  readonly pixels: number;
  /** A Uint8Array up to 256 classes, else an Int32Array. */
  readonly out?: Uint8Array | Int32Array;
}

export interface ConfusionCountsOptions extends DeviceOptions {
  readonly predicted: LabelArray;
  readonly labels: LabelArray;
  readonly batch?: number;
  readonly classes: number;
  readonly pixels: number;
  readonly ignore?: number;
  readonly mask?: Uint8Array;
  /** The result, `[batch, true class, predicted class]`. */
  readonly out?: Float64Array;
}

export interface SmoothErrorOptions {
  /** The sums of at most 4096 bins. */
  readonly count: Float64Array;
  readonly confidence: Float64Array;
  readonly accuracy: Float64Array;
  /** The number of pixels. */
  readonly total: number;
}

export interface CalibrationKernels {
  /** Returns the histograms as an object that calls take in their place; each call reads it at once. */
  histogramPlan(options: Pick<CalibrationBinsOptions, "histograms">): Promise<HistogramPlan>;
  histogramPlanSync(options: Pick<CalibrationBinsOptions, "histograms">): HistogramPlan;
  /**
   * Returns the sums of all histograms from one pass, one histogram after the other: total and dropped per
   * group (class, or one), then count, confidence, accuracy, false positives and, if wanted, squares per
   * group and bin.
   */
  calibrationBins(options: CalibrationBinsOptions): Promise<Float64Array>;
  calibrationBinsSync(options: CalibrationBinsOptions): Float64Array;
  /** Returns sums by signed distance to the boundary of the segmentation. */
  boundaryCalibration(options: BoundaryCalibrationOptions): Promise<BoundaryCalibrationSums>;
  boundaryCalibrationSync(options: BoundaryCalibrationOptions): BoundaryCalibrationSums;
  /** Returns bins + 1 edges for each group, from the order of its probabilities. */
  equalMassEdges(options: EqualMassEdgesOptions): Promise<Float64Array>;
  equalMassEdgesSync(options: EqualMassEdgesOptions): Float64Array;
  /**
   * Returns count, impossible and loss, then slopes, curvatures and third derivatives at 33 inverse
   * temperatures (src/calibration/temperature.h).
   */
  temperatureSketch(options: ProbabilityMaps): Promise<Float64Array>;
  temperatureSketchSync(options: ProbabilityMaps): Float64Array;
  /** Returns the smooth calibration error of one group's bins; NaN without pixels. No twin on a device. */
  smoothCalibrationError(options: SmoothErrorOptions): Promise<number>;
  smoothCalibrationErrorSync(options: SmoothErrorOptions): number;
  probabilityScores(options: ProbabilityScoreOptions): Promise<ProbabilityScoreSums>;
  probabilityScoresSync(options: ProbabilityScoreOptions): ProbabilityScoreSums;
  /** Returns a Uint8Array up to 256 classes, else an Int32Array. */
  argMax(options: ArgMaxOptions): Promise<Uint8Array | Int32Array>;
  argMaxSync(options: ArgMaxOptions): Uint8Array | Int32Array;
  /** Returns `[batch, true class, predicted class]`. */
  confusionCounts(options: ConfusionCountsOptions): Promise<Float64Array>;
  confusionCountsSync(options: ConfusionCountsOptions): Float64Array;
}
