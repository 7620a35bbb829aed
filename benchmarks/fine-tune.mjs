// Fine-tuning an ONNX model by SDC: our U-Net is trained with plain cross-entropy for many epochs on few cases, until it is
// over-confident (the last epoch, without weight decay), and exported; that file is trained on for a few epochs on all
// training cases, by SDC (preset consistent) and, as the control, with cross-entropy: the same batches and rates.
//
//   node benchmarks/fine-tune.mjs --data ROOT --name NAME [--cases 8] [--base 8] [--batch 4] [--epochs 250] [--lr 1e-2]
//     [--tune-epochs 3] [--tune-lr 5e-4] [--seeds 1,2,3] [--threads 1] [--work FOLDER]
//
// It runs the command line, the tunings of a seed beside each other, and can be stopped and started again: what is
// finished is kept. The table goes to benchmarks/results/fine-tune-NAME.md.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { crossEntropy } from "@pixelcal/losses";
import { checkpointFiles, NpzDataset, Trainer, unet2d, unet3d } from "@pixelcal/train";
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
    "tune-epochs": { type: "string", default: "3" },
    "tune-lr": { type: "string", default: "5e-4" },
    seeds: { type: "string", default: "1,2,3" },
    threads: { type: "string", default: "1" },
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
  mkdirSync(join(root, "train"), { recursive: true });
  for (const split of ["val", "test"]) symlinkSync(join(source, split), join(root, split));
  const files = readdirSync(join(source, "train")).filter((file) => file.endsWith(".npz"));
  for (const file of files.sort().slice(0, Number(values.cases)))
    symlinkSync(join(source, "train", file), join(root, "train", file));
}
const { channels, rank, classes, cases } = await describeData(root);
const all = await describeData(source);

/** Trains, unless that is done, and gives the ONNX file. */
async function trained(run, data, settings) {
  const path = join(work, `${run}.json`);
  const model = join(work, "runs", run, "model.onnx");
  const common = {
    run_name: run,
    dataset: { name: values.name, root: data },
    batch_size: Number(values.batch),
    scheduler: { type: "cosine" },
    threads: Number(values.threads),
  };
  const config = JSON.stringify({ ...common, ...settings }, undefined, 2);
  const same = existsSync(path) && readFileSync(path, "utf8") === config;
  if (same && existsSync(model)) return model;
  writeFileSync(path, config);
  const again = same ? "--resume" : "--overwrite";
  await pixelcalBeside("train", "--config", path, "--out", join(work, "runs"), again);
  return model;
}

/** The ONNX file of a run's last epoch, however its validation went: that is where it is over-confident. */
async function lastEpoch(run) {
  const folder = join(work, "runs", run);
  const path = join(folder, "last.onnx");
  const options = { channels, classes, base: Number(values.base) };
  const { image } = await (await NpzDataset.open(root, "train", { classes })).read(0);
  const trainer = await Trainer.create({
    model: rank === 2 ? unet2d(options) : unet3d(options),
    loss: crossEntropy(),
    batch: [1, ...image.dims],
    threads: Number(values.threads),
  });
  await trainer.restore(join(folder, checkpointFiles.last));
  await trainer.writeModel(path);
  await trainer.close();
  return path;
}

const sdc = { name: "signedDistanceCalibration", preset: "consistent" };
const tunings = {
  "tuned by cross-entropy": { name: "crossEntropy" },
  "tuned by SDC": sdc,
  "tuned by SDC, alpha 1": { ...sdc, alpha: 1 },
};
const kinds = ["cross-entropy", ...Object.keys(tunings)];
const named = (kind) => kind.replaceAll(/\W+/g, "-");
const seeds = values.seeds.split(",").map(Number);
for (const seed of seeds) {
  await trained(`ce-${seed}`, root, {
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
  });
  const start = await lastEpoch(`ce-${seed}`);
  const tuned = Object.entries(tunings).map(([kind, loss]) =>
    trained(`${named(kind)}-${seed}`, source, {
      seed: seed + 1000,
      loss,
      model: { onnx: start },
      epochs: Number(values["tune-epochs"]),
      optim: { lr: Number(values["tune-lr"]) },
      selection: "loss",
    }),
  );
  const models = [start, ...(await Promise.all(tuned))];
  for (const [index, model] of models.entries()) {
    const out = join(work, "preds", `${named(kinds[index])}.${seed}`);
    if (existsSync(out)) continue;
    pixelcal("infer", "--model", model, "--data", source, "--out", out, "--threads", values.threads);
  }
}

