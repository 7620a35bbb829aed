// Every calibrator on networks trained by Dice + CE: fitted on the validation split, scored on the test
// split, with intervals over seeds and cases. The networks are those of convergence.mjs, which left a
// checkpoint a seed. Each seed and method writes one file when it is done, so that a command that was killed
// goes on with what is missing.
//
//   node benchmarks/calibrators.mjs --data ROOT --name NAME [--group COLUMN] [--seeds 1,2,3] [--work FOLDER]
//     [--methods a,b] [--threads 1]
//   node benchmarks/calibrators.mjs --report --name NAME
//
// FOLDER is that of convergence.mjs (default benchmarks/work/convergence). Results are in
// benchmarks/results/calibrators/NAME/METHOD-SEED.json, the report is NAME.md beside that folder.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { argMax, fitCalibrator, selectCalibrator } from "@pixelcal/core";

import { FileDataset, Network, predictionWeights, readRunCheckpoint, unet2d, unet3d } from "@pixelcal/train";
import { describeData } from "../packages/cli/dist/index.js";
import { methods } from "./calibrators/methods.mjs";
import { reportOf } from "./calibrators/report.mjs";
import { commit, here } from "./checkout.mjs";
import { groupsOf } from "./convergence/groups.mjs";
import { caseRow, columnsOf } from "./convergence/scores.mjs";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    name: { type: "string" },
    group: { type: "string" },
    seeds: { type: "string", default: "1,2,3" },
    work: { type: "string" },
    methods: { type: "string" },
    threads: { type: "string", default: "1" },
    report: { type: "boolean", default: false },
  },
});
function fail(problem) {
  console.error(`calibrators: ${problem}`);
  process.exit(2);
}
if (!values.name) fail("--name NAME is needed");
if (!values.data && !values.report) fail("--data ROOT or --report is needed");
const chosen = values.methods?.split(",") ?? Object.keys(methods);
const unknown = chosen.find((name) => !Object.hasOwn(methods, name));
if (unknown !== undefined) fail(`unknown method ${unknown}; known: ${Object.keys(methods).join(", ")}`);
const results = join(here, "results", "calibrators");
const folder = join(results, values.name);
const pathOf = (method, seed) => join(folder, `${method}-${seed}.json`);
// A command is of one commit, whatever is checked out while it runs.
const started = commit();
const rounded = (value) => Number(value.toPrecision(7));

/** Returns logits, labels and name of every case of a split. */
async function casesOf(network, dataset, groups) {
  const cases = [];
  for (const [index, name] of dataset.names.entries()) {
    const { image, labels, spacing } = await dataset.read(index);
    const logits = await network.logits({ ...image, dims: [1, ...image.dims] });
    const group = groups?.[name] ?? name;
    cases.push({ name, logits, labels: { ...labels, dims: [1, ...labels.dims] }, spacing, group });
  }
  return cases;
}

/** Returns the rows of every test case under a calibrator, and the pixels whose label it changed. */
async function scored(calibrator, cases) {
  const rows = {};
  let changed = 0;
  for (const { name, logits, labels } of cases) {
    const calibrated = await calibrator.apply(logits, { output: "logits" });
    rows[name] = (await caseRow(calibrated, labels)).map(rounded);
    const [before, after] = [await argMax(logits), await argMax(calibrated)];
    for (let i = 0; i < before.data.length; i++) if (before.data[i] !== after.data[i]) changed++;
  }
  return { rows, changed };
}

async function runAll() {
  const root = resolve(values.data);
  const { classes, rank, channels } = await describeData(root);
  const groups = values.group === undefined ? undefined : groupsOf(root, values.group);
  const [val, test] = await Promise.all(
    ["val", "test"].map((split) => FileDataset.open(root, split, { classes })),
  );
  mkdirSync(folder, { recursive: true });
  for (const seed of values.seeds.split(",").map(Number)) {
    const missing = chosen.filter((method) => !existsSync(pathOf(method, seed)));
    const work = resolve(values.work ?? join(here, "work", "convergence"));
    const checkpoint = join(work, values.name, `dice-ce-${seed}`, "best.safetensors");
    if (missing.length === 0) continue;
    if (!existsSync(checkpoint)) {
      console.log(`${values.name} seed ${seed}: ${checkpoint} is not there; convergence.mjs makes it`);
      continue;
    }
    const model = (rank === 2 ? unet2d : unet3d)({ channels, classes, base: 8 });
    const arrays = predictionWeights(await readRunCheckpoint(checkpoint));
    const network = new Network({ model, arrays, threads: Number(values.threads) });
    const fitted = await casesOf(network, val, groups);
    const cases = await casesOf(network, test, groups);
    await network.close();
    const source = { count: fitted.length, read: (index) => fitted[index] };
    for (const method of missing) {
      const { name, options } = methods[method];
      if (fitted.length < (methods[method].cases ?? 1)) continue;
      const begun = performance.now();
      const fit = await (name === "auto"
        ? selectCalibrator(source, options)
        : fitCalibrator(name, source, options));
      const seconds = rounded((performance.now() - begun) / 1000);
      const { rows, changed } = await scored(fit.calibrator, cases);
      const result = {
        method,
        seed,
        commit: started,
        classes,
        fitted: fitted.length,
        seconds,
        calibrator: fit.calibrator.toJSON(),
        changed,
        nll: fit.nll,
        ...(groups && { groups: Object.fromEntries(cases.map(({ name, group }) => [name, group])) }),
        columns: columnsOf(classes).join(),
        rows,
      };
      writeFileSync(`${pathOf(method, seed)}.part`, textOf(result));
      renameSync(`${pathOf(method, seed)}.part`, pathOf(method, seed));
      console.log(
        `${values.name} ${method} seed ${seed}: ${fit.calibrator.name}, ${seconds} s, ${changed} labels changed`,
      );
    }
  }
}

/** Formats a result as JSON, with each list of numbers on one line. */
function textOf(result) {
  const inLine = (_, value) =>
    Array.isArray(value) && value.every((one) => typeof one === "number") ? JSON.stringify(value) : value;
  return `${JSON.stringify(result, inLine, 1).replace(/"(\[[^"]*\])"/g, "$1")}\n`;
}

function report() {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
  if (files.length === 0) fail(`${folder} has no results`);
  // A label whose probability is 0 makes a sum infinite, which JSON writes as null.
  const runs = files
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8"), (_, value) => value ?? Infinity));
  const command = `node benchmarks/calibrators.mjs --report --name ${values.name}`;
  writeFileSync(join(results, `${values.name}.md`), reportOf(values.name, runs, command));
  console.log(`benchmarks/results/calibrators/${values.name}.md written from ${runs.length} results`);
}

if (values.data) await runAll();
if (values.report) report();
