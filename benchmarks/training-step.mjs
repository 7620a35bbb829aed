// One training step (forward, loss, backward, AdamW) beside PyTorch's, and what the targets of SDC add to it.
//
//   node benchmarks/training-step.mjs [--cases unet2d,unet3d,plain3d] [--rounds 12] [--steps 3] [--threads 2]
//     [--python python3] [--out FILE.md]
//   node benchmarks/training-step.mjs --profile unet2d        # our step by operator instead
//
// Ours and the peer are separate processes pinned to the same two processors (where `taskset` exists),
// each with two threads; they take turns, a few steps at a time, so that a busy machine slows both. The
// ratio is the median of the rounds' ratios. On a machine with other work to do, compare processor times
// with one thread: they hardly depend on it. Without PyTorch (`python3 -c "import torch"`) the peer's
// column says so and ours is still measured.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setThreadCount } from "@pixelcal/core";
import { crossEntropy, signedDistanceCalibration } from "@pixelcal/losses";
import { adamW, buildStepGraph, channelBlock, createSession, runtimeVersion, Trainer } from "@pixelcal/train";
import { commit, here } from "./checkout.mjs";
import { batch, classes, networks } from "./reference-networks.mjs";

/** The goal for the step's time, as a multiple of PyTorch's. */
const limit = 1;
const targetLimit = 0.05;
/** The goal for peak memory, as a multiple of PyTorch's. */
const memoryLimit = 1.3;

/** Describes the step for the report, with the figures that the profile prints. */
const method = `## Where the time goes

A step of the 2-D network multiplies and adds 84 G times (28 G each forward, for the gradient of the input and for that of
the weights): 169 GFLOP. One core of the machine below does about 115 GFLOP/s in float32, which is a floor of 1.5 s on one
thread. onnxruntime's convolution on channels in blocks reaches 110 to 115 of them at every size of the network, its im2col
and product 82 to 104. All else reads and writes arrays of up to 51 MB and is bound by memory.

Processor time on one thread, best of seven steps: 2-D, both forms in turns in one process (AMD EPYC, Zen 4, shared); 3-D, the two
in turns (Intel Xeon, quiet):

| change | predicted | before | after |
|---|--:|--:|--:|
| 2-D: forward and input gradients on channels in blocks (no im2col), with norms, pooling and transposed convolutions | -9 % | 2226 ms | 2004 ms |
| nnU-Net's plain 3-D with its heads on every level: slices of volumes in blocks, taps along depth side by side as channels; instance norms, strided convolutions and heads in blocks; weight gradients with taps along depth as outputs | -30 % | 929 ms | 606 ms |

In three dimensions the runtime has no kernels for blocks: its im2col and product reach 48 to 74 GFLOP/s of a core that does about 150 (16 to
64 channels), the slices with their copies 86 to 135. Copies (gathers, joins, slices) are then a fifth of a step on two threads. PyTorch's
oneDNN convolves volumes directly, from 16 channels on: at 8 channels it is slower than im2col.

Tried for weight gradients and left: products per tap or per row of taps (57 to 91 GFLOP/s, against 68 to 102 of one
convolution whose kernel is the output's gradient), and that convolution on channels in blocks (about twice the time: it
reads the whole gradient again for every tap). onnxruntime itself lays planes out in blocks only for weights that are stored in
the model; a step's are fed, so \`lower\` does it, with \`block\` from \`channelBlock()\`.`.split("\n");

const self = fileURLToPath(import.meta.url);
const { values } = parseArgs({
  options: {
    cases: { type: "string", default: Object.keys(networks).join() },
    rounds: { type: "string", default: "12" },
    steps: { type: "string", default: "3" },
    python: { type: "string", default: "python3" },
    out: { type: "string" },
    profile: { type: "string" },
    threads: { type: "string", default: "2" },
    worker: { type: "string" },
  },
});

const threads = Number(values.threads);
if (values.worker) await serve(values.worker);
else if (values.profile) await profile(values.profile);
else await compare();

