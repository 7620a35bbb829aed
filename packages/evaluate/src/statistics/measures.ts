import { pooledBoundaryError } from "./boundary-gaps.js";
import { keptBins } from "./case-sums.js";
import type { SumLayout } from "./case-table.js";
import type { StatisticKind } from "./estimate.js";

/** A number over cases as a function of the sums of a table, and the direction in which it is better. */
export interface Measure {
  readonly name: string;
  readonly better: "lower" | "higher" | undefined;
  /** The score of single cases whose mean it is; undefined for a measure of all pixels together. */
  readonly column: string | undefined;
  value(sums: Float64Array): number;
}

/** Returns what kind of statistic a measure is. */
export const kindOf = ({ column }: Measure): StatisticKind => (column === undefined ? "error" : "mean");

/** Returns the direction in which a column is better; undefined for one that is no quality. */
function betterOf(column: string): Measure["better"] {
  if (
    /^(pECE if calibrated|temperature|boundary gap|(relative )?volume difference|lesion confidence)\b/.test(
      column,
    ) ||
    /^(P\()?volume > /.test(column)
  )
    return undefined;
  return /^(DSC|IoU|NSD|clDice|lesion F1|lesion Dice|lesions detected|PQ)\b/.test(column)
    ? "higher"
    : "lower";
}

/**
 * Returns the measures of a table: every column's mean over cases, Infinity if any case is, and the
 * calibration errors of all pixels together, in 15 bins: "ECE pooled" of the top label and, by class, "ECE
 * pooled class 1", and "boundary ECE pooled" of the pixels within 3 of the predicted boundary.
 */
export function measuresOf(layout: SumLayout): readonly Measure[] {
  const means = [...layout.scores].map(
    ([column, at]): Measure => ({
      name: column,
      better: betterOf(column),
      column,
      value: (sums) => (sums[at + 2]! > 0 ? Number.POSITIVE_INFINITY : sums[at]! / sums[at + 1]!),
    }),
  );
  const pooled = (name: string, at: number): Measure => ({
    name,
    better: "lower",
    column: undefined,
    value: (sums) => pooledError(sums, at),
  });
  const { boundary } = layout;
  return [
    ...means,
    ...(layout.topLabel === undefined ? [] : [pooled("ECE pooled", layout.topLabel)]),
    ...layout.classes.map((at, c) => pooled(`ECE pooled class ${c}`, at)),
    ...(boundary === undefined
      ? []
      : [
          {
            name: "boundary ECE pooled",
            better: "lower",
            column: undefined,
            value: (sums) => pooledBoundaryError(sums, boundary),
          } satisfies Measure,
        ]),
  ];
}

/** Returns the ECE of the histogram at `at`; NaN without pixels. */
function pooledError(sums: Float64Array, at: number): number {
  let error = 0;
  let pixels = 0;
  for (let b = at; b < at + keptBins; b++) {
    pixels += sums[b]!;
    error += Math.abs(sums[b + keptBins]! - sums[b + 2 * keptBins]!);
  }
  return error / pixels;
}
