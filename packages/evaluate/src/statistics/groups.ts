import { FormatError } from "@pixelcal/io";
import type { EvaluationRow } from "../evaluate.js";
import { parseCsv } from "../report/csv.js";

/** Returns the group of a case by its name; undefined for a case that has none. */
export type GroupOf = (name: string) => string | undefined;

/** Returns the subject of a name as BIDS writes it: "sub-01" of "sub-01_ses-2_T1w". */
export const bidsSubject: GroupOf = (name) => /(?:^|[/_])(sub-[a-zA-Z0-9]+)(?=[_./]|$)/.exec(name)?.[1];

/**
 * Reads the groups of cases from comma- or tab-separated values with a header: the first column names the
 * case, `column` its group. Throws `FormatError`, which names `source`.
 */
export function groupsOfTable(text: string, column: string, source: string): GroupOf {
  const [header = [], ...rows] = parseCsv(text, source);
  const at = header.indexOf(column);
  if (at < 0)
    throw new FormatError(source, undefined, `no column "${column}"; it has ${header.join(", ") || "none"}`);
  const groups = new Map<string, string>();
  for (const row of rows) {
    const [name, group] = [row[0]!, row[at]!];
    if (groups.has(name)) throw new FormatError(source, undefined, `case "${name}" is there twice`);
    groups.set(name, group);
  }
  return (name) => groups.get(name) || undefined;
}

/** Returns the rows with their groups. Throws `FormatError` for a case without one, which names `source`. */
export function withGroups(
  rows: readonly EvaluationRow[],
  groupOf: GroupOf,
  source: string,
): readonly EvaluationRow[] {
  return rows.map((row) => {
    const group = groupOf(row.name);
    if (group === undefined) throw new FormatError(source, undefined, `case "${row.name}" has no group`);
    return { ...row, group };
  });
}
