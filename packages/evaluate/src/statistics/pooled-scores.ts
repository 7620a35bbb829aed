import type { EvaluationRow } from "../evaluate.js";
import { caseTable, totalSums } from "./case-table.js";
import { measuresOf } from "./measures.js";

/**
 * Returns the measures of all pixels of the cases together by name, as "ECE pooled": those of
 * {@link runStatistics}, without intervals.
 */
export function pooledScores(rows: readonly EvaluationRow[]): ReadonlyMap<string, number> {
  const table = caseTable(rows);
  const sums = totalSums(table);
  return new Map(
    measuresOf(table.layout)
      .filter(({ column }) => column === undefined)
      .map(({ name, value }) => [name, value(sums)]),
  );
}
