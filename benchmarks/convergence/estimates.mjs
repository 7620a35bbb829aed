// Estimates of a method from its runs: the table's measures of every seed, and their differences from another
// method's with intervals that draw seeds and groups of cases (a patient's) again, the same for both.
import { Random } from "@pixelcal/core";
import { bins } from "./scores.mjs";

/** Returns one run's sums as rows of numbers, in the order of `cases`. */
function runTable({ columns, rows }, cases) {
  return { columns: columns.split(","), rows: cases.map((name) => rows[name]) };
}

/** Every measure by name: its value, given the sums of `columns` over cases and the number of classes. */
const pooled = {
  NLL: (sum) => sum("nll") / sum("pixels"),
  Brier: (sum) => sum("brier") / sum("pixels"),
  fpBrier: (sum) => sum("fpBrier") / sum("pixels"),
  "ECE pooled": (sum) => absolute(sum, "top") / sum("pixels"),
  "excess pECE": (sum) =>
    (absolute(sum, "fg") + 2 * byBin((m) => Math.max(0, sum(`excess${m}`)))) / sum("pixels"),
  "boundary ECE": (sum) => absolute(sum, "near") / sum("near"),
  overconfidence: (sum) => byBin((m) => sum(`top${m}`)) / sum("pixels"),
};

const byBin = (value) => Array.from({ length: bins }, (_, m) => value(m)).reduce((a, b) => a + b, 0);
const absolute = (sum, name) => byBin((m) => Math.abs(sum(`${name}${m}`)));

/** Measures of single cases, whose mean over cases is shown; undefined ones are NaN and left out. */
const perCase = {
  DSC: (of, classes) => {
    const scores = Array.from({ length: classes - 1 }, (_, c) => {
      const sizes = of(`predicted${c + 1}`) + of(`true${c + 1}`);
      return sizes === 0 ? Number.NaN : (2 * of(`hit${c + 1}`)) / sizes;
    }).filter((score) => !Number.isNaN(score));
    return scores.reduce((a, b) => a + b, 0) / scores.length;
  },
  ECE: (of) => absolute(of, "top") / of("pixels"),
  pECE: (of) => of("pECE"),
  "pECE if calibrated": (of) => of("pECE if calibrated"),
  "NLL of a case": (of) => of("nll") / of("pixels"),
};

export const measures = ["DSC", ...Object.keys(pooled), "ECE", "pECE", "pECE if calibrated"];

/** Prepares a run's table for many weighted estimates. */
function prepare({ columns, rows }, classes) {
  const at = new Map(columns.map((name, i) => [name, i]));
  const cases = Object.fromEntries(
    Object.entries(perCase).map(([name, measure]) => [
      name,
      rows.map((row) => measure((column) => row[at.get(column)], classes)),
    ]),
  );
  return { at, rows, cases, width: columns.length };
}

/** Returns every measure of a prepared run, each case counted `weights[k]` times. */
function estimate({ at, rows, cases, width }, weights) {
  const sums = new Float64Array(width);
  for (const [k, row] of rows.entries()) {
    if (weights[k] === 0) continue;
    for (let i = 0; i < width; i++) sums[i] += weights[k] * row[i];
  }
  const sum = (name) => sums[at.get(name)];
  const means = Object.entries(cases).map(([name, values]) => {
    let [total, count] = [0, 0];
    for (const [k, value] of values.entries()) {
      if (Number.isNaN(value)) continue;
      total += weights[k] * value;
      count += weights[k];
    }
    return [name, total / count];
  });
  return {
    ...Object.fromEntries(Object.entries(pooled).map(([name, measure]) => [name, measure(sum)])),
    ...Object.fromEntries(means),
  };
}

const meanOf = (list) => list.reduce((a, b) => a + b, 0) / list.length;

/** Means over estimates, name by name. */
const averaged = (estimates) =>
  Object.fromEntries(measures.map((name) => [name, meanOf(estimates.map((one) => one[name]))]));

