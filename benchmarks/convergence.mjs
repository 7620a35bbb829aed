// The comparison of losses on networks trained until validation turns: for each of several seeds every method
// from the same weights, windows and batches, scored on the test split by proper scores, calibration errors
// and overlap. Each run writes one file when it is done, so that a command that was killed goes on with the
// runs that are missing, also on another machine.
//
//   node benchmarks/convergence.mjs --data ROOT --name NAME [--cases N] [--methods a,b] [--seeds 1,2,3,4,5]
//     [--group COLUMN] [--threads 1] [--work FOLDER]
//   node benchmarks/convergence.mjs --report --name NAME [--cases N]
//   node benchmarks/convergence.mjs --goals
//
// ROOT holds {train,val,test}/*.npz; --cases takes the first N cases to train with. --group names the column
// of ROOT/manifest.csv that says whose case it is: intervals then draw those, not cases. Results are in
// benchmarks/results/convergence/NAME[-N]/METHOD-SEED.json, the report is NAME[-N].md beside that folder, and
// goals.md says of all sets which goals each method meets; checkpoints are in FOLDER (default
// benchmarks/work/convergence, not in git). Seeds are the outer loop, so that a table of the first is useful
// before the others are there.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { checkpointFiles } from "@pixelcal/train";
import { describeData } from "../packages/cli/dist/index.js";
import { commit, here } from "./checkout.mjs";
import { goalsReport } from "./convergence/goals.mjs";
import { groupsOf } from "./convergence/groups.mjs";
import { methods, order } from "./convergence/methods.mjs";
import { reportOf } from "./convergence/report.mjs";
import { calibrateRun, openData, trainAndScore } from "./convergence/train.mjs";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    name: { type: "string" },
    cases: { type: "string" },
    methods: { type: "string" },
    seeds: { type: "string", default: "1,2,3,4,5" },
    group: { type: "string" },
    threads: { type: "string", default: "1" },
    work: { type: "string" },
    report: { type: "boolean", default: false },
    goals: { type: "boolean", default: false },
  },
});
function fail(problem) {
  console.error(`convergence: ${problem}`);
  process.exit(2);
}
if (!values.data && !values.report && !values.goals) fail("--data ROOT, --report or --goals is needed");
if (!values.name && (values.data || values.report)) fail("--name NAME is needed");
const chosen = values.methods?.split(",") ?? order;
const unknown = chosen.find((name) => !Object.hasOwn(methods, name));
if (unknown !== undefined) fail(`unknown method ${unknown}; known: ${Object.keys(methods).join(", ")}`);
const seeds = values.seeds.split(",").map(Number);
if (!seeds.every(Number.isSafeInteger)) fail(`--seeds: expected whole numbers, got ${values.seeds}`);

const set = values.cases === undefined ? (values.name ?? "") : `${values.name}-${values.cases}`;
const results = join(here, "results", "convergence");
const folder = join(results, set);
const pathOf = (method, seed) => join(folder, `${method}-${seed}.json`);

/** Returns the settings of every run of every method. */
const settingsOf = (rank) => ({
  crop: rank === 2 ? [96, 96] : [32, 40, 32],
  batch: 4,
  steps: 840,
  rate: 5e-3,
  base: 8,
});

/** Formats a result as JSON, with each list of numbers on one line. */
function textOf(result) {
  const inLine = (_, value) =>
    Array.isArray(value) && value.every((one) => typeof one === "number") ? `[${value}]` : value;
  return `${JSON.stringify(result, inLine, 1).replace(/"(\[[^"]*\])"/g, "$1")}\n`;
}

function store(path, result) {
  writeFileSync(`${path}.part`, textOf(result));
  renameSync(`${path}.part`, path);
}

/** Adds the calibrated rows to a result that lacks them, where the run's checkpoint is still there. */
async function addCalibrated(path, run) {
  if (!run.method.calibrated) return;
  const result = JSON.parse(readFileSync(path, "utf8"));
  if (result.calibratedRows) return;
  if (!existsSync(join(run.folder, checkpointFiles.best))) {
    console.log(`${path}: no checkpoint to calibrate; delete the file to train the run again`);
    return;
  }
  store(path, { ...result, calibratedRows: await calibrateRun(run) });
}

async function runAll() {
  const root = resolve(values.data);
  const { classes, rank } = await describeData(root);
  const cases = values.cases === undefined ? undefined : Number(values.cases);
  const data = await openData({ root, classes, cases });
  const groups = values.group === undefined ? undefined : groupsOf(root, values.group);
  mkdirSync(folder, { recursive: true });
  for (const seed of seeds) {
    for (const method of chosen) {
      const work = join(resolve(values.work ?? join(here, "work", "convergence")), set, `${method}-${seed}`);
      const run = {
        data,
        method: methods[method],
        seed,
        settings: settingsOf(rank),
        threads: Number(values.threads),
        folder: work,
      };
      if (existsSync(pathOf(method, seed))) {
        await addCalibrated(pathOf(method, seed), run);
        continue;
      }
      mkdirSync(work, { recursive: true });
      const result = await trainAndScore(run);
      const head = { method, commit: commit(), classes, trained: data.train.names.length };
      const mine = groups && Object.fromEntries(Object.keys(result.rows).map((name) => [name, groups[name]]));
      store(pathOf(method, seed), { ...head, ...(mine && { groups: mine }), ...result });
      console.log(
        `${set} ${method} seed ${seed}: ${result.seconds} s, best epoch ${result.bestEpoch} of ` +
          `${result.validationNll.length}, validation NLL ${Math.min(...result.validationNll)}, ` +
          `temperature ${result.temperature}`,
      );
    }
  }
}

function runsIn(folder) {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
  if (files.length === 0) fail(`${folder} has no results`);
  return files.sort().map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
}

function report() {
  const runs = runsIn(folder);
  const cases = values.cases === undefined ? "" : ` --cases ${values.cases}`;
  const command = `node benchmarks/convergence.mjs --report --name ${values.name}${cases}`;
  writeFileSync(join(results, `${set}.md`), reportOf(set, runs, command));
  console.log(`benchmarks/results/convergence/${set}.md written from ${runs.length} runs`);
}

function goals() {
  const sets = readdirSync(results, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const runs = Object.fromEntries(sets.map(({ name }) => [name, runsIn(join(results, name))]));
  writeFileSync(join(results, "goals.md"), goalsReport(runs, "node benchmarks/convergence.mjs --goals"));
  console.log(`benchmarks/results/convergence/goals.md written for ${Object.keys(runs).join(", ")}`);
}

if (values.data) await runAll();
if (values.report) report();
if (values.goals) goals();
