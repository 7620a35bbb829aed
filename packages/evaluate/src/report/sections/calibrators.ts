import { plain } from "../draw/scale.js";
import { element, escaped } from "../draw/svg.js";
import type { CalibratorRow, ReportData } from "../report-data.js";
import { paragraph, type Section, type TableColumn, table } from "./section.js";
import { tableData } from "./summary.js";

/** Returns the table of the calibrators; the best value of a column is marked. */
export function calibratorsSection({ calibrators }: ReportData): Section | undefined {
  if (!calibrators || calibrators.rows.length === 0) return undefined;
  const { columns, rows, reference } = calibrators;
  const best = columns.map(({ better }, c) => {
    const values = rows.map(({ values }) => values[c]!).filter(Number.isFinite);
    return better === "lower" ? Math.min(...values) : Math.max(...values);
  });
  const scores = columns.map(
    ({ name }, c): TableColumn<CalibratorRow> => ({
      title: name,
      cell: ({ values }) => escaped(Number.isFinite(values[c]) ? plain(values[c]!, 5) : "–"),
      className: ({ values }) => (values[c] === best[c] ? "best" : undefined),
    }),
  );
  const shown: readonly TableColumn<CalibratorRow>[] = [
    { title: "method", cell: ({ method, chosen }) => escaped(`${method}${chosen ? " (chosen)" : ""}`) },
    ...scores,
    ...(rows.some(({ difference }) => difference)
      ? [{ title: `log score against ${reference ?? "the first"}`, cell: against, className: verdict }]
      : []),
    ...(rows.some(({ changesLabels }) => changesLabels !== undefined)
      ? [{ title: "labels", cell: labels }]
      : []),
  ];
  const header = [
    "method",
    ...columns.map(({ name }) => name),
    "difference",
    "low",
    "high",
    "changes labels",
  ];
  const values = rows.map(({ method, values, difference: d, changesLabels }) => [
    ...[method, ...values],
    ...[d?.value, d?.low, d?.high].map((value) => value ?? Number.NaN),
    changesLabels === undefined ? "" : String(changesLabels),
  ]);
  return {
    id: "calibrators",
    nav: "Calibrators",
    heading: "Calibrators compared",
    body: [
      paragraph(
        "Fitted on the same cases and scored on others. ● marks the best value of a column.",
        "muted",
      ),
      table(rows, shown, { label: "Table of calibrators" }),
      tableData("calibrators-table", "Calibrators compared", header, values),
    ].join(""),
  };
}

const signed = (value: number): string => `${value > 0 ? "+" : ""}${plain(value, 4)}`;

const against = ({ difference }: CalibratorRow): string =>
  difference
    ? escaped(signed(difference.value)) +
      element("small", {}, escaped(`[${signed(difference.low)}, ${signed(difference.high)}]`))
    : "–";

/** The log score is better where it is lower. */
const verdict = ({ difference }: CalibratorRow): string | undefined =>
  !difference ? undefined : difference.high < 0 ? "better" : difference.low > 0 ? "worse" : "same";

const labels = ({ changesLabels }: CalibratorRow): string =>
  changesLabels === undefined ? "–" : changesLabels ? "may change" : "kept";
