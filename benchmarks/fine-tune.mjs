// Fine-tuning an over-confident ONNX model: our U-Net is trained with plain cross-entropy for many epochs on
// few cases (the last epoch, without weight decay) and exported; that file is trained on for a few epochs on
// all training cases by each of several losses, with the same batches and epochs. Epochs and each loss's rate
// are chosen by the NLL of the validation split, and what was chosen is scored on the test split.
//
//   node benchmarks/fine-tune.mjs --data ROOT --name NAME [--group COLUMN] [--cases 8] [--base 8] [--batch 4]
//     [--epochs 250] [--lr 1e-2] [--tune-epochs 4] [--tune-lr 2e-3,5e-3] [--seeds 1,2,3] [--work FOLDER]
//
// --group names the column of ROOT/manifest.csv that says whose case it is. It runs the command line, two
// runs beside each other with a thread each, and can be stopped and started again: what is finished is kept.
// The tables go to benchmarks/results/fine-tune-NAME.md.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { tensor } from "@pixelcal/core";
import { readPrediction } from "@pixelcal/io";
import { crossEntropy } from "@pixelcal/losses";
import { checkpointFiles, FileDataset, Trainer, unet2d, unet3d } from "@pixelcal/train";
import { describeData } from "../packages/cli/dist/index.js";
import { commit, here, pixelcalBeside } from "./checkout.mjs";
import { comparing, prepared, valuesOf } from "./convergence/estimates.mjs";
import { groupsOf } from "./convergence/groups.mjs";
import { differencesTable, valuesTable } from "./convergence/report.mjs";
import { caseRow, columnsOf, fitTemperature } from "./convergence/scores.mjs";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    name: { type: "string" },
    group: { type: "string" },
    cases: { type: "string", default: "8" },
    base: { type: "string", default: "8" },
    batch: { type: "string", default: "4" },
    epochs: { type: "string", default: "250" },
    lr: { type: "string", default: "1e-2" },
    "tune-epochs": { type: "string", default: "4" },
    "tune-lr": { type: "string", default: "2e-3,5e-3" },
    seeds: { type: "string", default: "1,2,3" },
    work: { type: "string" },
  },
});
if (!values.data || !values.name) {
  console.error("fine-tune: --data ROOT and --name NAME are needed");
  process.exit(2);
}

const source = resolve(values.data);
const work = resolve(values.work ?? join(here, "work", `fine-tune-${values.name}`));
const root = join(work, "data");
if (!existsSync(root)) {
  // The first training ends with its last epoch, so one case to validate on is enough.
  for (const [split, count] of Object.entries({ train: Number(values.cases), val: 1 })) {
    mkdirSync(join(root, split), { recursive: true });
    const files = readdirSync(join(source, split)).filter((file) => file.endsWith(".npz"));
    for (const file of files.sort().slice(0, count))
      symlinkSync(join(source, split, file), join(root, split, file));
  }
}
const { channels, rank, classes, cases } = await describeData(source);

/** Does the work for each item, two at a time. */
async function forEach(items, work) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all([worker(), worker()]);
}

const seeds = values.seeds.split(",").map(Number);
const rates = values["tune-lr"].split(",").map(Number);
const untuned = { run: "before", title: "before" };
const losses = [
  { name: "ce", title: "CE", loss: { name: "crossEntropy" } },
  { name: "dice-ce", title: "Dice + CE", loss: { name: "diceCrossEntropy" } },
  ...["consistent", "proper"].map((preset) => ({
    name: `sdc-${preset}`,
    title: `SDC ${preset}`,
    loss: { name: "signedDistanceCalibration", preset },
  })),
];
const tunings = losses.flatMap(({ name, title, loss }) =>
  rates.map((lr) => ({ run: `${name}-${lr}`, title: `${title}, rate ${lr}`, name, loss, lr })),
);
const withSeeds = (models) => seeds.flatMap((seed) => models.map((model) => ({ ...model, seed })));
const runOf = ({ run }, seed) => `${run}-${seed}`;
const startOf = (seed) => join(work, "runs", runOf(untuned, seed), "last.onnx");
const configOf = (run) => join(work, `${run}.json`);

/** Trains unless that is done; products of an earlier run of the same name are removed first. */
async function train(run, data, settings, dependents = []) {
  const path = configOf(run);
  const common = {
    run_name: run,
    dataset: { name: values.name, root: data },
    batch_size: Number(values.batch),
    scheduler: { type: "cosine" },
    threads: 1,
  };
  const config = JSON.stringify({ ...common, ...settings }, undefined, 2);
  const same = existsSync(path) && readFileSync(path, "utf8") === config;
  if (same && existsSync(join(work, "runs", run, "model.onnx"))) return;
  for (const split of ["val", "test"]) rmSync(join(work, split, run), { recursive: true, force: true });
  if (!same) for (const dependent of dependents) rmSync(configOf(dependent), { force: true });
  writeFileSync(path, config);
  await pixelcalBeside(
    "train",
    "--config",
    path,
    "--out",
    join(work, "runs"),
    same ? "--resume" : "--overwrite",
  );
}

/**
 * Trains the model to be tuned and writes its last epoch, whatever its validation score: there it is
 * over-confident.
 */