const json = join(work, "results.json");
const shape = ["--classes", String(classes), "--convention", "reference"];
pixelcal(
  "evaluate",
  "--predictions",
  join(work, "preds"),
  ...shape,
  "--out",
  join(work, "results.csv"),
  "--json",
  json,
);
const { runs } = JSON.parse(readFileSync(json, "utf8"));
const columns = [
  ["DSC", 4],
  ["ECE", 4],
  ["CECE", 4],
  ["pECE", 4],
  ["ECE top label", 4],
  ["Brier", 4],
  ["NLL", 4],
];

const scores = (kind, seed, column) => {
  const { cases } = runs.find(({ run }) => run === `${named(kind)}.${seed}`);
  return new Map(cases.map(({ name, scores }) => [name, Number(scores[column])]));
};
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
/** Differences of two kinds case by case, averaged over the seeds first: a case is the unit. */
function differences(kind, other, column) {
  const maps = seeds.map((seed) => [scores(kind, seed, column), scores(other, seed, column)]);
  return [...maps[0][0].keys()].map((name) => mean(maps.map(([a, b]) => a.get(name) - b.get(name))));
}
/** The middle 95 % of means of resampled cases, with a small generator of its own so that it repeats. */
function interval(list) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const means = Array.from({ length: 5000 }, () =>
    mean(list.map(() => list[Math.floor(random() * list.length)])),
  );
  means.sort((a, b) => a - b);
  return [means[125], means[4874]];
}

const rows = [];
for (const kind of kinds) {
  for (const seed of seeds) {
    const row = columns.map(([column, decimals]) =>
      fixed(mean([...scores(kind, seed, column).values()]), decimals),
    );
    rows.push([kind, String(seed), ...row]);
  }
  const row = columns.map(([column, decimals]) =>
    fixed(mean(seeds.map((seed) => mean([...scores(kind, seed, column).values()]))), decimals),
  );
  rows.push([`**${kind}**`, "mean", ...row]);
}
const comparisons = [
  ["tuned by SDC", "cross-entropy"],
  ["tuned by SDC", "tuned by cross-entropy"],
  ["tuned by SDC, alpha 1", "tuned by cross-entropy"],
];
for (const [kind, other] of comparisons) {
  const row = columns.map(([column, decimals]) => {
    const list = differences(kind, other, column);
    const [low, high] = interval(list);
    const sign = (value) => `${value > 0 ? "+" : ""}${fixed(value, decimals)}`;
    return `${sign(mean(list))} [${sign(low)}, ${sign(high)}]`;
  });
  rows.push([`${kind} minus ${other}`, "95 %", ...row]);
}
const table = formatMarkdown(rows, [
  { title: "model", align: "left", cell: ([kind]) => kind },
  { title: "seed", cell: ([, seed]) => seed },
  ...columns.map(([title], index) => ({ title, cell: (row) => row[index + 2] })),
]);

const settings = ["cases", "base", "batch", "epochs", "lr", "tune-epochs", "tune-lr", "seeds", "threads"]
  .map((key) => `--${key} ${values[key]}`)
  .join(" ");
const report = `# Fine-tuning by SDC: ${values.name}

A U-Net (base ${values.base}) trained with cross-entropy for ${values.epochs} epochs on ${cases.train} cases without weight decay (the
last epoch) and exported as ONNX; that file tuned on all ${all.cases.train} training cases for ${values["tune-epochs"]} epochs (lowest validation
loss): with cross-entropy, which is what the data and the epochs alone do, by SDC (preset consistent) and by SDC whose local
term weighs 1 instead of 0.1. Means over the ${cases.test} test cases; DSC, ECE, CECE and pECE as the authors' repository computes
them. Last rows: differences case by case with their 95 % bootstrap interval over cases (seeds averaged first).

${table}
\`node benchmarks/fine-tune.mjs --data ROOT --name ${values.name} ${settings}\`

${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors, Node ${process.versions.node}, commit ${commit()}.
`;
mkdirSync(join(here, "results"), { recursive: true });
writeFileSync(join(here, "results", `fine-tune-${values.name}.md`), report);
console.log(report);
