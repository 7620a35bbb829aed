import type { FloatArray, LabelArray } from "./arrays.js";
import type { BoundaryCalibrationOptions, HistogramOptions, HistogramPlan } from "./calibration.js";
import type { LesionTable } from "./components.js";
import type { LabelSurfaceDefinition } from "./distance.js";

/** Regions of the arg-max and of the labels whose components or centrelines are wanted. */
export interface CaseLesionsOptions {
  readonly regions: readonly (readonly number[])[];
  /** Whether components are wanted (default true), the confidence inside, `touching` of `lesionTables`. */
  readonly components?: boolean;
  readonly confidence?: boolean;
  readonly touching?: boolean;
  /** Whether centrelines are wanted; default false. */
  readonly centerlines?: boolean;
  readonly connectivity?: number;
  readonly grow?: number;
}

/** The scores of a case that one pass over its probabilities yields; on the CPU only. */
export interface CaseScoresOptions {
  /** The probabilities, `[batch, classes, ...size]`; any values but NaN without histograms and floors. */
  readonly probs: FloatArray;
  readonly labels: LabelArray;
  readonly batch?: number;
  readonly classes: number;
  readonly size: readonly number[];
  readonly ignore?: number;
  readonly histograms: readonly HistogramOptions[] | HistogramPlan;
  /** The floors of the log loss for which proper scores are wanted. */
  readonly floors: readonly number[];
  /** Whether confusion counts of the arg-max are wanted; default false. */
  readonly confusion?: boolean;
  /** The surface distances of the arg-max that are wanted. */
  readonly surfaces: readonly LabelSurfaceDefinition[];
  /** The closed range of sums over the classes; other sums, but those of ignored pixels, are an error. */
  readonly sums?: readonly [number, number];
  /** Whether the sums of `temperatureSketch` are wanted; default false. */
  readonly temperature?: boolean;
  readonly lesions?: readonly CaseLesionsOptions[];
  /** The spacing of rings and lesions, and in place of that of every definition in `surfaces`. */
  readonly spacing?: readonly number[];
  /** The sums by distance to a boundary that are wanted. */
  readonly rings?: readonly BoundaryRingsOptions[];
  /** The text of the hashes that are wanted of each image's labels, as of `labelHash`. */
  readonly hash?: string;
  readonly out?: Float64Array;
}

export type BoundaryRingsOptions = Pick<
  BoundaryCalibrationOptions,
  "of" | "only" | "boundary" | "closed" | "bins" | "edges" | "rings"
>;

export interface RegionCases {
  readonly probs: Float32Array;
  readonly labels: Uint8Array;
}

/** One image whose regions, which may overlap, become cases of two classes; on the CPU only. */
export interface RegionCasesOptions {
  /** The values `[channels, pixels]`; none is checked. */
  readonly probs: FloatArray;
  /** The labels of the pixels, any numbers. */
  readonly labels: LabelArray;
  readonly channels: number;
  readonly pixels: number;
  readonly ignore?: number;
  /** The channels that each region adds up, and its labels. */
  readonly sums: readonly (readonly number[])[];
  readonly members: readonly (readonly number[])[];
}

/** Labels whose regions, which may overlap, become masks; on the CPU only. */
export type RegionMasksOptions = Pick<RegionCasesOptions, "labels" | "ignore" | "members">;

export interface CaseScores {
  readonly numbers: Float64Array;
  readonly lesions: readonly (readonly LesionTable[])[];
}

export interface CaseScoreKernels {
  /**
   * Returns probs `[region, 2, pixels]`, 1 - p and p (1 where rounding exceeds it by less than 1e-5), and
   * labels `[region, pixels]`: 1 inside, 0 outside, 255 where ignored.
   */
  regionCases(options: RegionCasesOptions): Promise<RegionCases>;
  regionCasesSync(options: RegionCasesOptions): RegionCases;
  /** Returns the labels of `regionCases` alone. */
  regionMasks(options: RegionMasksOptions): Promise<Uint8Array>;
  regionMasksSync(options: RegionMasksOptions): Uint8Array;
  /**
   * Returns all results one after the other: the histograms as `calibrationBins` does; total, Brier score,
   * log loss and bounded pixels of each floor; the counts `[batch, true class, predicted class]`; for each of
   * `surfaces` `[batch, region]` times hd, hd95, hdPercentile, assd, nsd, aToB and bToA; for each of `rings`
   * count, accuracy, confidence, logLoss and impossible; the sums of `temperatureSketch`; the hash of each
   * image as 8 numbers of 32 bits. `lesions` has the tables of each of the options by image and region.
   */
  caseScores(options: CaseScoresOptions): Promise<CaseScores>;
  caseScoresSync(options: CaseScoresOptions): CaseScores;
}