/** Returns a method's runs by seed, ready to estimate. */
export function prepared(runs, cases, classes) {
  return new Map(runs.map((run) => [run.seed, prepare(runTable(run, cases), classes)]));
}

/** Returns every measure, the mean over seeds. */
export function valuesOf(method) {
  const runs = [...method.values()];
  return averaged(runs.map((run) => estimate(run, new Float64Array(run.rows.length).fill(1))));
}

/**
 * Returns `count` draws of seeds and of groups of cases: the places of the seeds drawn, of so many, and how
 * often each case is in it.
 */
function drawn(groups, seeds, count) {
  const members = [...new Set(groups)].map((group) => [...groups.keys()].filter((k) => groups[k] === group));
  const random = Random.fromSeed(1);
  return Array.from({ length: count }, () => {
    const weights = new Float64Array(groups.length);
    for (let i = 0; i < members.length; i++)
      for (const k of members[random.integer(members.length)]) weights[k] += 1;
    return { weights, places: Array.from({ length: seeds }, () => random.integer(seeds)) };
  });
}

/**
 * Returns a function of two methods' runs that tells, measure by measure, the mean difference over the seeds
 * that both have, its 95 % interval over `count` draws of seeds and of groups of cases, and how the cases
 * differ. All comparisons of the same number of seeds draw the same, so that a run is estimated once.
 */
export function comparing(groups, count = 2000) {
  const draws = new Map();
  const estimates = new Map();
  const drawsOf = (seeds) => {
    if (!draws.has(seeds)) draws.set(seeds, drawn(groups, seeds, count));
    return draws.get(seeds);
  };
  const estimatesOf = (run, seeds) => {
    if (!estimates.has(run)) estimates.set(run, new Map());
    const own = estimates.get(run);
    if (!own.has(seeds))
      own.set(
        seeds,
        drawsOf(seeds).map(({ weights }) => estimate(run, weights)),
      );
    return own.get(seeds);
  };
  return (method, baseline) => {
    const seeds = [...method.keys()].filter((seed) => baseline.has(seed));
    const difference = (estimatesOfRun) => {
      const [ours, theirs] = [method, baseline].map((runs) => averaged(estimatesOfRun(runs)));
      return Object.fromEntries(measures.map((name) => [name, ours[name] - theirs[name]]));
    };
    const differences = drawsOf(seeds.length).map(({ places }, draw) =>
      difference((runs) => places.map((place) => estimatesOf(runs.get(seeds[place]), seeds.length)[draw])),
    );
    const once = new Float64Array(groups.length).fill(1);
    const mean = difference((runs) => seeds.map((seed) => estimate(runs.get(seed), once)));
    return {
      seeds: seeds.length,
      of: Object.fromEntries(
        measures.map((name) => {
          const sorted = differences.map((one) => one[name]).sort((a, b) => a - b);
          const quantile = (share) => sorted[Math.min(count - 1, Math.floor(share * count))];
          return [name, { mean: mean[name], low: quantile(0.025), high: quantile(0.975) }];
        }),
      ),
      byCase: byCase(seeds, method, baseline, groups.length),
    };
  };
}

/**
 * Returns the differences of single cases, each the mean over seeds: their median and how many are below 0.
 */
function byCase(seeds, method, baseline, cases) {
  return Object.fromEntries(
    Object.keys(perCase).map((name) => {
      const apart = Array.from({ length: cases }, (_, k) =>
        meanOf(seeds.map((seed) => method.get(seed).cases[name][k] - baseline.get(seed).cases[name][k])),
      )
        .filter((value) => !Number.isNaN(value))
        .sort((a, b) => a - b);
      const middle = apart.length / 2;
      const median = (apart[Math.ceil(middle) - 1] + apart[Math.floor(middle)]) / 2;
      const below = apart.filter((value) => value < 0).length;
      const above = apart.filter((value) => value > 0).length;
      return [name, { median, below, above, cases: apart.length }];
    }),
  );
}
