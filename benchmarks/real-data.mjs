// The comparison of the paper on a data set: every method of the authors' repository as configured there
// (preset reference), SDC in both presets, from the same seed, weights and batches. It runs the command line,
// one method after another, and can be stopped and started again: what is finished is kept.  node
// benchmarks/real-data.mjs --data ROOT --name NAME [--base 16] [--epochs 20] [--batch 4] [--lr 1e-3] [--seed
// 42] [--methods dicece,sdc-consistent] [--originals] [--threads 2] [--work FOLDER]  ROOT holds
// {train,val,test}/*.npz. Runs and predictions go to FOLDER (default benchmarks/work/NAME, not in git), the
// tables to benchmarks/results/NAME.md and NAME.csv.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeData, fixed, formatMarkdown } from "../packages/cli/dist/index.js";
import { commit, here, pixelcal } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    name: { type: "string" },
    base: { type: "string", default: "16" },
    epochs: { type: "string", default: "20" },
    batch: { type: "string", default: "4" },
    lr: { type: "string", default: "1e-3" },
    seed: { type: "string", default: "42" },
    threads: { type: "string", default: "2" },
    methods: { type: "string" },
    originals: { type: "boolean", default: false },
    work: { type: "string" },
  },
});
if (!values.data || !values.name) {
  console.error("real-data: --data ROOT and --name NAME are needed");
  process.exit(2);
}

// The authors' nine, with the options of their configurations; SDC a second time as corrected here.
const published = {
  dicece: { method: "dicece" },
  fl: { method: "fl" },
  ecp: { method: "ecp" },
  ls: { method: "ls" },
  svls: { method: "svls" },
  mbls: { method: "mbls" },
  nacl: { method: "nacl" },
  fcl: { method: "fcl" },
  "sdc-reference": { method: "sdc" },
  "sdc-consistent": { method: "sdc", preset: "consistent" },
};
// The same names as their own authors define them.
const originals = {
  "svls-original": { method: "svls", preset: "consistent" },
  "mbls-original": { method: "mbls", preset: "consistent" },
  "nacl-original": { method: "nacl", preset: "consistent" },
  "margin-svls": { loss: { name: "marginSvls" } },
};

const known = { ...published, ...(values.originals ? originals : {}) };
const methods = values.methods?.split(",") ?? Object.keys(known);
for (const name of methods) {
  if (name in known) continue;
  console.error(`real-data: unknown method ${name}; known: ${Object.keys(known).join(", ")}`);
  process.exit(2);
}

const root = resolve(values.data);
const work = resolve(values.work ?? join(here, "work", values.name));
const { channels, rank, classes, cases } = await describeData(root);

function readJson(path, fallback) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : fallback;
}

mkdirSync(join(work, "configs"), { recursive: true });
const timesPath = join(work, "seconds.json");
const seconds = readJson(timesPath, {});

for (const name of methods) {
  const config = {
    run_name: name,
    seed: Number(values.seed),
    ...known[name],
    dataset: { name: values.name, root },
    model: {
      arch: rank === 2 ? "unet2d" : "unet3d",
      in_channels: channels,
      num_classes: classes,
      base: Number(values.base),
    },
    batch_size: Number(values.batch),
    epochs: Number(values.epochs),
    // The same optimizer for every method, the authors': weight decay on all parameters.
    optim: { lr: Number(values.lr), weight_decay: 1e-2, decay: "all" },
    scheduler: { type: "cosine" },
    threads: Number(values.threads),
  };
  const path = join(work, "configs", `${name}.json`);
  const same = JSON.stringify(readJson(path)) === JSON.stringify(config);
  const folder = join(work, "preds", name);
  if (same && existsSync(folder)) {
    console.log(`${name}: done`);
    continue;
  }
  writeFileSync(path, JSON.stringify(config, undefined, 2));
  const begun = Date.now();
  pixelcal("train", "--config", path, "--out", join(work, "runs"), same ? "--resume" : "--overwrite");
  const trained = Date.now();
  pixelcal("infer", "--config", path, "--runs", join(work, "runs"), "--out", folder);
  // A stopped method counts from its last start only, so its first time, if any, is added.
  const before = same ? (seconds[name]?.train ?? 0) : 0;
  seconds[name] = { train: before + (trained - begun) / 1000, infer: (Date.now() - trained) / 1000 };
  writeFileSync(timesPath, JSON.stringify(seconds, undefined, 2));
}

const results = join(here, "results");
mkdirSync(results, { recursive: true });
const files = { csv: join(results, `${values.name}.csv`), json: join(work, "results.json") };
// Only the methods asked for: the folder may hold others.
const scored = join(work, "preds");
pixelcal(
  "evaluate",
  "--predictions",
  scored,
  "--classes",
  String(classes),
  "--out",
  files.csv,
  "--out-json",
  files.json,
);

const number = (value) =>
  value === null ? Number.NaN : Number(value === "inf" ? Number.POSITIVE_INFINITY : value);
const cell = (column, decimals) => (run) => {
  const { mean, deviation, infinite, finiteMean } = run.summary[column];
  const text = `${fixed(number(mean), decimals)} ± ${fixed(number(deviation), decimals)}`;
  return infinite > 0 ? `inf (${infinite} cases; else ${fixed(number(finiteMean), decimals)})` : text;
};
const perClass = classes > 2 ? Array.from({ length: classes - 1 }, (_, c) => `DSC class ${c + 1}`) : [];
const columns = [
  ["DSC", 4],
  ["HD95", 2],
  ["ECE", 4],
  ["CECE", 4],
  ["pECE", 4],
  ["ECE top label", 4],
  ["Brier", 4],
  ["NLL", 4],
  ...perClass.map((column) => [column, 4]),
].map(([title, decimals]) => ({ title, cell: cell(title, decimals) }));
const { runs } = readJson(files.json);
const table = formatMarkdown(runs, [
  { title: "method", align: "left", cell: ({ run }) => run },
  ...columns,
  { title: "train s", cell: ({ run }) => fixed(seconds[run]?.train ?? Number.NaN, 0) },
]);
const settings = ["base", "epochs", "batch", "lr", "seed", "threads"]
  .map((key) => `--${key} ${values[key]}`)
  .join(" ");
const report = `# ${values.name}

${cases.train} cases to train, ${cases.val} to validate, ${cases.test} to test; ${classes} classes, ${channels} channel(s),
${rank}-D. U-Net base ${values.base}, ${values.epochs} epochs, batch ${values.batch}, AdamW ${values.lr} with cosine decay,
weight decay 0.01, seed ${values.seed}; the checkpoint with the lowest validation loss. Means ± standard deviations over
the test cases, sorted by DSC. DSC, HD95 (pixels), ECE, CECE and pECE as the authors' repository computes them.

${table}
\`node benchmarks/real-data.mjs --data ROOT --name ${values.name} ${settings}${values.originals ? " --originals" : ""}\`

${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors, Node ${process.versions.node}, commit ${commit()}.
`;
writeFileSync(join(results, `${values.name}.md`), report);
console.log(`benchmarks/results/${values.name}.md and .csv written`);
