import type { Evaluation } from "../evaluate.js";
import { quantile } from "../statistics/quantile.js";

/** The metrics of classes, by MONAI's names, and the beginnings of our columns. */
const classMetrics = [
  ["mean_dice", "DSC"],
  ["hausdorff_distance_95", "HD95"],
  ["surface_dice", "NSD"],
] as const;

/**
 * Returns the files that MONAI's `write_metrics_reports` makes, by name: metrics.csv with one value a metric,
 * and for Dice, HD95 and the surface Dice of every foreground class the values of all cases (`_raw.csv`) and
 * their statistics without NaN (`_summary.csv`). metrics.csv also has our other columns.
 */
export function monaiReports({
  rows,
  summary,
}: Evaluation): readonly (readonly [file: string, text: string])[] {
  const files: [string, string][] = [];
  const totals: [string, number][] = [];
  const columns = Object.keys(summary);
  for (const [name, column] of classMetrics) {
    const classes = columns.filter((each) => each.startsWith(`${column} class `));
    if (classes.length === 0) continue;
    const titles = [...classes.map((each) => each.slice(column.length + 1).replace(" ", "")), "mean"];
    const table = rows.map(({ scores }) => {
      const values = classes.map((each) => scores[each]!);
      return [...values, nanMean(values)];
    });
    const raw = rows.map((row, i) => [quoted(row.name), ...table[i]!.map(fourDecimals)].join(","));
    files.push([`${name}_raw.csv`, lines([`filename,${titles.join(",")}`, ...raw])]);
    const statistics = titles.map((title, c) => {
      const values = table.map((row) => row[c]!);
      return [title, ...operations.map(([, operation]) => fourDecimals(operation(values)))].join(",");
    });
    const head = `class,${operations.map(([title]) => title).join(",")}`;
    files.push([`${name}_summary.csv`, lines([head, ...statistics])]);
    totals.push([name, nanMean(table.map((row) => row.at(-1)!))]);
  }
  const others = columns.filter((column) => !column.includes(" class "));
  for (const column of others) totals.push([column.replaceAll(" ", "_"), summary[column]!.mean]);
  const all = totals.map(([name, value]) => `${name},${Number.isNaN(value) ? "nan" : infinite(value)}`);
  return [["metrics.csv", lines(all)], ...files];
}

const lines = (rows: readonly string[]): string => `${rows.join("\n")}\n`;

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const infinite = (value: number): string =>
  Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";

const defined = (values: readonly number[]): readonly number[] =>
  values.filter((value) => !Number.isNaN(value));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const nanMean = (values: readonly number[]): number => mean(defined(values));

const percentile = (values: readonly number[], percent: number): number =>
  quantile(
    [...defined(values)].sort((a, b) => a - b),
    percent / 100,
  );

function deviation(values: readonly number[]): number {
  const known = defined(values);
  const middle = mean(known);
  return Math.sqrt(mean(known.map((value) => (value - middle) ** 2)));
}

const extreme = (values: readonly number[], pick: (...all: number[]) => number): number => {
  const known = defined(values);
  return known.length === 0 ? Number.NaN : pick(...known);
};

/** MONAI's operations, in the order of its report. */
const operations: readonly (readonly [title: string, (values: readonly number[]) => number])[] = [
  ["mean", nanMean],
  ["median", (values) => percentile(values, 50)],
  ["max", (values) => extreme(values, Math.max)],
  ["min", (values) => extreme(values, Math.min)],
  ["90percentile", (values) => percentile(values, 90)],
  ["std", deviation],
  ["notnans", (values) => defined(values).length],
];

/** Formats as Python's "%.4f", which rounds exact halves to the even digit. */
function fourDecimals(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return infinite(value);
  const text = value.toFixed(4);
  // Halves are exact only where few bits follow the point, and toFixed rounds them up.
  const half = Number.isInteger(value * 2 ** 20) && /^\d*\.\d{4}50*$/.test(Math.abs(value).toFixed(21));
  if (!half || Number(text.at(-1)) % 2 === 0) return text;
  return (value - Math.sign(value) * 5e-5).toFixed(4);
}
