// The fit of a calibrator to more logits than memory should hold: processor time and memory of the fit beside
// the processor time of the inference pass that made them.
//
//   node benchmarks/large-calibration.mjs [--volumes 40] [--size 128,192,192] [--classes 4]
//     [--methods distance-temperature,auto] [--work FOLDER] [--out FILE.md]
//
// Logits are made up: nested balls, other places and sizes in every volume, and labels drawn from a posterior
// that is less sure than the logits near boundaries. The inference pass is that of `unet3d` with base 8 on
// one volume, times their number. Every stage is a process of its own, so that its peak memory is its own.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fitCalibrator, Random, selectCalibrator } from "@pixelcal/core";
import { Network, runtimeVersion, unet3d } from "@pixelcal/train";
import { formatMarkdown } from "../packages/cli/dist/index.js";
import { LogitsCache } from "../packages/train/dist/calibrate/logits-cache.js";
import { commit } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    volumes: { type: "string", default: "40" },
    size: { type: "string", default: "128,192,192" },
    classes: { type: "string", default: "4" },
    methods: { type: "string", default: "distance-temperature,auto" },
    work: { type: "string", default: tmpdir() },
    stage: { type: "string" },
    out: { type: "string" },
  },
});
const [volumes, classes] = [Number(values.volumes), Number(values.classes)];
const size = values.size.split(",").map(Number);
const pixels = size.reduce((a, b) => a * b, 1);
const path = join(values.work, "large-calibration.logits");
const seconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Returns logits and labels of a volume: `out` and `labels` are written anew. */
function draw(seed, noise, { out, labels }) {
  const random = Random.fromSeed(seed);
  const middle = size.map((n) => n * (0.4 + 0.2 * random.uniform()));
  const radius = Math.min(...size) * (0.25 + 0.1 * random.uniform());
  const shift = Math.floor(noise.length * random.uniform());
  const z = new Float64Array(classes);
  for (let i = 0; i < pixels; i++) {
    const [x, y, w] = [i % size[2], Math.floor(i / size[2]) % size[1], Math.floor(i / size[1] / size[2])];
    const inside = radius - Math.hypot(w - middle[0], y - middle[1], x - middle[2]);
    const sharp = Math.abs(inside) < 3 ? 0.5 : 1;
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const ring =
        c === 0
          ? -inside
          : 4 - Math.abs(inside - 8 * (c - 0.5)) + (c === classes - 1 ? Math.max(0, inside - 8 * c) : 0);
      const value = Math.max(-12, Math.min(12, ring)) + noise[(i * classes + c + shift) % noise.length];
      out[c * pixels + i] = value;
      sum += z[c] = Math.exp(sharp * value);
    }
    let rest = (0.5 + 0.5 * Math.sin((i + shift) * 12.9898) * 0.999) * sum;
    let label = 0;
    while (label < classes - 1 && (rest -= z[label]) >= 0) label++;
    labels[i] = label;
  }
}

async function write(cache) {
  const random = Random.fromSeed(1);
  const noise = Float32Array.from({ length: 1_000_003 }, () => random.normal());
  const [out, labels] = [new Float32Array(classes * pixels), new Uint8Array(pixels)];
  for (let n = 0; n < volumes; n++) {
    draw(n, noise, { out, labels });
    await cache.append({
      logits: { type: "float32", dims: [1, classes, ...size], data: out },
      labels: { type: "uint8", dims: [1, ...size], data: labels },
      group: `volume ${n}`,
    });
  }
}

/** Returns the processor time of one volume's inference. */
async function infer() {
  const network = new Network({ model: unet3d({ channels: 1, classes, base: 8 }), threads: 1 });
  const image = { type: "float32", dims: [1, 1, ...size], data: new Float32Array(pixels).fill(0.5) };
  const before = seconds();
  await network.logits(image);
  const taken = seconds() - before;
  await network.close();
  return taken;
}

const stages = {
  infer: async () => ({ seconds: await infer() }),
  ...Object.fromEntries(
    values.methods.split(",").map((method) => [
      method,
      async () => {
        // The file is written by this process, a volume at a time, and read back as by `calibrateModel`.
        const cache = await LogitsCache.create(path);
        try {
          await write(cache);
          const before = seconds();
          const fit = await (method === "auto" ? selectCalibrator(cache) : fitCalibrator(method, cache));
          return { seconds: seconds() - before, chosen: fit.calibrator.name, nll: fit.nll };
        } finally {
          await cache.close();
        }
      },
    ]),
  ),
};

if (values.stage) {
  const result = await stages[values.stage]();
  const memory = process.resourceUsage().maxRSS / 2 ** 10;
  console.log(JSON.stringify({ ...result, memory }));
  process.exit(0);
}

const rows = Object.keys(stages).map((stage) => {
  rmSync(path, { force: true });
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--stage", stage];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) process.exit(1);
  const result = JSON.parse(stdout);
  console.error(stage, stdout.trim());
  return stage === "infer" ? { stage, ...result, seconds: volumes * result.seconds } : { stage, ...result };
});
const [pass] = rows;
const table = formatMarkdown(rows, [
  {
    title: "stage",
    align: "left",
    cell: ({ stage }) => (stage === "infer" ? "inference pass" : `fit: ${stage}`),
  },
  { title: "processor time, s", cell: ({ seconds: taken }) => taken.toFixed(0) },
  { title: "of the pass", cell: ({ seconds: taken }) => (taken / pass.seconds).toFixed(2) },
  { title: "peak memory, MiB", cell: ({ memory }) => memory.toFixed(0) },
  { title: "NLL", cell: ({ nll }) => (nll ? `${nll.before.toFixed(4)} to ${nll.after.toFixed(4)}` : "") },
]);
const machine = `Machine: ${cpus()[0].model}, ${cpus().length} processors, Node ${process.version}, onnxruntime ${await runtimeVersion()}. Commit ${commit()}.`;
const text = `# A fit to ${volumes} volumes of ${size.join(" x ")} x ${classes}\n\n${table}\nThe pass is \`unet3d\` with base 8 on one volume, times ${volumes}. ${machine}\n\`node benchmarks/large-calibration.mjs --volumes ${volumes} --size ${values.size} --classes ${classes} --methods ${values.methods}\`\n`;
console.log(text);
if (values.out) writeFileSync(values.out, text);
