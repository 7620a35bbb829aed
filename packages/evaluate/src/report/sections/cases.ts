import { shortened } from "../draw/labels.js";
import { element, escaped } from "../draw/svg.js";
import { casesFigure } from "../figures/cases.js";
import type { ReportData } from "../report-data.js";
import { scoreName, scoreText } from "../score-text.js";
import { figureBlock, paragraph, type Section, type TableColumn, table } from "./section.js";
import { tableData } from "./summary.js";

/** The scores of the case table, as far as the runs have them. */
const shown = ["DSC", "HD95", "ECE", "boundary ECE", "NLL"] as const;

interface Row {
  readonly name: string;
  readonly values: readonly number[];
}

/** Returns Dice against the calibration error and the sortable table of all cases. */
export function casesSection({ runs }: ReportData): Section {
  const scores = shown.filter((score) =>
    [...runs].some(({ cases }) => cases.some((each) => score in each.scores)),
  );
  const names = [...new Set([...runs].flatMap(({ cases }) => cases.map(({ name }) => name)))];
  const found = [...runs].map(({ cases }) => new Map(cases.map((each) => [each.name, each.scores])));
  const columns = scores.flatMap((score) =>
    runs.length === 1
      ? [{ score, run: 0, title: shortName(score) }]
      : [...runs].map((_, run) => ({ score, run, title: `${shortName(score)} ${run === 0 ? "A" : "B"}` })),
  );
  const rows = names.map(
    (name): Row => ({
      name,
      values: columns.map(({ score, run }) => found[run]!.get(name)?.[score] ?? Number.NaN),
    }),
  );
  const cells = columns.map(
    ({ score, title }, c): TableColumn<Row> => ({
      title,
      cell: ({ values }) => escaped(Number.isNaN(values[c]) ? "–" : scoreText(score, values[c]!)),
      // NaN sorts last in both directions.
      sort: ({ values }) => (Number.isNaN(values[c]) ? "" : String(values[c])),
    }),
  );
  const which =
    runs.length === 2
      ? element(
          "p",
          { class: "muted" },
          ...[...runs].map(
            (run, i) => `${"AB"[i]}: ${element("bdi", {}, escaped(run.name))}${i === 0 ? "; " : ""}`,
          ),
        )
      : "";
  const charted = [...runs].some(({ cases }) =>
    cases.some(({ scores: { DSC, ECE } }) => Number.isFinite(DSC) && Number.isFinite(ECE)),
  );
  const all: readonly TableColumn<Row>[] = [
    { title: "case", cell: caseName, sort: ({ name }) => name },
    ...cells,
  ];
  return {
    id: "cases",
    nav: "Cases",
    heading: "Cases",
    body: [
      ...(charted
        ? [
            paragraph(
              "Each mark is one case; a failed segmentation lies at the left, a misleading one at the top.",
              "muted",
            ),
            figureBlock(casesFigure(runs)),
          ]
        : [
            paragraph(
              "No case has a Dice and an ECE: where both masks are empty, Dice is undefined.",
              "muted",
            ),
          ]),
      element("h3", {}, names.length === 1 ? "The case" : `All ${names.length} cases`),
      which,
      table(rows, all, { label: "Table of cases", sortable: true }),
      tableData(
        "cases-table",
        "All cases",
        ["case", ...columns.map(({ title }) => title)],
        rows.map(({ name, values }) => [name, ...values]),
      ),
    ].join(""),
  };
}

/** Returns a name of at most 60 characters; a longer one has its whole text under the pointer. */
const caseName = ({ name }: Row): string => {
  const text = shortened(name, 60);
  return text === name ? escaped(name) : element("span", { title: name }, escaped(text));
};

const shortName = (score: string): string =>
  score === "NLL" ? "NLL" : score === "ECE" ? "ECE" : scoreName(score);
