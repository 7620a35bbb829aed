import { InvalidArgumentError } from "@pixelcal/core";
import { type Comparison, compareRuns } from "../statistics/compare-runs.js";
import { type RunStatistics, runStatistics } from "../statistics/run-statistics.js";
import type { StatisticsOptions } from "../statistics/statistics-options.js";
import type { ReportData, ReportRun } from "./report-data.js";
import type { RunResult } from "./results.js";
import { mainScores } from "./score-text.js";

/** The parts of a report that results do not hold. */
export type ReportParts = Partial<Omit<ReportData, "runs" | "comparison">>;

/**
 * Returns the report of one run, or of two that are compared case by case, the first one the reference. The
 * numbers are those of {@link runStatistics} and {@link compareRuns}.
 */
export async function reportOfResults(
  results: readonly RunResult[],
  parts: ReportParts = {},
  options: StatisticsOptions = {},
): Promise<ReportData> {
  const [before, after, ...others] = results;
  if (!before || others.length > 0)
    throw new InvalidArgumentError("results", `results: expected one or two runs, got ${results.length}`);
  const first = await reportRun(before, options);
  const shared = { subject: before.run, classes: [], settings: {}, ...parts };
  if (!after) return { ...shared, runs: [first], notes: [...notesOf([before]), ...(parts.notes ?? [])] };
  const second = await reportRun(after, options);
  const measures = mainScores.filter((name) =>
    [first, second].every(({ statistics }) => statistics.scores.has(name)),
  );
  const { rows } = before.evaluation;
  const comparison = await compareRuns(rows, after.evaluation.rows, { ...options, measures });
  return {
    ...shared,
    runs: [first, second],
    comparison,
    notes: [...notesOf([before, after]), ...leftOut(comparison), ...(parts.notes ?? [])],
  };
}

async function reportRun(
  { run, evaluation: { rows }, statistics: made }: RunResult,
  options: StatisticsOptions,
): Promise<ReportRun> {
  const statistics: RunStatistics = made ?? (await runStatistics(rows, options));
  const { boundary } = statistics;
  return {
    name: run,
    cases: rows.map(({ name, scores }) => ({ name, scores })),
    statistics,
    ...(boundary && { boundary }),
  };
}

const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Says what the means leave out: missing cases, undefined and infinite scores. */
function notesOf(results: readonly RunResult[]): readonly string[] {
  return results.flatMap(({ run, missing, evaluation: { summary } }) => {
    const of = results.length === 2 ? `${run}: ` : "";
    const { DSC, HD95 } = summary;
    return [
      ...(missing.length > 0 ? [`${of}${countOf(missing.length, "case")} without a prediction.`] : []),
      ...(DSC && DSC.undefined > 0
        ? [`${of}Dice is undefined in ${countOf(DSC.undefined, "case")} and left out there.`]
        : []),
      ...(HD95 && HD95.infinite > 0
        ? [`${of}HD95 is infinite in ${countOf(HD95.infinite, "case")}, where one mask is empty.`]
        : []),
    ];
  });
}

const leftOut = ({ left }: Comparison): readonly string[] =>
  left.length === 0
    ? []
    : [
        `${countOf(left.length, "case")} of one run alone, or with other labels, ${left.length === 1 ? "is" : "are"} not compared.`,
      ];
