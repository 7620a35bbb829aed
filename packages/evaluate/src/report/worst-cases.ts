import type { RunResult } from "./results.js";

/** Returns the names of the cases with the largest ECE, the worst first; equal ones in the order of names. */
export function worstCalibrated({ evaluation: { rows } }: RunResult, count: number): readonly string[] {
  return rows
    .filter(({ scores }) => !Number.isNaN(scores.ECE ?? Number.NaN))
    .toSorted((a, b) => b.scores.ECE! - a.scores.ECE! || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name);
}
