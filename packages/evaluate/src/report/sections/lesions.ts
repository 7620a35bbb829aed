import { element, escaped } from "../draw/svg.js";
import type { ReportData, ReportRun } from "../report-data.js";
import { intervalText, scoreText } from "../score-text.js";
import { paragraph, type Section, type TableColumn, table } from "./section.js";
import { tableData } from "./summary.js";

/** The lesions of one class in one run. */
interface Row {
  readonly name: string;
  readonly run: ReportRun;
  readonly suffix: string;
}

const counts = ["lesions detected", "lesions missed", "lesions false"] as const;
const means = ["lesion F1", "lesion Dice", "PQ", "lesion confidence", "lesion ECE"] as const;

/** Returns the number of lesions of a kind over all cases; cases without the score count none. */
const total = ({ run, suffix }: Row, kind: string): number =>
  run.cases.reduce((sum, { scores }) => sum + (scores[`${kind}${suffix}`] || 0), 0);

/** Returns the lesions by class; undefined unless the results have the metrics of lesions. */
export function lesionsSection({ runs, classes }: ReportData): Section | undefined {
  const rows = [...runs].flatMap((run) =>
    run.statistics.classes.flatMap((_, c): Row[] => {
      const suffix = ` class ${c}`;
      if (!run.statistics.scores.has(`lesions detected${suffix}`)) return [];
      return [
        { name: `${classes[c] ?? `class ${c}`}${runs.length === 2 ? `, ${run.name}` : ""}`, run, suffix },
      ];
    }),
  );
  if (rows.length === 0) return undefined;
  const shown = means.filter((name) =>
    rows.some(({ run, suffix }) => run.statistics.scores.has(`${name}${suffix}`)),
  );
  const columns: readonly TableColumn<Row>[] = [
    { title: "class", cell: ({ name }) => escaped(name) },
    ...counts.map((kind) => ({
      title: kind.replace("lesions ", ""),
      cell: (row: Row) => String(total(row, kind)),
    })),
    ...shown.map((name) => ({ title: name.replace("lesion ", ""), cell: (row: Row) => meanCell(row, name) })),
  ];
  const header = ["class", ...counts, ...shown.flatMap((name) => [name, `${name} low`, `${name} high`])];
  const data = rows.map((row) => [
    row.name,
    ...counts.map((kind) => total(row, kind)),
    ...shown.flatMap((name) => {
      const estimate = row.run.statistics.scores.get(`${name}${row.suffix}`);
      return [estimate?.value, estimate?.interval?.low, estimate?.interval?.high].map(
        (value) => value ?? Number.NaN,
      );
    }),
  ]);
  return {
    id: "lesions",
    nav: "Lesions",
    heading: "Lesions",
    body: [
      paragraph(
        "Connected components of the labels, matched to those of the prediction: numbers over all cases, and means over cases with 95 % intervals. Confidence and ECE are those inside of predicted lesions.",
        "muted",
      ),
      table(rows, columns, { label: "Table of lesions" }),
      tableData("lesions-table", "Lesions", header, data),
    ].join(""),
  };
}

function meanCell({ run, suffix }: Row, name: string): string {
  const estimate = run.statistics.scores.get(`${name}${suffix}`);
  if (!estimate) return "–";
  const interval = estimate.interval
    ? element("small", {}, escaped(intervalText(name, estimate.interval)))
    : "";
  return escaped(scoreText(name, estimate.value)) + interval;
}
