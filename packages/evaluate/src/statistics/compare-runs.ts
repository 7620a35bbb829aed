import { InvalidArgumentError } from "@pixelcal/core";
import { caseSets } from "../case-sets.js";
import type { EvaluationRow } from "../evaluate.js";
import { type CaseTable, caseTable } from "./case-table.js";
import { type Estimate, estimatesOf, fewestGroups } from "./estimate.js";
import { holm } from "./holm.js";
import { kindOf, type Measure, measuresOf } from "./measures.js";
import { resample } from "./resample.js";
import { type StatisticsOptions, statisticsOptions } from "./statistics-options.js";
import { type Verdict, verdictOf } from "./verdict.js";
import { type SignedRanks, signedRankTest } from "./wilcoxon.js";

/** One measure of two runs over the same cases. */
export interface Difference {
  readonly name: string;
  readonly better: "lower" | "higher" | undefined;
  readonly before: Estimate;
  readonly after: Estimate;
  /** The measure of `after` minus that of `before`, over the same draws of cases. */
  readonly difference: Estimate;
  /** The Wilcoxon signed-rank test of the groups' differences; absent for measures of all pixels together. */
  readonly test?: SignedRanks;
  /** The p-value adjusted for the number of tests shown (Holm). */
  readonly adjusted?: number;
  readonly verdict: Verdict;
}

/** The paired comparison of two runs. */
export interface Comparison {
  readonly cases: number;
  readonly groups: number;
  readonly unit: "case" | "group";
  readonly tooFew: boolean;
  /** The cases that are not compared: those of one run alone, or with other labels. */
  readonly left: readonly string[];
  readonly differences: readonly Difference[];
}

export interface CompareOptions extends StatisticsOptions {
  /** The names of the measures to compare, for whose number p-values are adjusted; default: all. */
  readonly measures?: readonly string[];
}

/**
 * Compares two runs over the cases that both have with the same labels: every draw takes the same cases of
 * both. Throws if no case is common, or for a measure that a run lacks.
 */
export async function compareRuns(
  before: readonly EvaluationRow[],
  after: readonly EvaluationRow[],
  { measures: wanted, ...options }: CompareOptions = {},
): Promise<Comparison> {
  const settings = statisticsOptions(options);
  const { pairs, left } = pairsOf(before, after);
  const table = (rows: readonly EvaluationRow[]): CaseTable =>
    caseTable(wanted === undefined ? rows : rows.map((row) => neededFor(row, wanted)));
  const [a, b] = [table(pairs.map(([own]) => own)), table(pairs.map(([, other]) => other))];
  const measures = commonMeasures(a, b, wanted);
  const count = measures.length;
  const found = await resample(
    [a, b],
    3 * count,
    ([ofA, ofB], into) => {
      for (const [i, [own, other]] of measures.entries()) {
        into[i] = own.value(ofA!);
        into[count + i] = other.value(ofB!);
        into[2 * count + i] = into[count + i]! - into[i]!;
      }
    },
    settings,
  );
  const { level, signal } = settings;
  const own = measures.map(([measure]) => kindOf(measure));
  const ofDifferences = own.map((kind) => (kind === "error" ? "difference of errors" : kind));
  const kinds = [...own, ...own, ...ofDifferences];
  const estimates = await estimatesOf(found, { first: 0, kinds, level, signal });
  const tests = measures.map(([{ column }]) =>
    column === undefined ? undefined : signedRankTest(groupDifferences(a, b, column)),
  );
  const tested = tests.filter((test) => test !== undefined);
  const adjusted = holm(tested.map(({ p }) => p));
  const tooFew = a.groups < fewestGroups;
  return {
    cases: pairs.length,
    groups: a.groups,
    unit: a.unit,
    tooFew,
    left,
    differences: measures.map(([{ name, better, column }], i): Difference => {
      const difference = estimates[2 * count + i]!;
      const test = tests[i];
      return {
        name,
        better,
        before: estimates[i]!,
        after: estimates[count + i]!,
        difference,
        ...(test && { test, adjusted: adjusted[tested.indexOf(test)]! }),
        verdict: verdictOf(better, {
          difference: difference.value,
          interval: difference.interval,
          same: column === undefined ? isZero(difference) : sameScores(a, b, column),
          tooFew,
        }),
      };
    }),
  };
}

type Pair = [before: EvaluationRow, after: EvaluationRow];

