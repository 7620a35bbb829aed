import type { BoundaryGaps } from "../statistics/boundary-gaps.js";
import type { Comparison } from "../statistics/compare-runs.js";
import type { RunStatistics } from "../statistics/run-statistics.js";
import type { CasePictures } from "./pictures/pictures.js";

/** One case of a run in the report's table. */
interface ReportCase {
  readonly name: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** One run of the report. */
export interface ReportRun {
  readonly name: string;
  readonly cases: readonly ReportCase[];
  readonly statistics: RunStatistics;
  readonly boundary?: BoundaryGaps;
}

/** The candidates of a calibration, as `pixelcal calibrate` stores them. */
interface CalibratorTable {
  readonly columns: readonly { readonly name: string; readonly better: "lower" | "higher" }[];
  readonly rows: readonly CalibratorRow[];
  /** The method that the differences are taken against. */
  readonly reference?: string;
}

export interface CalibratorRow {
  readonly method: string;
  /** The value of each column; NaN for one that is undefined. */
  readonly values: readonly number[];
  /** The paired difference of the log score from the reference, over cases or groups. */
  readonly difference?: { readonly value: number; readonly low: number; readonly high: number };
  /** Whether the method may change the predicted label of a pixel. */
  readonly changesLabels?: boolean;
  readonly chosen?: boolean;
}

/** The scores of a training run by epoch. */
export interface TrainingCurves {
  readonly epochs: readonly number[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly best?: number;
}

/** Everything that a report shows. */
export interface ReportData {
  /** A line that says what was predicted by what, for example the run's folder. */
  readonly subject: string;
  readonly runs: readonly [ReportRun] | readonly [before: ReportRun, after: ReportRun];
  /** The paired differences between two runs. */
  readonly comparison?: Comparison;
  /** The names of the classes, class 0 first. */
  readonly classes: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly calibrators?: CalibratorTable;
  readonly training?: TrainingCurves;
  readonly pictures?: readonly CasePictures[];
  /** Sentences on cases left out, empty masks and the like. */
  readonly notes?: readonly string[];
}
