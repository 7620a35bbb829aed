import { type Evaluation, type EvaluationRow, summaryOf } from "./evaluate.js";

/** Returns the worst value of a column: 0 of an overlap, infinity of a distance, else undefined. */
function worst(column: string): number {
  if (/^(DSC|IoU|NSD|clDice|lesion F1|lesion Dice|PQ)\b/.test(column)) return 0;
  return /^(HD|ASSD|MASD|lesion HD)/.test(column) ? Number.POSITIVE_INFINITY : Number.NaN;
}

/**
 * Returns an evaluation with a row for every case that was not predicted: overlap 0 and infinite distances,
 * as for an object that was missed; calibration is undefined where nothing was predicted.
 */
export function withMissingAsWorst(evaluation: Evaluation, missing: readonly string[]): Evaluation {
  if (missing.length === 0) return evaluation;
  const columns = Object.keys(evaluation.summary);
  const pixels = { counted: 0, unbinned: 0, bounded: 0 };
  const rows = missing.map(
    (name): EvaluationRow => ({
      name,
      scores: Object.fromEntries(columns.map((column) => [column, worst(column)])),
      pixels,
      labels: "",
    }),
  );
  const all = [...evaluation.rows, ...rows].sort((a, b) => (a.name < b.name ? -1 : 1));
  return summaryOf(all);
}
