/** One column of a table: what heads it and which cell of a row it shows. */
export interface Column<R> {
  readonly title: string;
  readonly cell: (row: R) => string;
  /** Text is set to the left, numbers (the default) to the right. */
  readonly align?: "left" | "right";
}

/** Sets rows in aligned columns under a ruled header; no trailing spaces, one line a row, a newline at the end. */
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

/** A Markdown table of the same columns. */
export function formatMarkdown<R>(rows: readonly R[], columns: readonly Column<R>[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === "left" ? "---" : "---:"))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row)))),
  ].join("\n")}\n`;
}

/** A number with a fixed count of decimals; "inf" and "-" stand for infinity and for what is undefined. */
export function fixed(value: number, decimals: number): string {
  if (Number.isNaN(value)) return "-";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return value.toFixed(decimals);
}
