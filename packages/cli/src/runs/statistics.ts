import {
  bidsSubject,
  type Comparison,
  compareRuns,
  groupsOfTable,
  type RunResult,
  readResults,
  runStatistics,
  summaryOf,
  withGroups,
} from "@pixelcal/evaluate";
import { FormatError } from "@pixelcal/io";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { readText } from "../inputs/text-file.js";

/** The options of `pixelcal evaluate` that concern statistics over cases. */
export interface StatisticsCommandOptions {
  readonly against?: string;
  readonly group?: string;
  readonly groups?: string;
  readonly reporting?: string;
}

/** A comparison of two rows of the table. */
export interface NamedComparison {
  readonly before: string;
  readonly after: string;
  readonly comparison: Comparison;
}

/** Returns a function that gives results their groups, as `--group` and `--groups` say. */
export async function grouping({
  group,
  groups,
}: StatisticsCommandOptions): Promise<(result: RunResult) => RunResult> {
  if (group === undefined && groups === undefined) return (result) => result;
  if (group === undefined)
    throw new CommandError("--groups: needs --group, the column that names the patient", { exitCode: 2 });
  if (groups === undefined && group !== "sub")
    throw new CommandError('--group: needs --groups, a table with this column, or be "sub" (BIDS)', {
      exitCode: 2,
    });
  const source = groups ?? "--group sub";
  const groupOf = groups === undefined ? bidsSubject : groupsOfTable(await readText(groups), group, groups);
  return (result) => ({
    ...result,
    evaluation: summaryOf(withGroups(result.evaluation.rows, groupOf, source)),
  });
}

/** Returns the results with their statistics over cases. */
export async function withStatistics(
  results: readonly RunResult[],
  { signal }: Pick<Context, "signal">,
): Promise<readonly RunResult[]> {
  const all: RunResult[] = [];
  for (const result of results)
    all.push({ ...result, statistics: await runStatistics(result.evaluation.rows, { signal }) });
  return all;
}

/** The name of a run without that of its region. */
export const runOf = ({ run, region }: RunResult): string =>
  region === undefined ? run : run.slice(0, -(region.length + 1));

/**
 * Finds the run that `--against` names before anything is scored: one of `runs`, or that of a file of saved
 * results. Returns the function that picks its rows, given those of the table.
 */
export async function openAgainst(
  against: string | undefined,
  runs: readonly string[],
  grouped: (result: RunResult) => RunResult,
): Promise<(results: readonly RunResult[]) => readonly RunResult[]> {
  if (against === undefined) return () => [];
  if (runs.includes(against)) return (results) => results.filter((result) => runOf(result) === against);
  if (!against.endsWith(".json"))
    throw new CommandError(
      `--against: expected one of the runs ${runs.join(", ")}, or a results.json that evaluate saved, got ${against}`,
      { exitCode: 2 },
    );
  const saved = readResults(await readText(against), against);
  const others = [...new Set(saved.runs.map(runOf))];
  if (others.length !== 1)
    throw new FormatError(against, "runs", `expected one run to compare with, got ${others.join(", ")}`);
  const rows = saved.runs.map(grouped);
  return () => rows;
}

/** Compares every other run with the run of `others`, region by region. */
export async function comparisonsAgainst(
  others: readonly RunResult[],
  results: readonly RunResult[],
  measures: readonly string[],
  { signal }: Pick<Context, "signal">,
): Promise<readonly NamedComparison[]> {
  const [first] = others;
  if (!first) return [];
  const comparisons: NamedComparison[] = [];
  for (const after of results) {
    if (others.includes(after)) continue;
    const before = others.find(({ region }) => region === after.region);
    if (!before)
      throw new CommandError(`--against: ${runOf(first)} has no region ${after.region ?? "(none)"}`);
    const has = (name: string): boolean =>
      [before, after].every(({ evaluation }) => name in evaluation.summary);
    const pooled = [before, after].every(({ evaluation }) => evaluation.rows.some(({ sums }) => sums));
    const shown = [...measures.filter(has), ...(pooled ? ["ECE pooled"] : [])];
    const rows = [before, after].map(({ evaluation }) => evaluation.rows);
    comparisons.push({
      before: before.run === after.run ? `${before.run} (before)` : before.run,
      after: after.run,
      comparison: await compareRuns(rows[0]!, rows[1]!, { measures: shown, signal }),
    });
  }
  return comparisons;
}
