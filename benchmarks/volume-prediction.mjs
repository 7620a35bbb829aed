// A tile of a volume predicted by `Network` on the CPU, beside onnxruntime on the same ONNX file as it is.
//
//   node benchmarks/volume-prediction.mjs [--cases plain,residual,unet] [--rounds 7] [--threads 2]
//     [--out FILE.md]
//
// Both sessions are in one process and take turns, so that a busy machine slows both; the ratio is the median
// of the rounds' ratios. The first prediction, which makes the session, and the memory of three predictions
// are those of processes of their own.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random, tensor } from "@pixelcal/core";
import { serializeModel } from "@pixelcal/graph";
import {
  createSession,
  Network,
  plainUnet,
  residualUnet,
  runtimeVersion,
  stagesOf,
  unet3d,
} from "@pixelcal/train";
import { commit } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "plain,residual,unet" },
    rounds: { type: "string", default: "7" },
    threads: { type: "string", default: "2" },
    out: { type: "string" },
    alone: { type: "string" },
  },
});
const [rounds, threads] = [values.rounds, values.threads].map(Number);

const size = [96, 96, 96];
const dims = [1, 1, ...size];
const nnunet = { dimensions: 3, classes: 14, base: 32, ...stagesOf(size), seed: 1 };
const networks = {
  plain: { title: "nnU-Net's plain network, 32 channels", make: () => plainUnet(nnunet) },
  residual: { title: "nnU-Net's residual network, 32 channels", make: () => residualUnet(nnunet) },
  unet: { title: "the authors' U-Net, 16 channels", make: () => unet3d({ classes: 14, base: 16, seed: 1 }) },
};

const random = Random.fromSeed(1);
const pixels = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => random.normal());
const image = tensor("float32", pixels, dims);
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

/** Returns what predicts logits of the tile by a side, "ours" or "peer". */
function predictor(side, bytes) {
  if (side === "ours") {
    const network = new Network({ model: bytes, threads });
    return { logits: async () => (await network.logits(image)).data, close: () => network.close() };
  }
  const opened = createSession(bytes, { threads });
  return {
    logits: async () => {
      const session = await opened;
      const [input, output] = [session.inputs[0].name, session.outputs[0].name];
      return (await session.run({ [input]: image }))[output].data;
    },
    close: async () => (await opened).close(),
  };
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Prints the milliseconds of a first prediction and the MiB of three. */
async function measureAlone(name, side) {
  const bytes = serializeModel(networks[name].make().build(dims));
  const start = performance.now();
  const { logits, close } = predictor(side, bytes);
  await logits();
  const first = performance.now() - start;
  for (let again = 0; again < 2; again++) await logits();
  const memory = process.resourceUsage().maxRSS;
  await close();
  console.log(JSON.stringify({ first, memory: memory / 1024 }));
}

function alone(name, side) {
  const args = [fileURLToPath(import.meta.url), "--alone", `${name},${side}`, "--threads", values.threads];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name}, ${side}: ${stderr}`);
  return JSON.parse(stdout);
}

async function compare(name) {
  const bytes = serializeModel(networks[name].make().build(dims));
  const [ours, peer] = ["ours", "peer"].map((side) => predictor(side, bytes));
  const [mine, theirs] = [await ours.logits(), await peer.logits()];
  let [apart, largest] = [0, 0];
  for (let i = 0; i < mine.length; i++) {
    apart = Math.max(apart, Math.abs(mine[i] - theirs[i]));
    largest = Math.max(largest, Math.abs(theirs[i]));
  }
  const times = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await timed(ours.logits));
    times.peer.push(await timed(peer.logits));
  }
  await ours.close();
  await peer.close();
  const ratio = median(times.ours.map((time, round) => time / times.peer[round]));
  const [one, other] = ["ours", "peer"].map((side) => alone(name, side));
  const cells = [
    networks[name].title,
    `${(median(times.ours) / 1000).toFixed(2)} s`,
    `${(median(times.peer) / 1000).toFixed(2)} s`,
    ratio.toFixed(2),
    `${(one.first / 1000).toFixed(1)} and ${(other.first / 1000).toFixed(1)} s`,
    `${Math.round(one.memory)} and ${Math.round(other.memory)} MiB`,
    `${(apart / largest).toExponential(0)}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

if (values.alone) {
  await measureAlone(...values.alone.split(","));
} else {
  const load = loadavg()[0].toFixed(1);
  const rows = [];
  for (const name of values.cases.split(",")) rows.push(await compare(name));
  const text = `# Predicting volumes

A tile of ${size.join(" x ")} voxels, 1 channel to 14 classes, ${threads} threads, medians of ${rounds} rounds in turns; the first prediction
makes the session. ${cpus()[0].model.trim()}, ${cpus().length} processors, load average ${load}, Node ${process.versions.node},
onnxruntime ${await runtimeVersion()}, commit ${commit()}.

| network | \`Network\` | the file in onnxruntime | ratio | first | memory | logits apart, of the largest |
|---|--:|--:|--:|--:|--:|--:|
${rows.join("\n")}

onnxruntime convolves volumes by im2col. \`Network\` gives it slices of volumes with channels in blocks, for which it has faster
kernels, and its weights in that layout.

\`node benchmarks/volume-prediction.mjs\`
`;
  if (values.out) writeFileSync(values.out, text);
  else console.log(text);
}
