/** A column of a table: its title and the cell of a row. */
export interface Column<R> {
  readonly title: string;
  readonly cell: (row: R) => string;
  /** The alignment: "left" for text, "right" (the default) for numbers. */
  readonly align?: "left" | "right";
}

/**
 * Formats rows in aligned columns under a ruled header; no trailing spaces, one line per row, a newline at
 * the end.
 */
export function formatTable<R>(rows: readonly R[], columns: readonly Column<R>[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, j) => Math.max(...cells.map((line) => line[j]!.length)));
  const lines = cells.map((line) =>
    line
      .map((text, j) => (columns[j]!.align === "left" ? text.padEnd(widths[j]!) : text.padStart(widths[j]!)))
      .join("  ")
      .trimEnd(),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return `${[lines[0], rule, ...lines.slice(1)].join("\n")}\n`;
}

/** Formats the same columns as a Markdown table. */
export function formatMarkdown<R>(rows: readonly R[], columns: readonly Column<R>[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === "left" ? "---" : "---:"))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row)))),
  ].join("\n")}\n`;
}

/** Formats a number with a fixed count of decimals; infinity is "inf", an undefined value "-". */
export function fixed(value: number, decimals: number): string {
  if (Number.isNaN(value)) return "-";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return value.toFixed(decimals);
}
