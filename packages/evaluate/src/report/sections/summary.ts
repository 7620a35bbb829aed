import type { Difference } from "../../statistics/compare-runs.js";
import type { Estimate } from "../../statistics/estimate.js";
import { shortened } from "../draw/labels.js";
import { element, escaped } from "../draw/svg.js";
import type { ReportData } from "../report-data.js";
import { intervalText, mainScores, scoreName, scoreText } from "../score-text.js";
import { copyButton, dataBlock, paragraph, type Section, type TableColumn, table } from "./section.js";

/** Returns the summary: means over cases with intervals and, of two runs, paired differences and verdicts. */
export function summarySection(data: ReportData): Section {
  const { runs, comparison } = data;
  const [first] = runs;
  const { cases, groups, unit, tooFew } = first.statistics;
  const over =
    unit === "group" ? `${groups} groups with ${cases} cases` : `${cases} ${cases === 1 ? "case" : "cases"}`;
  const how = tooFew
    ? "Intervals are withheld: they need at least 8 cases."
    : `Intervals are 95 %, from resampled ${unit === "group" ? "groups" : "cases"}, never from pixels.`;
  const paired = comparison
    ? ` Differences are paired over the ${comparison.cases} cases of both runs; the verdict follows from the interval alone.`
    : "";
  return {
    id: "summary",
    nav: "Summary",
    heading: "Summary",
    body: [
      paragraph(`Means over ${over}. ${how}${paired}`, "muted"),
      comparison ? comparisonTable(data, comparison.differences) : runTable([...first.statistics.scores]),
    ].join(""),
  };
}

const stacked = (name: string, { value, interval }: Estimate, signed = false): string =>
  escaped(scoreText(name, value, signed)) +
  (interval ? element("small", {}, escaped(intervalText(name, interval, signed))) : "");

type Score = readonly [name: string, estimate: Estimate];

function runTable(all: readonly Score[]): string {
  const columns: readonly TableColumn<Score>[] = [
    { title: "score", cell: ([name]) => escaped(scoreName(name)) },
    { title: "value", cell: ([name, { value }]) => escaped(scoreText(name, value)) },
    { title: "95 % interval", cell: ([name, { interval }]) => escaped(intervalText(name, interval)) },
  ];
  const main = mainScores.flatMap((name): Score[] => all.filter(([each]) => each === name));
  const others = all.filter(([name]) => !mainScores.includes(name));
  const rows = [...main, ...others].map(([name, { value, interval }]) => [
    ...[name, value, interval?.low ?? Number.NaN, interval?.high ?? Number.NaN],
  ]);
  const more = table(others, columns, { label: "Table of the other scores" });
  return [
    table(main, columns, { label: "Table of means over cases" }),
    tableData("summary-table", "Summary", ["score", "value", "low", "high"], rows),
    others.length === 0
      ? ""
      : element("details", {}, element("summary", {}, `${others.length} other scores`), more),
  ].join("");
}

/** Returns the line below a table that copies its numbers. */
export const tableData = (
  id: string,
  title: string,
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string =>
  element("p", { class: "copy-line" }, copyButton(id, title)) + dataBlock(id, title, { header, rows });

const marks: Readonly<Record<Difference["verdict"], readonly [mark: string, className: string]>> = {
  better: ["▲ ", "better"],
  worse: ["▼ ", "worse"],
  lower: ["", "same"],
  higher: ["", "same"],
  undefined: ["", "same"],
  "no difference": ["", "same"],
  unchanged: ["", "same"],
  "too few to say": ["", "same"],
};

function comparisonTable({ runs }: ReportData, scores: readonly Difference[]): string {
  const [before, after] = runs;
  const name = (run: { readonly name: string } | undefined): string => shortened(run?.name ?? "", 28);
  const columns: readonly TableColumn<Difference>[] = [
    { title: "score", cell: (each) => escaped(scoreName(each.name)) },
    { title: name(before), cell: (each) => stacked(each.name, each.before) },
    { title: name(after), cell: (each) => stacked(each.name, each.after) },
    { title: "difference", cell: (each) => stacked(each.name, each.difference, true) },
    {
      title: "p (Holm)",
      cell: ({ adjusted }) => escaped(probability(adjusted)),
    },
    {
      title: "verdict",
      cell: ({ verdict }) => escaped(`${marks[verdict][0]}${verdict}`),
      className: ({ verdict }) => marks[verdict][1],
    },
  ];
  const spread = ({ value, interval }: Estimate): number[] => [
    value,
    interval?.low ?? Number.NaN,
    interval?.high ?? Number.NaN,
  ];
  const head = ["before", "after", "difference"].flatMap((which) => [which, `${which} low`, `${which} high`]);
  const rows = scores.map((each) => [
    each.name,
    ...[each.before, each.after, each.difference].flatMap(spread),
    ...[each.test?.p ?? Number.NaN, each.adjusted ?? Number.NaN, each.verdict],
  ]);
  return (
    table(scores, columns, { label: "Table of paired differences" }) +
    tableData("summary-table", "Summary", ["score", ...head, "p", "p (Holm)", "verdict"], rows)
  );
}

const probability = (p: number | undefined): string =>
  p === undefined || Number.isNaN(p) ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3);