async function compare() {
  const rounds = Number(values.rounds);
  const torch = spawnSync(values.python, ["-c", "import torch"], { stdio: "ignore" }).status === 0;
  const load = [loadavg()[0]];
  const rows = [];
  const versions = new Set();
  for (const name of values.cases.split(",")) {
    const { title, base, plain = false, dims } = caseOf(name);
    const start = { title, base, plain, dims, classes, threads };
    const ours = await worker(process.execPath, [self, "--worker", name, "--threads", values.threads], start);
    const peerScript = join(here, "peers", "training_step.py");
    const peer = torch ? await worker(values.python, [peerScript], start) : undefined;
    for (const { hello } of [ours, peer].filter(Boolean)) versions.add(hello.version);
    const turns = { ours: [], peer: [], oursCpu: [], peerCpu: [], targets: [], sdc: [] };
    let memory = {};
    for (let round = -1; round < rounds; round++) {
      const mine = await ours.ask(`run ${values.steps}`);
      const theirs = await peer?.ask(`run ${values.steps}`);
      memory = { ours: mine.memory, peer: theirs?.memory };
      if (round < 0) continue; // the first round warms both up
      turns.ours.push(median(mine.times));
      turns.oursCpu.push(mine.cpu);
      if (!theirs) continue;
      turns.peer.push(median(theirs.times));
      turns.peerCpu.push(theirs.cpu);
    }
    for (let round = 0; round < 3; round++) {
      const { steps, targets } = await ours.ask(`sdc ${values.steps}`);
      turns.sdc.push(median(steps));
      turns.targets.push(median(targets));
    }
    ours.stop();
    peer?.stop();
    rows.push({ title, memory, ...turns });
  }
  load.push(loadavg()[0]);
  const text = report(rows, [...versions], load);
  console.log(text);
  if (values.out) writeFileSync(values.out, `${text}\n`);
}

