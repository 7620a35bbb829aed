// Fine-tuning an ONNX model by SDC: our U-Net is trained with plain cross-entropy for many epochs on few
// cases, until it is over-confident (the last epoch, without weight decay), and exported; that file is
// trained on for a few epochs on all training cases, by SDC (preset consistent) and, as the control, with
// cross-entropy: the same batches and epochs. Weights of SDC's terms and rates are chosen on the validation
// split, for the control as for SDC, and reported on the test split.
//
//   node benchmarks/fine-tune.mjs --data ROOT --name NAME [--cases 8] [--base 8] [--batch 4] [--epochs 250]
//     [--lr 1e-2] [--tune-epochs 4] [--tune-lr 2e-3,5e-3] [--weights 0.1:0.1,1:0.1,5:0.1]
//     [--seeds 1,2,3] [--work FOLDER]
//
// --weights are alpha:sdfWeight. It runs the command line, two runs beside each other with a thread each, and
// can be stopped and started again: what is finished is kept. The tables go to
// benchmarks/results/fine-tune-NAME.md.
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
import { runStatistics } from "@pixelcal/evaluate";
import { crossEntropy } from "@pixelcal/losses";
import { checkpointFiles, FileDataset, Trainer, unet2d, unet3d } from "@pixelcal/train";
import { describeData, fixed, formatMarkdown } from "../packages/cli/dist/index.js";
import { commit, here, pixelcal, pixelcalBeside } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    name: { type: "string" },
    cases: { type: "string", default: "8" },
    base: { type: "string", default: "8" },
    batch: { type: "string", default: "4" },
    epochs: { type: "string", default: "250" },
    lr: { type: "string", default: "1e-2" },
    "tune-epochs": { type: "string", default: "4" },
    "tune-lr": { type: "string", default: "2e-3,5e-3" },
    weights: { type: "string", default: "0.1:0.1,1:0.1,5:0.1" },
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
const weights = values.weights.split(",").map((pair) => pair.split(":").map(Number));
const untuned = { run: "ce", title: "before" };
const controls = rates.map((lr) => ({
  run: `cross-entropy-${lr}`,
  title: `cross-entropy, rate ${lr}`,
  loss: { name: "crossEntropy" },
  lr,
}));
const tunings = weights.flatMap(([alpha, sdfWeight]) =>
  rates.map((lr) => ({
    run: `sdc-${alpha}-${sdfWeight}-${lr}`,
    title: `SDC, alpha ${alpha}, sdfWeight ${sdfWeight}, rate ${lr}`,
    loss: { name: "signedDistanceCalibration", preset: "consistent", alpha, sdfWeight },
    lr,
  })),
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
  const dependents = [...controls, ...tunings].map((model) => runOf(model, seed));
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

/** Predicts a split with models of every seed and returns their scores by case. */
async function scoresOn(split, models) {
  await forEach(withSeeds(models), (model) => predict(split, model));
  const files = { csv: join(work, `${split}.csv`), json: join(work, `${split}.json`) };
  const shape = ["--classes", String(classes), "--convention", "reference"];
  const out = ["--out", files.csv, "--out-json", files.json];
  pixelcal("evaluate", "--predictions", join(work, split), ...shape, ...out);
  const { runs } = JSON.parse(readFileSync(files.json, "utf8"));
  return (model, seed, column) => {
    const { cases } = runs.find(({ run }) => run === runOf(model, seed));
    return new Map(cases.map(({ name, scores }) => [name, Number(scores[column])]));
  };
}

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const spread = (list) =>
  Math.sqrt(list.reduce((sum, x) => sum + (x - mean(list)) ** 2, 0) / (list.length - 1));
const columns = ["DSC", "ECE", "CECE", "pECE", "ECE top label", "Brier", "NLL"];
/** Returns a column's mean over the cases for each seed. */
const bySeed = (scores, model, column) =>
  seeds.map((seed) => mean([...scores(model, seed, column).values()]));

await forEach(seeds, start);
await forEach(withSeeds([...controls, ...tunings]), tune);

const candidates = [untuned, ...controls, ...tunings];
const validation = await scoresOn("val", candidates);
const onValidation = (model, column) => mean(bySeed(validation, model, column));
const chosen = (models) => models.reduce((a, b) => (onValidation(b, "NLL") < onValidation(a, "NLL") ? b : a));
const [control, tuning] = [chosen(controls), chosen(tunings)];
const partner = controls.find(({ lr }) => lr === tuning.lr);
const tested = [...new Set([untuned, control, partner, tuning])];
const test = await scoresOn("test", tested);

/** Differences of two models case by case, averaged over the seeds first: a case is the unit. */
function differences(model, other, column) {
  const maps = seeds.map((seed) => [test(model, seed, column), test(other, seed, column)]);
  return [...maps[0][0].keys()].map((name) => mean(maps.map(([a, b]) => a.get(name) - b.get(name))));
}
/** Returns the mean of differences by case and its interval over cases; fewer than 8 have none. */
async function withInterval(list) {
  const rows = list.map((difference, i) => ({
    name: `case ${String(i).padStart(5, "0")}`,
    labels: "",
    scores: { difference },
    pixels: { counted: 0, unbinned: 0, bounded: 0 },
  }));
  const { value, interval } = (await runStatistics(rows)).scores.get("difference");
  const ends = interval ? ` [${signed(interval.low)}, ${signed(interval.high)}]` : "";
  return `${signed(value)}${ends}`;
}

const four = (value) => fixed(value, 4);
const signed = (value) => `${value > 0 ? "+" : ""}${four(value)}`;
const table = (first, rows) =>
  formatMarkdown(rows, [
    { title: first, align: "left", cell: ([title]) => title },
    ...columns.map((title, index) => ({ title, cell: (row) => row[index + 1] })),
  ]);
const choice = table(
  "on the validation split",
  candidates.map((model) => {
    const mark = model === control || model === tuning ? " (chosen)" : "";
    return [model.title + mark, ...columns.map((column) => four(onValidation(model, column)))];
  }),
);
const results = table(
  "on the test split",
  tested.map((model) => {
    const cells = columns.map((column) => {
      const means = bySeed(test, model, column);
      return seeds.length > 1 ? `${four(mean(means))} ± ${four(spread(means))}` : four(means[0]);
    });
    return [model.title, ...cells];
  }),
);
const pairs = tested.slice(1).map((model) => [model, untuned]);
for (const other of tested.slice(1, -1)) pairs.push([tuning, other]);
const compared = table(
  "difference",
  await Promise.all(
    pairs.map(async ([model, other]) => {
      const cells = await Promise.all(
        columns.map((column) => withInterval(differences(model, other, column))),
      );
      return [`${model.title} minus ${other.title}`, ...cells];
    }),
  ),
);

const settings = ["cases", "base", "batch", "epochs", "lr", "tune-epochs", "tune-lr", "weights", "seeds"]
  .map((key) => `--${key} ${values[key]}`)
  .join(" ");
const report = `# Fine-tuning by SDC: ${values.name}

A U-Net (base ${values.base}) trained with cross-entropy for ${values.epochs} epochs on ${values.cases} cases without weight decay (the last epoch)
and exported as ONNX; that file tuned on all ${cases.train} training cases for ${values["tune-epochs"]} epochs (lowest validation NLL) by SDC
(preset consistent) and, as the control, with cross-entropy: the same seeds, batches and epochs. Settings are chosen on the ${cases.val}
validation cases, for the control as for SDC: the lowest NLL (mean of the seeds). DSC, ECE, CECE and pECE as the authors' repository computes them.

${choice}
Of these the ${cases.test} test cases see only the chosen${partner === control ? "" : ", and the control at SDC's rate"}: means over the cases, ± standard deviation of the ${seeds.length} seeds.

${results}
Differences case by case (seeds averaged first), with their 95 % bootstrap interval over cases:

${compared}
\`node benchmarks/fine-tune.mjs --data ROOT --name ${values.name} ${settings}\`

${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors, Node ${process.versions.node}, commit ${commit()}.
`;
mkdirSync(join(here, "results"), { recursive: true });
writeFileSync(join(here, "results", `fine-tune-${values.name}.md`), report);
console.log(report);
