import type { Evaluation, ScoreSummary } from "@pixelcal/train";
import { formatCsv } from "./csv.js";
import { formatJson } from "./json.js";
import { type Column, fixed, formatMarkdown, formatTable } from "./table.js";

/** The scores of one run. */
export interface RunResult {
  readonly run: string;
  readonly evaluation: Evaluation;
}

/** A column of a results table and its decimals. */
export type Shown = readonly [column: string, decimals: number];

/** The five columns of the paper's table. */
export const paperColumns: readonly Shown[] = [
  ["DSC", 4],
  ["HD95", 2],
  ["ECE", 4],
  ["CECE", 4],
  ["pECE", 4],
];

/** Runs from the highest mean DSC to the lowest, those without one last. */
export function ranked(results: readonly RunResult[]): readonly RunResult[] {
  const dsc = ({ evaluation }: RunResult): number => {
    const { mean } = evaluation.summary.DSC!;
    return Number.isNaN(mean) ? Number.NEGATIVE_INFINITY : mean;
  };
  return [...results].sort((a, b) => dsc(b) - dsc(a));
}

/** Mean ± standard deviation over cases, one row a run, and under it what a mean does not say. */
export function resultsText(results: readonly RunResult[], shown: readonly Shown[] = paperColumns): string {
  const notes = results.flatMap((result) =>
    shown.flatMap(([column, decimals]) => note(result, column, decimals)),
  );
  return [formatTable(results, columnsOf(shown)), ...notes.map((line) => `${line}\n`)].join("");
}

/** The same table in Markdown. */
export function resultsMarkdown(
  results: readonly RunResult[],
  shown: readonly Shown[] = paperColumns,
): string {
  return formatMarkdown(results, columnsOf(shown));
}

function columnsOf(shown: readonly Shown[]): Column<RunResult>[] {
  return [
    { title: "run", align: "left", cell: ({ run }) => run },
    { title: "cases", cell: ({ evaluation }) => String(evaluation.rows.length) },
    ...shown.map(([column, decimals]) => ({
      title: column,
      cell: ({ evaluation }: RunResult) => spread(evaluation.summary[column]!, decimals),
    })),
  ];
}

function spread({ mean, deviation }: ScoreSummary, decimals: number): string {
  const middle = fixed(mean, decimals);
  return Number.isNaN(deviation) || !Number.isFinite(mean)
    ? middle
    : `${middle} ± ${fixed(deviation, decimals)}`;
}

function note({ run, evaluation }: RunResult, column: string, decimals: number): string[] {
  const { infinite, undefined: undefinedCases, finiteMean, count } = evaluation.summary[column]!;
  const lines: string[] = [];
  if (infinite > 0) {
    const rest = `${fixed(finiteMean, decimals)} over the other ${count - infinite}`;
    lines.push(`${run}: ${column} is infinite in ${infinite} of ${count} cases (one mask is empty), ${rest}`);
  }
  if (undefinedCases > 0)
    lines.push(`${run}: ${column} is not defined in ${undefinedCases} of ${evaluation.rows.length} cases`);
  return lines;
}

/** One row a run: the means (the paper's columns first), the number of cases, the standard deviations. */
export function resultsCsv(results: readonly RunResult[]): string {
  const columns = [...new Set(results.flatMap(({ evaluation }) => Object.keys(evaluation.summary)))];
  const header = ["run", ...columns, "cases", ...columns.map((column) => `${column} sd`)];
  const rows = results.map(({ run, evaluation: { rows: cases, summary } }) => [
    run,
    ...columns.map((column) => summary[column]?.mean ?? Number.NaN),
    cases.length,
    ...columns.map((column) => summary[column]?.deviation ?? Number.NaN),
  ]);
  return formatCsv(header, rows);
}

/** Settings, summaries and the scores of every case. */
export function resultsJson(
  results: readonly RunResult[],
  settings: Readonly<Record<string, unknown>>,
): string {
  const runs = results.map(({ run, evaluation }) => ({
    run,
    summary: evaluation.summary,
    cases: evaluation.rows,
  }));
  return formatJson({ ...settings, runs });
}