function report(rows, versions, load) {
  const lines = [
    "# A training step beside PyTorch's",
    "",
    `Forward, cross-entropy, backward and AdamW on ${threads} threads; medians of ${values.rounds} rounds of`,
    `${values.steps} steps, ours and the peer's taking turns on the same processors. The ratio is the median of the rounds',`,
    "CPU is the processor time of a step in the best round, of all threads together (PyTorch's wait by spinning).",
    "",
    `Machine: ${cpus()[0].model}, ${cpus().length} processors, ${platform()} ${arch()}. Commit ${commit()}.`,
    `${versions.join(", ")}, Node ${process.version}.`,
    `Load average of the machine: ${load.map((value) => value.toFixed(1)).join(" before, ")} after.`,
    "",
    "| case | ours ms | PyTorch ms | ratio | allowed | ours best | PyTorch best | ours CPU ms | PyTorch CPU ms | ours MB | PyTorch MB | allowed MB |",
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
  ];
  const missing = "not installed";
  for (const { title, ours, peer, oursCpu, peerCpu, memory } of rows) {
    const theirs = (value) => (peer.length > 0 ? value() : "");
    const cells = [
      title,
      median(ours).toFixed(0),
      theirs(() => median(peer).toFixed(0)) || missing,
      theirs(() => median(ours.map((time, round) => time / peer[round])).toFixed(2)),
      limit.toFixed(1),
      Math.min(...ours).toFixed(0),
      theirs(() => Math.min(...peer).toFixed(0)),
      Math.min(...oursCpu).toFixed(0),
      theirs(() => Math.min(...peerCpu).toFixed(0)),
      memory.ours.toFixed(0),
      theirs(() => memory.peer.toFixed(0)),
      theirs(() => (memoryLimit * memory.peer).toFixed(0)),
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  lines.push(
    "",
    "What the targets of SDC (preset reference, computed from the labels before the step) add to a step with that loss:",
    "",
    "| case | step ms | targets ms | share | allowed |",
    "|---|--:|--:|--:|--:|",
  );
  for (const { title, sdc, targets } of rows) {
    const share = median(targets.map((time, round) => time / sdc[round]));
    const [step, target] = [median(sdc).toFixed(0), median(targets).toFixed(2)];
    lines.push(`| ${title} | ${step} | ${target} | ${percent(share)} | ${percent(targetLimit)} |`);
  }
  lines.push("", ...method);
  return lines.join("\n");
}

/** Starts a process that answers every JSON line with one. */
async function worker(command, args, start) {
  const pinned = spawnSync("taskset", ["--version"], { stdio: "ignore" }).status === 0;
  const all = pinned ? ["taskset", "-c", "0,1", command, ...args] : [command, ...args];
  const child = spawn(all[0], all.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line) => {
    child.stdin.write(`${line}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`${command} ${args[0]} ended before it answered "${line.slice(0, 40)}"`);
    return JSON.parse(value);
  };
  return { hello: await ask(JSON.stringify(start)), ask, stop: () => child.stdin.end() };
}

/**
 * Answers as our side of the comparison: the same conversation as peers/training_step.py, and SDC's targets.
 */
async function serve(name) {
  setThreadCount(threads);
  const data = batch(caseOf(name).dims);
  const trainer = await create(name, crossEntropy());
  let calibrated;
  for await (const line of createInterface({ input: process.stdin })) {
    const [order, count] = line.split(" ");
    let answer = { version: `onnxruntime-node ${await runtimeVersion()}` };
    if (order === "run") {
      const before = process.cpuUsage();
      const times = await timed(count, () => trainer.step(data));
      const { user, system } = process.cpuUsage(before);
      answer = {
        times,
        cpu: (user + system) / 1e3 / times.length,
        memory: process.resourceUsage().maxRSS / 1024,
      };
    } else if (order === "sdc") {
      calibrated ??= await create(name, signedDistanceCalibration({ preset: "reference" }));
      const ready = { ...data, targets: await calibrated.targets(data) };
      await calibrated.step(ready);
      const targets = await timed(count * 5, () => calibrated.targets(data));
      answer = { targets, steps: await timed(count, () => calibrated.step(ready)) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await calibrated?.close();
  await trainer.close();
}

async function timed(count, run) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}

/** Prints where the time of our step goes: the best of some runs of every operator, summed by kind. */
async function profile(name) {
  const { dims, model } = caseOf(name);
  const trainer = await create(name, crossEntropy());
  const data = batch(dims);
  const targets = await trainer.targets(data);
  const graph = buildStepGraph(model().build(dims), {
    loss: trainer.loss,
    trainable: trainer.trainable,
    device: trainer.device,
    block: await channelBlock(trainer.device),
  });
  const folder = mkdtempSync(join(tmpdir(), "training-step-"));
  const session = await createSession(graph, { threads, profile: join(folder, "step") });
  const feeds = { image: data.images, ...trainer.parameters, ...trainer.buffers };
  for (const [target, value] of Object.entries(targets)) feeds[`target/${target}`] = value;
  for (let i = 0; i < 8; i++) await session.run(feeds);
  await session.close();
  await trainer.close();
  const events = readdirSync(folder).flatMap((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
  rmSync(folder, { recursive: true });
  const best = new Map();
  for (const { cat, name: node, dur, args } of events) {
    if (cat !== "Node" || !node.endsWith("_kernel_time")) continue;
    const known = best.get(node);
    const shapes = args.input_type_shape?.map((shape) => `[${Object.values(shape)[0]}]`).join(" ");
    if (!known || dur < known.dur)
      best.set(node, { op: args.op_name, node: node.slice(0, -12), dur, shapes });
  }
  const nodes = [...best.values()].sort((a, b) => b.dur - a.dur);
  const total = nodes.reduce((sum, { dur }) => sum + dur, 0);
  const kinds = new Map();
  for (const { op, dur } of nodes) kinds.set(op, [...(kinds.get(op) ?? []), dur]);
  const sum = (list) => list.reduce((a, b) => a + b, 0);
  console.log(`${name}: ${(total / 1e3).toFixed(0)} ms in operators, best of 8 runs each`);
  for (const [op, times] of [...kinds].sort((a, b) => sum(b[1]) - sum(a[1])).slice(0, 20)) {
    const cells = [op.padEnd(24), `${times.length}`.padStart(5), (sum(times) / 1e3).toFixed(2).padStart(9)];
    console.log(cells.join(" "), percent(sum(times) / total).padStart(7));
  }
  for (const { op, node, dur, shapes } of nodes.slice(0, 40)) {
    console.log((dur / 1e3).toFixed(2).padStart(8), op, node, shapes);
  }
}

function caseOf(name) {
  const found = networks[name];
  if (found) return found;
  console.error(`training-step: unknown case ${name}; there are ${Object.keys(networks).join(", ")}`);
  process.exit(2);
}

function create(name, loss) {
  return Trainer.create({
    model: caseOf(name).model(),
    loss,
    optimizer: adamW(),
    batch: caseOf(name).dims,
    threads,
  });
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
