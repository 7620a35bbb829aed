// The tables and the words of benchmarks/convergence.mjs, from the results of its runs.
import { fixed, formatMarkdown } from "../../packages/cli/dist/index.js";
import { baselines, comparisonOf } from "./comparison.mjs";
import { measures, valuesOf } from "./estimates.mjs";

const decimals = { DSC: 4, NLL: 4, Brier: 4, fpBrier: 4, overconfidence: 4 };
const shown = (name, value) => fixed(value, decimals[name] ?? 4);
/** Formats a difference. */
export const signed = (value) => `${value < 0 ? "" : "+"}${fixed(value, 4)}`;
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
/** Measures of which more is better; of overconfidence, less in size. */
const more = new Set(["DSC"]);
const compared = measures.filter((name) => !["overconfidence", "pECE if calibrated"].includes(name));

/** Returns the report of a set's runs; `command` made it. */
export function reportOf(set, runs, command) {
  const { cases, groups, entries, find, against } = comparisonOf(runs);
  const { classes, settings, trained } = runs[0];
  const byDiceCe = against("dice-ce");
  // Git shortens a commit to more digits where a clone has more objects.
  const commits = [...new Set(runs.map(({ commit }) => commit.slice(0, 7)))].join(", ");
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const parts = [
    `# ${set}`,
    `${trained} cases to train, ${cases.length} to test (${new Set(groups).size} independent); ${classes} classes. U-Net base ${settings.base},
windows of ${settings.crop.join(" x ")} with targets cut from the whole case's, flips, batch ${settings.batch}, AdamW
${settings.rate} with cosine decay, ${settings.steps} steps or a few more; the epoch of the lowest validation NLL. Seeds ${seeds.join(", ")}; a method's
runs are counted in its row. Same initial weights, windows and batches for every method of a seed.`,
    valuesTable(entries),
    `NLL, Brier, fpBrier, ECE (top label), excess pECE and boundary ECE (top label, within 2 pixels of the
predicted boundary) are pooled over all test pixels; DSC, ECE of a case and pECE are means over cases. T is the temperature
that the validation split asks for: 1 is calibrated, above 1 over-confident.`,
    ...(byDiceCe.length > 0
      ? [
          "## Against Dice + CE",
          wordsOf(byDiceCe, cases.length),
          differencesTable(byDiceCe),
          `Paired differences, mean over the seeds that both have, with 95 % intervals over draws of seeds and cases
together; \\* marks those clear of 0. One seed is drawn as itself: such an interval knows of cases only.`,
          byCaseTable(byDiceCe),
        ]
      : []),
    ...baselines
      .filter(find)
      .flatMap((name) => [
        `## Against ${find(name).title}`,
        differencesTable(against(name).filter((entry) => /^(finish|proper|dice-ce|ce)/.test(entry.name))),
      ]),
    `Trained at commit ${commits}. \`${command}\``,
  ];
  return `${parts.map((part) => part.trimEnd()).join("\n\n")}\n`;
}

/** Returns the mean temperature that runs ask for; nothing where it has not been fitted again. */
export function temperatureOf(runs) {
  const found = mean(runs.map(({ temperature }) => temperature));
  return Number.isNaN(found) ? "" : fixed(found, 3);
}

/** Returns the table of every measure of entries { title, runs, table }, means over their seeds. */
export function valuesTable(entries) {
  const rows = entries.map((entry) => ({ ...entry, values: valuesOf(entry.table) }));
  const columns = compared.map((name) => ({
    title: name === "ECE" ? "ECE of a case" : name,
    cell: ({ values }) =>
      name === "pECE"
        ? `${shown(name, values.pECE)} (if calibrated ${shown(name, values["pECE if calibrated"])})`
        : shown(name, values[name]),
  }));
  return formatMarkdown(rows, [
    { title: "method", align: "left", cell: ({ title }) => title },
    { title: "seeds", cell: ({ runs }) => String(runs.length) },
    ...columns,
    { title: "T", cell: ({ runs }) => temperatureOf(runs) },
  ]);
}

/** Tells whether a difference has an interval clear of 0. */
export const isClear = ({ low, high }) => low > 0 || high < 0;

/** Returns the table of rows { title, seeds, of } as `comparing` finds them. */
export function differencesTable(rows) {
  return formatMarkdown(rows, [
    { title: "method", align: "left", cell: ({ title }) => title },
    { title: "seeds", cell: ({ seeds }) => String(seeds) },
    ...compared.map((name) => ({
      title: name === "ECE" ? "ECE of a case" : name,
      cell: ({ of }) => {
        const { mean, low, high } = of[name];
        return `${signed(mean)} [${signed(low)}, ${signed(high)}]${isClear(of[name]) ? " *" : ""}`;
      },
    })),
  ]);
}

function byCaseTable(rows) {
  const column = (name) => ({
    title: `${name}: median, better`,
    cell: ({ byCase }) => {
      const { median, below, above, cases } = byCase[name];
      return `${signed(median)}, ${more.has(name) ? above : below} of ${cases}`;
    },
  });
  return formatMarkdown(rows, [
    { title: "method", align: "left", cell: ({ title }) => title },
    ...["DSC", "NLL of a case", "ECE"].map(column),
  ]);
}

/** Says in words which of the methods with the most seeds are better or worse than the baseline. */
function wordsOf(all, cases) {
  const seeds = Math.max(...all.map(({ seeds }) => seeds));
  const rows = all.filter((row) => row.seeds === seeds);
  const list = (names) => (names.length === 0 ? "none" : names.join("; "));
  const titled = (name, test) => list(rows.filter(({ of }) => test(of[name])).map(({ title }) => title));
  const sentences = [
    ["NLL", "NLL"],
    ["fpBrier score", "fpBrier"],
    ["pooled ECE", "ECE pooled"],
    ["excess pECE", "excess pECE"],
    ["boundary ECE", "boundary ECE"],
    ["DSC", "DSC"],
  ].map(([words, name]) => {
    const lower = titled(name, ({ high }) => high < 0);
    return `- The ${words} is lower for: ${lower}. Higher for: ${titled(name, ({ low }) => low > 0)}.`;
  });
  const left = all.length - rows.length;
  const others =
    left === 0 ? "" : ` Methods with fewer seeds (${left}) are in the tables, and not in these words.`;
  return `By ${seeds} seed${seeds === 1 ? "" : "s"} and ${cases} cases, with intervals clear of 0:\n\n${sentences.join("\n")}

The others cannot be told apart from Dice + CE by these runs.${others}`;
}
