// A training step on patches of cases of one size, of five sizes, and of five sizes read from the store.
//
//   node benchmarks/patches.mjs [--blocks 12] [--steps 6] [--threads 2] [--out FILE.md]
//
// The three data sets train a network each, in one process and in turns, a block of steps at a time, so that
// a busy machine slows all. A block's time begins before its first batch is asked for, so it holds the
// waiting for data. Medians over the blocks; augmentation is nnU-Net's.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random, setThreadCount, tensor } from "@pixelcal/core";
import { writeNpz } from "@pixelcal/io";
import { diceCrossEntropy } from "@pixelcal/losses";
import { FileDataset, Loader, nnunetAugmentation, Trainer, unet3d } from "@pixelcal/train";
import { commit } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    blocks: { type: "string", default: "12" },
    steps: { type: "string", default: "6" },
    threads: { type: "string", default: "2" },
    out: { type: "string" },
  },
});
const [blocks, steps, threads] = [values.blocks, values.steps, values.threads].map(Number);
setThreadCount(threads);

const classes = 3;
const [base, batchSize, patch] = [8, 2, [48, 64, 48]];
const cases = 10;
const goals = { step: 1.1, waiting: 0.05 };
const five = [
  [64, 96, 80],
  [72, 72, 72],
  [40, 128, 96],
  [96, 80, 64],
  [56, 112, 48],
];

/** Writes cases of some sizes in turn, with a ball of either class in noise. */
async function writeCases(root, sizes) {
  const random = Random.fromSeed(5);
  for (let index = 0; index < cases; index++) {
    const size = sizes[index % sizes.length];
    const [depth, height, width] = size;
    const pixels = depth * height * width;
    const label = new BigInt64Array(pixels);
    const image = new Float32Array(pixels);
    for (let i = 0; i < pixels; i++) {
      const [x, y, z] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
      const near = (at) => Math.hypot(x - at * width, y - height / 2, z - depth / 2) < Math.min(...size) / 5;
      const found = near(0.33) ? 1 : near(0.66) ? 2 : 0;
      label[i] = BigInt(found);
      image[i] = found + random.normal();
    }
    await writeNpz(join(root, "train", `case_${index}.npz`), {
      image: tensor("float32", image, [1, ...size]),
      label: tensor("int64", label, size),
    });
  }
}

const folder = mkdtempSync(join(tmpdir(), "patches-"));
try {
  await compare();
} finally {
  rmSync(folder, { recursive: true });
}

async function compare() {
  const store = join(folder, "prepared");
  const sets = [
    { title: "one size", name: "one", sizes: [five[1]] },
    { title: "five sizes", name: "five", sizes: five },
    { title: "five sizes, read from the store", name: "five", sizes: five, from: { cacheBytes: 0, store } },
  ];
  const runs = [];
  for (const { title, name, sizes, from } of sets) {
    const root = join(folder, name);
    if (from === undefined) await writeCases(root, sizes);
    const dataset = await FileDataset.open(root, "train", { classes, ...from });
    const [model, loss] = [unet3d({ classes, base }), diceCrossEntropy()];
    const trainer = await Trainer.create({ model, loss, batch: [batchSize, 1, ...patch], threads });
    const loader = new Loader(dataset, {
      batchSize,
      shuffle: true,
      seed: 1,
      patches: { size: patch, perEpoch: batchSize * steps * (blocks + 1), foreground: 0.33 },
      augment: nnunetAugmentation(patch),
    });
    runs.push({ title, trainer, batches: loader.epoch(0), step: [], processor: [], waiting: [] });
  }
  for (let block = 0; block <= blocks; block++) {
    for (const run of runs) {
      const measured = await runBlock(run);
      // The first block lays out graphs and starts the prefetch.
      if (block === 0) continue;
      for (const [key, value] of Object.entries(measured)) run[key].push(value);
    }
  }
  report(runs);
  for (const { trainer } of runs) await trainer.close();
}

async function runBlock({ trainer, batches }) {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  let waited = 0;
  for (let step = 0; step < steps; step++) {
    const asked = performance.now();
    const { value } = await batches.next();
    waited += performance.now() - asked;
    await trainer.step(value);
  }
  const wall = performance.now() - begun;
  const { user, system } = process.cpuUsage(used);
  return { step: wall / steps, processor: (user + system) / 1000 / steps, waiting: waited / wall };
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

function report([one, ...others]) {
  const ratio = (run, key) => median(run[key].map((value, i) => value / one[key][i]));
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const rows = [one, ...others].map((run) => {
    const times = ["step", "processor"].map(
      (key) => `${median(run[key]).toFixed(0)} ms | ${ratio(run, key).toFixed(3)}`,
    );
    return `| ${run.title} | ${times.join(" | ")} | ${percent(median(run.waiting))} |`;
  });
  const held = others.every((run) => ratio(run, "step") <= goals.step && median(run.waiting) < goals.waiting);
  const lines = [
    "# Patches of cases of several sizes",
    "",
    `U-Net 3-D base ${base}, batches of ${batchSize} patches of ${patch.join(" x ")}, ${blocks} blocks of ${steps} steps in turns, ${threads} threads.`,
    `${cpus()[0].model}, ${cpus().length} processors, load average ${loadavg()[0].toFixed(1)} at the end, Node ${process.versions.node}, commit ${commit()}.`,
    `Goals: a step of five sizes at most ${goals.step} of one size, waiting for data below ${percent(goals.waiting)}: ${held ? "met" : "missed"}.`,
    "",
    "| data set | step | of one size | processor time | of one size | waiting for data |",
    "|---|--:|--:|--:|--:|--:|",
    ...rows,
  ];
  const text = `${lines.join("\n")}\n`;
  if (values.out) writeFileSync(values.out, text);
  console.log(text);
  if (!held) process.exitCode = 1;
}
