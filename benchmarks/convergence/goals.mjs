// The goals that were set for a loss against Dice + CE, and what every method comes to on each data set.
import { fixed, formatMarkdown } from "../../packages/cli/dist/index.js";
import { baselines, comparisonOf } from "./comparison.mjs";
import { valuesOf } from "./estimates.mjs";
import { isClear, signed, temperatureOf } from "./report.mjs";

const properScores = ["NLL", "Brier", "fpBrier"];
// A plain asterisk would end bold text.
const asterisk = " \\*";
const star = (difference) => (isClear(difference) ? asterisk : "");

/** A goal: one measure is lower than that of Dice + CE by a share of it, and the difference clear of 0. */
const falls = (name, share) => ({
  title: name,
  text: `${name} lower${share === 0 ? "" : ` by ${fixed(100 * share, 0)} %`}, clear of 0`,
  check: ({ of }, { baseline }) => {
    const change = of[name].mean / baseline[name];
    const percent = Math.round(100 * change);
    return {
      isMet: of[name].high < 0 && change <= -share,
      shown: `${percent > 0 ? "+" : ""}${percent} %${star(of[name])}`,
    };
  },
});

/** A goal: no proper score is clearly higher than that of a method. */
const notWorseThan = (reference, title) => ({
  title: `above ${title}`,
  text: `no proper score (${properScores.join(", ")}) above that of ${title} and clear of 0`,
  check: ({ name }, { differences }) => {
    const found = differences[reference].find((entry) => entry.name === name);
    if (found === undefined) return { isMet: true, shown: "itself" };
    const higher = properScores.filter((score) => found.of[score].low > 0);
    const shown = higher.map((score) => `${score} ${signed(found.of[score].mean)}${asterisk}`).join(", ");
    return { isMet: higher.length === 0, shown: shown || "none" };
  },
});

const allowed = { temperature: 0.1, overlap: 0.003 };

const goals = [
  falls("NLL", 0),
  falls("fpBrier", 0),
  falls("ECE pooled", 0.5),
  falls("excess pECE", 0.32),
  {
    title: "T",
    text: `the temperature that validation asks for within ${allowed.temperature} of 1`,
    check: ({ runs }) => {
      const shown = temperatureOf(runs);
      // A temperature for each distance leaves no one of them to fit.
      if (shown === "") return { isMet: undefined, shown };
      return { isMet: Math.abs(Number(shown) - 1) <= allowed.temperature, shown };
    },
  },
  {
    title: "DSC",
    text: `DSC not lower by more than ${allowed.overlap}`,
    check: ({ of: { DSC } }) => ({
      isMet: DSC.mean >= -allowed.overlap,
      shown: `${signed(DSC.mean)}${star(DSC)}`,
    }),
  },
  notWorseThan("dice-ce+ts", "Dice + CE, temperature"),
  notWorseThan("proper-0.25-0", "Dice 0.25 + CE"),
];

/** Returns every method of a set's runs but Dice + CE itself, with what it comes to. */
function checkedMethods(runs) {
  const { find, against } = comparisonOf(runs);
  const differences = Object.fromEntries(["dice-ce", ...baselines].map((name) => [name, against(name)]));
  const baseline = valuesOf(find("dice-ce").table);
  return differences["dice-ce"].map((entry) => {
    const checks = goals.map((goal) => goal.check(entry, { baseline, differences }));
    const [set, met] = [
      checks.filter(({ isMet }) => isMet !== undefined),
      checks.filter(({ isMet }) => isMet),
    ];
    return { ...entry, checks, count: `${met.length} of ${set.length}` };
  });
}

/** Returns the report on the goals for sets of runs by name; `command` made it. */
export function goalsReport(sets, command) {
  const checked = Object.entries(sets).map(([set, runs]) => ({ set, methods: checkedMethods(runs) }));
  const names = [...new Set(checked.flatMap(({ methods }) => methods.map(({ name }) => name)))];
  const rows = names.map((name) => ({
    found: checked.map(({ methods }) => methods.find((entry) => entry.name === name)),
  }));
  const counts = formatMarkdown(rows, [
    { title: "method", align: "left", cell: ({ found }) => found.find((entry) => entry !== undefined).title },
    ...checked.map(({ set }, i) => ({ title: set, cell: ({ found }) => found[i]?.count ?? "" })),
  ]);
  const tables = checked.map(({ set, methods }) => {
    const columns = goals.map(({ title }, i) => ({
      title,
      cell: ({ checks }) => (checks[i].isMet === false ? `**${checks[i].shown}**` : checks[i].shown),
    }));
    const table = formatMarkdown(methods, [
      { title: "method", align: "left", cell: ({ title }) => title },
      { title: "seeds", cell: ({ seeds }) => String(seeds) },
      ...columns,
      { title: "goals", cell: ({ count }) => count },
    ]);
    return `## ${set}\n\n${table.trimEnd()}`;
  });
  return `# Goals

Against Dice + CE, with 95 % intervals over draws of seeds and cases:

${goals.map(({ text }) => `- ${text}`).join("\n")}

How many of them hold:

${counts.trimEnd()}

In the tables below missed goals are bold, and \\* marks differences clear of 0.

${tables.join("\n\n")}

\`${command}\`
`;
}
