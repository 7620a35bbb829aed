// The runs of a data set as methods to compare: each with its runs, those of its calibrated forms, and its
// differences from a baseline.
import { comparing, prepared } from "./estimates.mjs";
import { methods, tunable } from "./methods.mjs";

/** The scorings after training: with a fitted temperature, and with one for each distance to the boundary. */
const repairs = [
  { key: "scaledRows", suffix: "+ts", title: "temperature" },
  { key: "calibratedRows", suffix: "+dt", title: "distance-temperature" },
];

/** The names of the methods that others are held against, beside Dice + CE. */
export const baselines = ["dice-ce+ts", "proper-0.25-0"];

/** Returns every method with runs, its variants among them: { name, title, runs }. */
function entriesOf(runs) {
  const entries = Object.entries(methods).map(([name, { title }]) => ({
    name,
    title,
    runs: runs.filter(({ method }) => method === name),
  }));
  const repaired = repairs.flatMap(({ key, suffix, title: repair }) =>
    entries.map(({ name, title, runs }) => ({
      name: `${name}${suffix}`,
      title: `${title}, ${repair}`,
      runs: runs
        .filter((run) => run[key] !== undefined)
        .map((run) => ({ ...run, rows: run[key], temperature: suffix === "+ts" ? 1 : Number.NaN })),
    })),
  );
  return [...entries, ...repaired, tuned(entries)].filter((entry) => entry.runs.length > 0);
}

/** Returns the run of the lowest validation NLL of each seed that has all runs that are tuned over. */
function tuned(entries) {
  const candidates = entries.filter(({ name }) => tunable.includes(name));
  const seeds = new Set(candidates.flatMap(({ runs }) => runs.map(({ seed }) => seed)));
  const best = [...seeds].map((seed) => {
    const runs = candidates.map((entry) => entry.runs.find((run) => run.seed === seed));
    if (runs.some((run) => run === undefined)) return undefined;
    const least = (run) => Math.min(...run.validationNll);
    return runs.reduce((a, b) => (least(b) < least(a) ? b : a));
  });
  return { name: "proper-tuned", title: "proper, tuned", runs: best.filter((run) => run !== undefined) };
}

/**
 * Returns what the runs of a set compare: its `cases` and whose they are (`groups`), the methods with runs as
 * `entries` { name, title, runs, table }, `find` for one by its name, and `against` for all but that one with
 * their differences from it.
 */
export function comparisonOf(runs) {
  const cases = Object.keys(runs[0].rows);
  const groups = cases.map((name) => runs[0].groups?.[name] ?? name);
  const { classes } = runs[0];
  const entries = entriesOf(runs).map((entry) => ({ ...entry, table: prepared(entry.runs, cases, classes) }));
  const differencesOf = comparing(groups);
  const find = (name) => entries.find((entry) => entry.name === name);
  const against = (name) => {
    const baseline = find(name);
    if (baseline === undefined) return [];
    return entries
      .filter((entry) => entry !== baseline && entry.runs.some(({ seed }) => baseline.table.has(seed)))
      .map((entry) => ({ ...entry, ...differencesOf(entry.table, baseline.table) }));
  };
  return { cases, groups, entries, find, against };
}
