import { FormatError } from "@pixelcal/io";

/**
 * Formats comma-separated values (RFC 4180) as pandas writes and reads them: infinity is "inf", undefined
 * values are empty, and a number has as many digits as are needed to read the same number back.
 */
export function formatCsv(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  return [header, ...rows].map((row) => `${row.map(field).join(",")}\n`).join("");
}

function field(value: string | number): string {
  if (typeof value === "number") {
    if (Number.isNaN(value)) return "";
    return Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
  }
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/**
 * Parses comma- or tab-separated values (whichever the first line has; RFC 4180 quotes) into rows of fields,
 * each as many as the first row has. Empty lines are left out. Throws `FormatError`, which names `source`.
 */
export function parseCsv(text: string, source: string): readonly (readonly string[])[] {
  const separator = /^[^\n]*\t/.test(text) ? "\t" : ",";
  const fields = new RegExp(`(?:"((?:[^"]|"")*)"|([^"${separator}\r\n]*))(${separator}|\r?\n|$)`, "y");
  const rows: string[][] = [];
  let row: string[] = [];
  const content = text.replace(/^\uFEFF/, "");
  for (fields.lastIndex = 0; fields.lastIndex < content.length || row.length > 0; ) {
    const match = fields.exec(content);
    if (!match) throw new FormatError(source, undefined, `line ${rows.length + 1}: a quote is not closed`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === separator) continue;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  const wide = rows.findIndex(({ length }) => length !== rows[0]!.length);
  if (wide >= 0)
    throw new FormatError(
      source,
      undefined,
      `row ${wide + 1} has ${rows[wide]!.length} fields, the header ${rows[0]!.length}`,
    );
  return rows;
}
