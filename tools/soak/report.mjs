import { writeFileSync } from "node:fs";

const faults = ["crash", "hang", "untyped", "memory"];
const titles = [
  "target",
  "inputs",
  "of",
  "per second",
  "accepted",
  "refused",
  "crashes",
  "hangs",
  "untyped",
  "over 64 MB",
];
const big = (count) => count.toLocaleString("en");
const broken = (counts) => faults.reduce((sum, fault) => sum + counts[fault], 0);

function rows({ targets }) {
  return Object.values(targets).map((counts) => [
    counts.name,
    big(counts.next),
    big(counts.total),
    counts.seconds > 0 ? big(Number((counts.next / counts.seconds).toPrecision(3))) : "",
    ...["accepted", "refused", ...faults].map((key) => big(counts[key])),
  ]);
}

/**
 * Formats the table in plain columns, every kind of fault, and the sum: a target passes when nothing was
 * found in it.
 */
export function summary(state) {
  const table = [titles, ...rows(state)];
  const width = titles.map((_, i) => Math.max(...table.map((row) => row[i].length)));
  const all = Object.values(state.targets);
  const lines = table.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(width[i]) : cell.padStart(width[i]))).join("  "),
  );
  for (const { name, kinds } of all) {
    for (const [kind, count] of Object.entries(kinds)) lines.push(`${name}: ${count} x ${kind}`);
  }
  const short = all.filter(({ next, total }) => next < total).map(({ name }) => name);
  if (short.length > 0) lines.push(`ended early by the time: ${short.join(", ")}; --resume continues`);
  const failed = all.filter((counts) => broken(counts) > 0).length;
  lines.push(`${all.length - failed} passed, ${failed} failed`);
  return { lines, failed };
}

/** Writes the figures as a Markdown file. */
export function writeReport(path, state) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const { seed, commit, machine, date, command, targets } = state;
  const kinds = Object.values(targets).flatMap(({ name, kinds }) =>
    Object.entries(kinds).map(([kind, count]) => `- ${name}: ${count} x ${kind}`),
  );
  const text = [
    "# Reliability",
    "",
    "What `npm run soak` found: mutated files for every reader, abused calls at the native boundary and of core's",
    "functions, and kills of checkpoint writes, of training runs that are then resumed, and of predictors' processes.",
    "A hang is an input that takes more than 2 s of processor time; an untyped error is one that a caller cannot tell",
    "from a fault of the program; an input may take 64 MB on top of what the process has, a native call, whose arguments",
    "ask for results, 1 GiB.",
    "",
    `- commit ${commit}, ${date}, seed ${seed}`,
    `- ${machine}, one core`,
    `- \`${command}\``,
    "",
    line(titles),
    line(titles.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...rows(state).map(line),
    "",
    ...(kinds.length > 0 ? ["Found:", "", ...kinds, ""] : []),
  ];
  writeFileSync(path, text.join("\n"));
}