async function start(seed) {
  const run = runOf(untuned, seed);
  const settings = {
    seed,
    loss: { name: "crossEntropy" },
    model: {
      arch: rank === 2 ? "unet2d" : "unet3d",
      in_channels: channels,
      num_classes: classes,
      base: Number(values.base),
    },
    epochs: Number(values.epochs),
    optim: { lr: Number(values.lr), weight_decay: 0 },
    selection: "dice",
  };
  const dependents = tunings.map((model) => runOf(model, seed));
  await train(run, root, settings, dependents);
  const options = { channels, classes, base: Number(values.base) };
  const { image } = await (await FileDataset.open(root, "train", { classes })).read(0);
  const trainer = await Trainer.create({
    model: rank === 2 ? unet2d(options) : unet3d(options),
    loss: crossEntropy(),
    batch: [1, ...image.dims],
    threads: 1,
  });
  await trainer.restore(join(work, "runs", run, checkpointFiles.last));
  await trainer.writeModel(startOf(seed));
  await trainer.close();
}

const tune = (model) =>
  train(runOf(model, model.seed), source, {
    seed: model.seed + 1000,
    loss: model.loss,
    model: { onnx: startOf(model.seed) },
    epochs: Number(values["tune-epochs"]),
    optim: { lr: model.lr },
    selection: "nll",
  });

async function predict(split, model) {
  const run = runOf(model, model.seed);
  const out = join(work, split, run);
  if (existsSync(out)) return;
  const file = model.run === untuned.run ? startOf(model.seed) : join(work, "runs", run, "model.onnx");
  const data = ["--data", source, "--split", split, "--out", out];
  await pixelcalBeside("infer", "--model", file, ...data, "--threads", "1");
}

/** Returns a split's cases as a model predicts them, logits [1, C, ...] and labels [1, ...]. */
async function predicted(split, model, seed) {
  const folder = join(work, split, runOf(model, seed));
  const files = readdirSync(folder).filter((file) => file.endsWith(".npz"));
  return Promise.all(
    files.sort().map(async (file) => {
      const { probs, labels } = await readPrediction(join(folder, file));
      // The logarithm of a probability is a logit of its softmax.
      const logits = probs.data.map((p) => Math.log(Math.max(p, 1e-38)));
      return {
        name: file.slice(0, -".npz".length),
        logits: tensor("float32", logits, [1, ...probs.dims]),
        labels: { ...labels, dims: [1, ...labels.dims] },
      };
    }),
  );
}

/** Predicts a split with models of every seed and returns a scored run of each model and seed. */
async function scoresOn(split, models) {
  await forEach(withSeeds(models), (model) => predict(split, model));
  const entries = [];
  for (const model of models) {
    const runs = [];
    for (const seed of seeds) {
      const rows = {};
      for (const { name, logits, labels } of await predicted(split, model, seed))
        rows[name] = await caseRow(logits, labels);
      runs.push({ seed, columns: columnsOf(classes).join(), rows });
    }
    const names = Object.keys(runs[0].rows);
    entries.push({ ...model, runs, names, table: prepared(runs, names, classes) });
  }
  return entries;
}

await forEach(seeds, start);
await forEach(withSeeds(tunings), tune);

const validation = await scoresOn("val", [untuned, ...tunings]);
const nllOf = ({ table }) => valuesOf(table).NLL;
const chosen = losses.map(({ name }) =>
  validation.filter((entry) => entry.name === name).reduce((a, b) => (nllOf(b) < nllOf(a) ? b : a)),
);
const tested = await scoresOn("test", [
  untuned,
  ...tunings.filter(({ run }) => chosen.some((one) => one.run === run)),
]);
for (const entry of tested) {
  for (const run of entry.runs) run.temperature = fitTemperature(await predicted("val", entry, run.seed));
}

const { names } = tested[0];
const groupOf = values.group === undefined ? {} : groupsOf(source, values.group);
const groups = names.map((name) => groupOf[name] ?? name);
const differencesOf = comparing(groups);
const against = (baseline) =>
  tested
    .filter((entry) => entry !== baseline && entry !== tested[0])
    .map((entry) => ({ ...entry, ...differencesOf(entry.table, baseline.table) }));

const settings = ["cases", "base", "batch", "epochs", "lr", "tune-epochs", "tune-lr", "seeds"]
  .map((key) => `--${key} ${values[key]}`)
  .join(" ");
const grouped = values.group === undefined ? "" : ` --group ${values.group}`;
const parts = [
  `# Fine-tuning: ${values.name}`,
  `A U-Net (base ${values.base}) trained with cross-entropy for ${values.epochs} epochs on ${values.cases} cases without weight decay (the last epoch)
and exported as ONNX; that file tuned on all ${cases.train} training cases for ${values["tune-epochs"]} epochs by each loss, with the same batches.
The epoch and the rate are those of the lowest NLL on the ${cases.val} validation cases (the rate: mean of the seeds).`,
  "## On the validation split",
  valuesTable(validation),
  `## On the test split`,
  `${names.length} cases, ${new Set(groups).size} independent, seen by the chosen rates alone.`,
  valuesTable(tested),
  "## Against the model before",
  differencesTable(against(tested[0])),
  "## Against CE",
  differencesTable(against(tested[1])),
  `NLL, Brier, fpBrier, ECE (top label), excess pECE and boundary ECE (within 2 pixels of the predicted boundary) are pooled over all
pixels; DSC, ECE of a case and pECE are means over cases. T is the temperature that the validation split asks for. Differences
have 95 % intervals over draws of seeds and cases together; \\* marks those clear of 0.`,
  `\`node benchmarks/fine-tune.mjs --data ROOT --name ${values.name}${grouped} ${settings}\``,
  `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors, Node ${process.versions.node}, commit ${commit()}.`,
];
const report = `${parts.map((part) => part.trimEnd()).join("\n\n")}\n`;
mkdirSync(join(here, "results"), { recursive: true });
writeFileSync(join(here, "results", `fine-tune-${values.name}.md`), report);
console.log(report);
