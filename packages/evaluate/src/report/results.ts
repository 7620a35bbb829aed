import { someOf } from "../case-sets.js";
import type { Evaluation, EvaluationRow, ScoreSummary } from "../evaluate.js";
import type { Estimate } from "../statistics/estimate.js";
import type { RunStatistics } from "../statistics/run-statistics.js";
import { formatCsv } from "./csv.js";
import { type Column, fixed, formatMarkdown, formatTable } from "./table.js";

/** The scores of one run. */
export interface RunResult {
  /** The name of the row: the run's, followed by the region's if there are regions. */
  readonly run: string;
  /** The region that is scored alone. */
  readonly region?: string;
  readonly evaluation: Evaluation;
  /** The cases of other runs, or of the labels, that this one lacks. */
  readonly missing: readonly string[];
  /** The cases whose labels differ from those of an earlier run. */
  readonly relabelled: readonly string[];
  /** The statistics over cases, if they were made. */
  readonly statistics?: RunStatistics;
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

/** Returns whether a run has all cases of the others, with their labels. */
const isComplete = ({ missing, relabelled }: RunResult): boolean => missing.length + relabelled.length === 0;

/**
 * Sorts runs from the highest mean DSC to the lowest, runs without one last; after them the runs that lack
 * cases.
 */
export function ranked(results: readonly RunResult[]): readonly RunResult[] {
  const dsc = ({ evaluation }: RunResult): number => {
    const { mean } = evaluation.summary.DSC!;
    return Number.isNaN(mean) ? Number.NEGATIVE_INFINITY : mean;
  };
  const byScore = (a: RunResult, b: RunResult): number => Math.sign(dsc(b) - dsc(a)) || 0;
  return [...results].sort((a, b) => +isComplete(b) - +isComplete(a) || byScore(a, b));
}

/**
 * Returns a line for each run that lacks cases of the others or has other labels for them; empty if all runs
 * agree.
 */
export function differences(results: readonly RunResult[]): readonly string[] {
  return results.flatMap(({ run, missing, relabelled }) => [
    ...(missing.length === 0 ? [] : [`${run} lacks ${count(missing)}: ${someOf(missing, 10)}`]),
    ...(relabelled.length === 0
      ? []
      : [`${run} has other labels than an earlier run in ${count(relabelled)}: ${someOf(relabelled, 10)}`]),
  ]);
}

const count = ({ length }: readonly string[]): string => `${length} ${length === 1 ? "case" : "cases"}`;

/**
 * Formats mean ± standard deviation over cases, one row per run, and below it the cases that the means leave
 * out.
 */
export function resultsText(results: readonly RunResult[], shown: readonly Shown[] = paperColumns): string {
  const notes = results.flatMap((result) => [
    ...shown.flatMap(([column, decimals]) => note(result, column, decimals)),
    ...omissions(result),
  ]);
  return [formatTable(results, columnsOf(shown)), ...notes.map((line) => `${line}\n`)].join("");
}

/** Formats the same table in Markdown. */
export function resultsMarkdown(
  results: readonly RunResult[],
  shown: readonly Shown[] = paperColumns,
): string {
  return formatMarkdown(results, columnsOf(shown));
}

function columnsOf(shown: readonly Shown[]): Column<RunResult>[] {
  return [
    { title: "run", align: "left", cell: ({ run }) => run },
    { title: "cases", cell: casesCell },
    ...shown.map(([column, decimals]) => ({
      title: column,
      cell: ({ evaluation }: RunResult) => spread(evaluation.summary[column]!, decimals),
    })),
  ];
}

/** Returns "2", "2 of 5" if cases are missing, or "2, 1 relabelled". */
function casesCell({ evaluation: { rows }, missing, relabelled }: RunResult): string {
  const cases = missing.length === 0 ? `${rows.length}` : `${rows.length} of ${rows.length + missing.length}`;
  return relabelled.length === 0 ? cases : `${cases}, ${relabelled.length} relabelled`;
}

function spread({ mean, deviation, infinite, undefined: lacking }: ScoreSummary, decimals: number): string {
  const middle = fixed(mean, decimals);
  const known = Number.isNaN(deviation) || !Number.isFinite(mean);
  const counts = [
    ...(infinite > 0 ? [`${infinite} infinite`] : []),
    ...(lacking > 0 ? [`${lacking} undefined`] : []),
  ];
  const left = counts.length > 0 ? ` (${counts.join(", ")})` : "";
  return `${known ? middle : `${middle} ± ${fixed(deviation, decimals)}`}${left}`;
}

/** Returns the mean over the finite cases, if others make the mean infinite. */
function note({ run, evaluation }: RunResult, column: string, decimals: number): string[] {
  const { infinite, finiteMean, count } = evaluation.summary[column]!;
  if (infinite === 0) return [];
  const rest = `${fixed(finiteMean, decimals)} over the other ${count - infinite}`;
  return [`${run}: ${column} is infinite in ${infinite} of ${count} cases (one mask is empty), ${rest}`];
}

/** Lists the cases and pixels that the means over classes and the bins leave out. */
function omissions({ run, evaluation: { summary, pixels, rows } }: RunResult): string[] {
  const lines: string[] = [];
  const classes = Object.entries(summary).filter(([column]) => /^DSC class \d+$/.test(column));
  const lacking = classes.reduce((sum, [, of]) => sum + of.undefined, 0);
  if (lacking > 0)
    lines.push(
      `${run}: ${lacking} of ${classes.length * rows.length} classes of cases are in no mean (undefined)`,
    );
  if (pixels.unbinned > 0)
    lines.push(
      `${run}: ${pixels.unbinned} of ${pixels.counted} pixels are in no bin of pECE (probability 0)`,
    );
  if (pixels.bounded > 0)
    lines.push(`${run}: ${pixels.bounded} of ${pixels.counted} pixels are raised to the floor of NLL`);
  return lines;
}

/**
 * Formats one row per run: the means (the paper's columns first), the number of cases, the standard
 * deviations, the ends of the intervals if there are statistics, and the figures that the means hide:
 * undefined and infinite cases by column, missing and relabelled cases, pixels in no bin and pixels at the
 * floor of NLL.
 */
export function resultsCsv(results: readonly RunResult[]): string {
  const columns = [...new Set(results.flatMap(({ evaluation }) => Object.keys(evaluation.summary)))];
  const headed = (what: string): string[] => columns.map((column) => `${column} ${what}`);
  // Tables without statistics have no columns for intervals.
  const bounds = results.some(({ statistics }) => statistics) ? (["low", "high"] as const) : [];
  const header = [
    ...["run", ...columns, "cases", ...headed("sd"), ...bounds.flatMap(headed)],
    ...[...headed("undefined"), ...headed("infinite"), "missing cases", "relabelled cases"],
    ...["pixels", "pixels in no bin", "pixels at the NLL floor"],
  ];
  const rows = results.map(({ run, evaluation, missing, relabelled, statistics }) => {
    const { rows: cases, summary, pixels } = evaluation;
    const ends = bounds.flatMap((end) =>
      columns.map((column) => statistics?.scores.get(column)?.interval?.[end] ?? Number.NaN),
    );
    const of = (what: keyof ScoreSummary): number[] =>
      columns.map((column) => summary[column]?.[what] ?? Number.NaN);
    return [
      ...[run, ...of("mean"), cases.length, ...of("deviation"), ...ends],
      ...[...of("undefined"), ...of("infinite"), missing.length, relabelled.length],
      ...[pixels.counted, pixels.unbinned, pixels.bounded],
    ];
  });
  return formatCsv(header, rows);
}

/** The scores of one run as reports hold them. */
export interface RunReport extends Pick<RunResult, "run" | "region" | "missing" | "relabelled"> {
  readonly summary: Evaluation["summary"];
  readonly pixels: Evaluation["pixels"];
  /** The scores of every case; their sums and decisions are in the saved results alone. */
  readonly cases: readonly Omit<EvaluationRow, "sums" | "decisions">[];
  readonly statistics?: StatisticsReport;
}

/** The statistics of one run as reports hold them. */
export interface StatisticsReport extends Omit<RunStatistics, "scores"> {
  readonly scores: Readonly<Record<string, Estimate>>;
}

const statisticsReport = ({ scores, ...rest }: RunStatistics): StatisticsReport => ({
  ...rest,
  scores: Object.fromEntries(scores),
});

/** Returns the summaries and the scores of every case, ready for JSON. */
export function runReports(results: readonly RunResult[]): readonly RunReport[] {
  return results.map(({ run, region, evaluation, missing, relabelled, statistics }) => ({
    run,
    ...(region === undefined ? {} : { region }),
    summary: evaluation.summary,
    pixels: evaluation.pixels,
    missing,
    relabelled,
    cases: evaluation.rows.map(({ sums: _, decisions: __, ...row }) => row),
    ...(statistics && { statistics: statisticsReport(statistics) }),
  }));
}
