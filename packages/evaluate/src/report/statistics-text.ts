import type { Comparison, Difference } from "../statistics/compare-runs.js";
import type { DecisionCurve } from "../statistics/decision-curve.js";
import type { Estimate } from "../statistics/estimate.js";
import type { RunStatistics } from "../statistics/run-statistics.js";
import type { RunResult, Shown } from "./results.js";
import { type Column, fixed, formatTable } from "./table.js";

/** The decimals of a score; those of errors by default. */
const decimalsOf = (name: string, shown: readonly Shown[]): number =>
  shown.find(([column]) => column === name)?.[1] ?? (/^(HD|ASSD)/.test(name) ? 2 : 4);

/** Formats "0.8805 [0.8236, 0.9223]", or the value alone without an interval. */
function withInterval({ value, interval }: Estimate, format: (value: number) => string): string {
  return interval ? `${format(value)} [${format(interval.low)}, ${format(interval.high)}]` : format(value);
}

/** Returns "40 cases" or "12 patients (40 cases)". */
const countOf = ({ cases, groups, unit }: Pick<RunStatistics, "cases" | "groups" | "unit">): string =>
  unit === "case" ? plural(cases, "case") : `${plural(groups, "group")} (${plural(cases, "case")})`;

/** Formats 2000 as "2,000"; `toLocaleString` loads the rules of all languages for it. */
const thousands = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Returns the columns that are shown, and the errors of all pixels together if a run has them. */
const shownWithPooled = (shown: readonly Shown[], results: readonly RunResult[]): readonly Shown[] =>
  results.some(({ statistics }) => statistics?.topLabel) ? [...shown, ["ECE pooled", 4]] : shown;

/**
 * Formats the intervals of the shown columns, one row per run, and a line for each run with too few cases.
 */
export function intervalsText(results: readonly RunResult[], shown: readonly Shown[]): string {
  const known = results.flatMap(({ run, statistics }) => (statistics ? [{ run, statistics }] : []));
  const enough = known.filter(({ statistics }) => !statistics.tooFew);
  const few = known
    .filter(({ statistics }) => statistics.tooFew)
    .map(
      ({ run, statistics }) =>
        `${run}: ${countOf(statistics)}, too few to say how far the means are known (intervals need 8)\n`,
    );
  const [first] = enough;
  if (!first) return few.join("");
  const { level, draws } = first.statistics;
  const columns: Column<(typeof enough)[number]>[] = [
    { title: "run", align: "left", cell: ({ run }) => run },
    { title: "over", cell: ({ statistics }) => countOf(statistics) },
    ...shownWithPooled(shown, results).map(([column, decimals]) => ({
      title: column,
      cell: ({ statistics }: (typeof enough)[number]) =>
        withInterval(statistics.scores.get(column) ?? { value: Number.NaN }, (value) =>
          fixed(value, decimals),
        ),
    })),
  ];
  const unit = first.statistics.unit === "case" ? "cases" : "groups of cases";
  return `${100 * level} % intervals (bootstrap, ${thousands(draws)} draws of ${unit}):\n${formatTable(enough, columns)}${few.join("")}`;
}

/** Formats a paired comparison: both runs, the difference with its interval, the test and the verdict. */
export function comparisonText(
  { before, after, comparison }: { before: string; after: string; comparison: Comparison },
  shown: readonly Shown[],
): string {
  const signed = (value: number, decimals: number): string =>
    `${value > 0 ? "+" : ""}${fixed(value, decimals)}`;
  const cell =
    (which: "before" | "after") =>
    ({ name, ...found }: Difference): string =>
      fixed(found[which].value, decimalsOf(name, shown));
  const columns: Column<Difference>[] = [
    { title: "score", align: "left", cell: ({ name }) => name },
    { title: before, cell: cell("before") },
    { title: after, cell: cell("after") },
    {
      title: "difference",
      cell: ({ name, difference }) =>
        withInterval(difference, (value) => signed(value, decimalsOf(name, shown))),
    },
    { title: "p (Holm)", cell: ({ adjusted }) => (adjusted === undefined ? "-" : pText(adjusted)) },
    { title: "verdict", align: "left", cell: ({ verdict }) => verdict },
  ];
  const left = comparison.left.length === 0 ? "" : `; ${comparison.left.length} not in both are left out`;
  return `${after} against ${before}, over ${countOf(comparison)}${left}:\n${formatTable(comparison.differences, columns)}`;
}

const pText = (p: number): string => (p < 0.0001 ? "<0.0001" : p.toFixed(4));

/** The threshold whose net benefit is printed; the other ones are in the JSON report. */
const printedThreshold = 0.2;

/** Returns how often the event of a decision is there. */
const decisionEvents = ({ unit, event, events, cases }: DecisionCurve): string =>
  unit === "lesion"
    ? `${event} is real in ${events} of ${cases}`
    : `${event} in ${events} of ${plural(cases, "case")}`;

/** Formats the net benefit of the decision of every run, at one threshold; empty without a decision. */
export function decisionText(results: readonly RunResult[]): string {
  return results
    .flatMap(({ run, statistics }) => {
      const { decision } = statistics ?? {};
      const point = decision?.points.find(({ threshold }) => threshold === printedThreshold);
      if (!decision || !point) return [];
      const benefit = (of: Estimate): string => withInterval(of, (value) => fixed(value, 4));
      return `${run}: ${decisionEvents(decision)}; net benefit of acting from ${100 * printedThreshold} % on ${benefit(point.model)}, of acting on all ${benefit(point.all)}\n`;
    })
    .join("");
}
