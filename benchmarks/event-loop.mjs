// The work of kernels beside the other work of a Node process: how long a `readFile` takes beside 8 running
// `signedDistance` of 64 x 256 x 256 into 5 classes, and the share of its processor time that a process
// spends on its main thread while it scores 64 cases at once.
//
//   node benchmarks/event-loop.mjs [--reads 200] [--rounds 5] [--out FILE.md]
//
// The shares are processor time, which other processes do not add to; the reads are wall time. The longest
// slices of the main thread are a test: packages/evaluate/src/main-thread.test.ts.
import { openSync, readSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { arch, cpus, loadavg, platform } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  CalibrationMetric,
  MetricGroup,
  OverlapMetric,
  ProbabilityScoreMetric,
  queueState,
  SurfaceDistanceMetric,
  signedDistance,
  zeros,
} from "@pixelcal/core";
import { evaluate } from "@pixelcal/evaluate";
import { commit } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    reads: { type: "string", default: "200" },
    rounds: { type: "string", default: "5" },
    out: { type: "string" },
  },
});
const [reads, rounds] = [Number(values.reads), Number(values.rounds)];
const before = loadavg()[0];

/** Returns the processor time of the main thread and of the process, in seconds. */
function times() {
  const { user, system } = process.cpuUsage();
  const all = (user + system) / 1e6;
  if (process.threadCpuUsage !== undefined) {
    const own = process.threadCpuUsage();
    return { all, main: (own.user + own.system) / 1e6 };
  }
  // Linux brings the times of the calling thread up to date when it adds up those of the process.
  const text = Buffer.alloc(64);
  const file = (times.file ??= openSync("/proc/thread-self/schedstat", "r"));
  const length = readSync(file, text, 0, 64, 0);
  return { all, main: Number.parseInt(text.toString("latin1", 0, length), 10) / 1e9 };
}

const middle = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const self = fileURLToPath(import.meta.url);

async function readTime() {
  const begun = performance.now();
  await readFile(self);
  return performance.now() - begun;
}

const labels = zeros("uint8", [1, 64, 256, 256]);
for (let i = 0; i < labels.data.length; i++) labels.data[i] = ((i >> 6) + (i >> 14)) % 5;

for (let i = 0; i < reads; i++) await readTime();
const alone = [];
for (let i = 0; i < reads; i++) {
  await sleep(2);
  alone.push(await readTime());
}
const beside = [];
while (beside.length < reads) {
  let pending = true;
  const calls = Array.from({ length: 8 }, () => signedDistance(labels, { classes: 5 }));
  const all = Promise.all(calls).then(() => {
    pending = false;
  });
  while (pending) {
    await sleep(2);
    const { running } = queueState();
    const time = await readTime();
    if (running > 0) beside.push(time);
  }
  await all;
}

/** A case of blocks, whose probabilities are right for most pixels. */
function scene(spatial, classes) {
  const pixels = spatial.reduce((a, b) => a * b, 1);
  const truth = zeros("uint8", spatial);
  const probs = zeros("float32", [classes, ...spatial]);
  for (let i = 0; i < pixels; i++) {
    const label = ((i >> 6) + (i >> 13)) % classes;
    truth.data[i] = label;
    probs.data[label * pixels + i] = 0.6 + (i % 97) / 300;
    probs.data[((label + 1) % classes) * pixels + i] = 1 - probs.data[label * pixels + i];
  }
  return { probs, truth };
}

/** Returns the share of the main thread in the processor time of a round of 64, the median of the rounds. */
async function share(run) {
  await Promise.all(Array.from({ length: 64 }, run));
  const shares = [];
  for (let round = 0; round < rounds; round++) {
    const begun = times();
    await Promise.all(Array.from({ length: 64 }, run));
    const ended = times();
    shares.push((ended.main - begun.main) / (ended.all - begun.all));
  }
  return middle(shares);
}

const rows = [];
for (const [spatial, classes] of [
  [[256, 256], 2],
  [[256, 256], 4],
  [[512, 512], 4],
  [[16, 128, 128], 4],
]) {
  const { probs, truth } = scene(spatial, classes);
  const batch = { ...probs, dims: [1, ...probs.dims] };
  const labelled = { ...truth, dims: [1, ...truth.dims] };
  const group = new MetricGroup({
    bins: new CalibrationMetric({ classes, squares: true }),
    classwise: new CalibrationMetric({ classes, of: "classes" }),
    overlap: new OverlapMetric({ classes }),
    surfaces: new SurfaceDistanceMetric({ classes }),
    scores: new ProbabilityScoreMetric({ classes }),
  });
  const grouped = await share(() => group.update(batch, labelled));
  const evaluated = await share(() => evaluate([{ name: "a", probs, labels: truth }]));
  const percent = (part) => `${(100 * part).toFixed(1)} %`;
  rows.push([`${spatial.join(" x ")}, ${classes} classes`, percent(grouped), percent(evaluated)]);
  console.log(rows.at(-1).join(" | "));
}

const ms = (time) => time.toFixed(2);
const [quiet, busy] = [middle(alone), middle(beside)];
const last = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(0.95 * numbers.length)];
const report = `# The event loop beside kernels

| \`readFile\` of a small file | median, ms | 95th percentile, ms |
|---|--:|--:|
| alone | ${ms(quiet)} | ${ms(last(alone))} |
| beside 8 \`signedDistance\` of 64 x 256 x 256, 5 classes | ${ms(busy)} | ${ms(last(beside))} |

Share of the main thread in the processor time of the process, 64 scorings at once (median of ${rounds} rounds):

| case | \`MetricGroup\` of five metrics | \`evaluate\` |
|---|--:|--:|
${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}

\`node benchmarks/event-loop.mjs --reads ${reads} --rounds ${rounds}\`

${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors, ${platform()} ${arch()}, load average ${before.toFixed(1)} before and
${loadavg()[0].toFixed(1)} after. Node ${process.versions.node}, commit ${commit()}.
`;
console.log(report);
if (values.out !== undefined) writeFileSync(values.out, report);
