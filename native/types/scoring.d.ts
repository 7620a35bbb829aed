import type { FloatArray, LabelArray } from "./arrays.js";
import type { HistogramOptions } from "./calibration.js";
import type { LabelSurfaceDefinition } from "./distance.js";

/** The scores of a case that one pass over its probabilities yields; on the CPU only. */
export interface CaseScoresOptions {
  /** The probabilities, `[batch, classes, ...size]`; any values but NaN without histograms and floors. */
  readonly probs: FloatArray;
  readonly labels: LabelArray;
  readonly batch?: number;
  readonly classes: number;
  readonly size: readonly number[];
  readonly ignore?: number;
  readonly histograms: readonly HistogramOptions[];
  /** The floors of the log loss for which proper scores are wanted. */
  readonly floors: readonly number[];
  /** Whether confusion counts of the arg-max are wanted; default false. */
  readonly confusion?: boolean;
  /** The surface distances of the arg-max that are wanted. */
  readonly surfaces: readonly LabelSurfaceDefinition[];
  /** The closed range of sums over the classes; other sums, but those of ignored pixels, are an error. */
  readonly sums?: readonly [number, number];
  /** The spacing, in place of that of every definition in `surfaces`. */
  readonly spacing?: readonly number[];
}

export interface CaseScoreKernels {
  /**
   * Returns all results one after the other: the histograms as `calibrationBins` does; total, Brier score,
   * log loss and bounded pixels of each floor; the counts `[batch, true class, predicted class]`; for each of
   * `surfaces` `[batch, region]` times hd, hd95, hdPercentile, assd, nsd, aToB and bToA.
   */
  caseScores(options: CaseScoresOptions): Promise<Float64Array>;
  caseScoresSync(options: CaseScoresOptions): Float64Array;
}
