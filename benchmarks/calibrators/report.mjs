// The tables of benchmarks/calibrators.mjs, from the results of its methods.
import { fixed, formatMarkdown } from "../../packages/cli/dist/index.js";
import { differencesOf, prepared, valuesOf } from "../convergence/estimates.mjs";
import { methods } from "./methods.mjs";

/** The measures that are shown, by their titles. */
const shown = { NLL: "NLL", "boundary ECE": "boundary ECE", "ECE pooled": "ECE", Brier: "Brier", DSC: "DSC" };
const signed = (value) => `${value < 0 ? "" : "+"}${fixed(value, 4)}`;
const clear = ({ low, high }) => low > 0 || high < 0;
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;

/** Returns the report of a set's results; `command` made it. */
export function reportOf(set, runs, command) {
  const cases = Object.keys(runs[0].rows);
  const groups = cases.map((name) => runs[0].groups?.[name] ?? name);
  const { classes, fitted } = runs[0];
  const entries = Object.keys(methods)
    .map((name) => ({ name, runs: runs.filter(({ method }) => method === name) }))
    .filter((entry) => entry.runs.length > 0)
    .map((entry) => ({ ...entry, table: prepared(entry.runs, cases, classes) }));
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const commits = [...new Set(runs.map(({ commit }) => commit))].join(", ");
  const parts = [
    `# ${set}`,
    `Networks trained by Dice + CE (\`convergence.mjs\`), seeds ${seeds.join(", ")}; ${classes} classes. Fitted on the ${fitted} validation
cases, scored on ${cases.length} test cases (${new Set(groups).size} independent).`,
    valuesTable(entries),
    `NLL, ECE and boundary ECE (top label; within 2 pixels of the predicted boundary) and Brier are pooled over all
test pixels, DSC is a mean over cases; all are means over seeds. "labels" counts the test pixels whose label changed, over all seeds.`,
    ...["temperature", "none"].flatMap((name) => differencesPart(entries, name, groups)),
    autoPart(entries),
    `Commits ${commits}. \`${command}\``,
  ];
  return `${parts
    .filter((part) => part !== "")
    .map((part) => part.trimEnd())
    .join("\n\n")}\n`;
}

const valuesTable = (entries) =>
  formatMarkdown(
    entries.map((entry) => ({ ...entry, values: valuesOf(entry.table) })),
    [
      { title: "method", align: "left", cell: ({ name }) => name },
      { title: "seeds", cell: ({ runs }) => String(runs.length) },
      ...Object.entries(shown).map(([name, title]) => ({
        title,
        cell: ({ values }) => fixed(values[name], 4),
      })),
      { title: "labels", cell: ({ runs }) => String(runs.reduce((sum, { changed }) => sum + changed, 0)) },
      { title: "fit, s", cell: ({ runs }) => fixed(mean(runs.map(({ seconds }) => seconds)), 2) },
    ],
  );

function differencesPart(entries, name, groups) {
  const baseline = entries.find((entry) => entry.name === name);
  if (baseline === undefined) return [];
  const rows = entries
    .filter((entry) => entry !== baseline && entry.runs.some(({ seed }) => baseline.table.has(seed)))
    .map((entry) => ({ ...entry, ...differencesOf(entry.table, baseline.table, { groups }) }));
  const table = formatMarkdown(rows, [
    { title: "method", align: "left", cell: ({ name }) => name },
    ...Object.entries(shown).map(([measure, title]) => ({
      title,
      cell: ({ of }) => {
        const { mean, low, high } = of[measure];
        return `${signed(mean)} [${signed(low)}, ${signed(high)}]${clear(of[measure]) ? " *" : ""}`;
      },
    })),
  ]);
  return [
    `## Against ${name}`,
    table,
    `Paired differences with 95 % intervals over draws of seeds and cases together; \\* marks those clear of 0.`,
  ];
}

function autoPart(entries) {
  const choices = entries
    .filter(({ name }) => name.startsWith("auto"))
    .flatMap(({ name, runs }) =>
      runs.map(({ seed, calibrator }) => {
        const floor = calibrator.parameters.floor === undefined ? "" : " with a floor";
        return `${name}, seed ${seed}: ${calibrator.name}${floor}`;
      }),
    );
  return choices.length === 0 ? "" : `Chosen: ${choices.join("; ")}.`;
}
