import type { EvaluationRow } from "../evaluate.js";
import { caseTable, weightedSums } from "./case-table.js";
import { measuresOf } from "./measures.js";

/**
 * Returns the measures of all pixels of the cases together by name, as "ECE pooled": those of
 * {@link runStatistics}, without intervals.
 */
export function pooledScores(rows: readonly EvaluationRow[]): ReadonlyMap<string, number> {
  const table = caseTable(rows);
  const once = new Float64Array(table.groups).fill(1);
  const sums = weightedSums(table, once, new Float64Array(table.layout.width));
  return new Map(
    measuresOf(table.layout)
      .filter(({ column }) => column === undefined)
      .map(({ name, value }) => [name, value(sums)]),
  );
}