function pairsOf(
  before: readonly EvaluationRow[],
  after: readonly EvaluationRow[],
): { readonly pairs: readonly Pair[]; readonly left: readonly string[] } {
  const namesOf = (rows: readonly EvaluationRow[]): string[] => rows.map(({ name }) => name);
  const { all } = caseSets([
    { run: "before", cases: namesOf(before) },
    { run: "after", cases: namesOf(after) },
  ]);
  const [ofBefore, ofAfter] = [before, after].map((rows) => new Map(rows.map((row) => [row.name, row])));
  const pairs = all.flatMap((name): Pair[] => {
    const [own, other] = [ofBefore!.get(name), ofAfter!.get(name)];
    if (own === undefined || other === undefined || own.labels !== other.labels) return [];
    const group = own.group ?? other.group;
    return [bothDefined(own, other).map((row) => (group === undefined ? row : { ...row, group })) as Pair];
  });
  if (pairs.length === 0)
    throw new InvalidArgumentError("after", "after: has no case of the other run with the same labels");
  const paired = new Set(pairs.map(([{ name }]) => name));
  return { pairs, left: all.filter((name) => !paired.has(name)) };
}

/** Returns two rows of a case in which a score that either lacks is undefined in both. */
function bothDefined(before: EvaluationRow, after: EvaluationRow): Pair {
  const lacking = Object.keys({ ...before.scores, ...after.scores }).filter((column) =>
    [before, after].some(({ scores }) => Number.isNaN(scores[column] ?? Number.NaN)),
  );
  const undefinedScores = Object.fromEntries(lacking.map((column) => [column, Number.NaN]));
  const without = (row: EvaluationRow): EvaluationRow => ({
    ...row,
    scores: { ...row.scores, ...undefinedScores },
  });
  return [without(before), without(after)];
}

/** Returns a row without the scores and sums that no wanted measure needs: every draw adds up the rest. */
function neededFor({ scores, sums, ...row }: EvaluationRow, wanted: readonly string[]): EvaluationRow {
  const columns = Object.entries(scores).filter(([column]) => wanted.includes(column));
  const needed = { ...row, scores: Object.fromEntries(columns) };
  const needs = (start: string): boolean => wanted.some((name) => name.startsWith(start));
  if (sums === undefined || !(needs("ECE pooled") || needs("boundary ECE pooled"))) return needed;
  const { boundary, ...histograms } = sums;
  return {
    ...needed,
    sums: {
      ...histograms,
      classes: needs("ECE pooled class") ? sums.classes : [],
      ...(boundary && needs("boundary ECE pooled") && { boundary }),
    },
  };
}

function commonMeasures(
  a: CaseTable,
  b: CaseTable,
  wanted: readonly string[] | undefined,
): readonly (readonly [Measure, Measure])[] {
  const others = new Map(measuresOf(b.layout).map((measure) => [measure.name, measure]));
  const common = measuresOf(a.layout).flatMap((own): [Measure, Measure][] => {
    const other = others.get(own.name);
    return other ? [[own, other]] : [];
  });
  if (wanted === undefined) return common;
  return wanted.map((name) => {
    const found = common.find(([own]) => own.name === name);
    if (found) return found;
    throw new InvalidArgumentError("measures", `measures: ${name} is not in both runs`);
  });
}

/** Returns the mean difference of every group; a difference of two infinite scores is 0. */
function groupDifferences(a: CaseTable, b: CaseTable, column: string): readonly number[] {
  const sums = new Float64Array(a.groups);
  const counts = new Float64Array(a.groups);
  for (const [i, { scores }] of a.rows.entries()) {
    const [before, after] = [scores[column]!, b.rows[i]!.scores[column]!];
    const difference = before === after ? 0 : after - before;
    if (Number.isNaN(difference)) continue;
    sums[a.groupOf[i]!]! += difference;
    counts[a.groupOf[i]!]! += 1;
  }
  return Array.from(sums, (sum, g) => sum / counts[g]!).filter((value) => !Number.isNaN(value));
}

const isZero = ({ value, interval }: Estimate): boolean =>
  value === 0 && interval?.low === 0 && interval.high === 0;

const sameScores = (a: CaseTable, b: CaseTable, column: string): boolean =>
  a.rows.every(({ scores }, i) => Object.is(scores[column], b.rows[i]!.scores[column]));
