import { keptBins } from "./case-sums.js";
import type { CaseTable } from "./case-table.js";
import type { ClusteredError } from "./clustered-error.js";
import type { Estimate } from "./estimate.js";
import type { Interval } from "./interval.js";
import { isotonic } from "./isotonic.js";

/** A bin of a reliability diagram over cases; confidence and accuracy are NaN in an empty bin. */
export interface CaseBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  readonly confidence: number;
  readonly accuracy: number;
  /** The accuracies that other cases would show at this confidence; absent for too few cases. */
  readonly band?: Interval;
  /** The accuracies that calibrated predictions would show with these cases; absent for too few cases. */
  readonly nullBand?: Interval;
  /** The isotonic estimate of the accuracy, which never falls with confidence, and its band. */
  readonly isotonic: number;
  readonly isotonicBand?: Interval;
}

/** A reliability diagram of all pixels together, with bands over cases. */
export interface Reliability {
  readonly name: string;
  readonly bins: readonly CaseBin[];
  readonly error: Estimate;
  /** The error of the l2 norm without the part that chance adds. */
  readonly debiased: ClusteredError;
  /** The ECE that calibrated predictions exceed with probability 1 - level, and their mean ECE. */
  readonly calibrated?: { readonly bound: number; readonly mean: number };
}

/** Returns the residual sums and counts of every group in the histogram at `at`. */
export function groupResiduals(
  { groups, sums, layout: { width } }: CaseTable,
  at: number,
): { readonly residuals: readonly Float64Array[]; readonly counts: readonly Float64Array[] } {
  const rows = Array.from({ length: groups }, (_, g) => g * width + at);
  const part = (start: number): Float64Array => sums.subarray(start, start + keptBins);
  return {
    counts: rows.map((start) => part(start)),
    residuals: rows.map((start) => {
      const accuracy = part(start + 2 * keptBins);
      return part(start + keptBins).map((confidence, b) => confidence - accuracy[b]!);
    }),
  };
}

/** Writes the gap and the isotonic accuracy of every bin of the histogram at `at`. */
export function binStatistics(sums: Float64Array, at: number, into: Float64Array): void {
  const counts = sums.subarray(at, at + keptBins);
  const accuracy = new Float64Array(keptBins);
  for (let b = 0; b < keptBins; b++) {
    const count = counts[b]!;
    accuracy[b] = sums[at + 2 * keptBins + b]! / count;
    into[b] = sums[at + keptBins + b]! / count - accuracy[b]!;
  }
  into.set(isotonic(accuracy, counts), keptBins);
}
