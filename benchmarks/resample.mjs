// Cases resampled to another spacing by the kernels, beside onnxruntime's Resize.
//
//   node benchmarks/resample.mjs [--rounds 9] [--threads 1] [--out FILE.md]
//
// onnxruntime has no cubic of three axes: its sessions resize two axes at a time, which is one axis after
// the other of a volume as planes. Its labels are one-hot, resized linearly, and their argmax. Rounds in
// turns, so that a busy machine slows all; medians of processor time. The results are compared before.
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { resampleImage, resampleLabels, setThreadCount, tensor } from "@pixelcal/core";
import { Graph, ops } from "@pixelcal/graph";
import { createSession, runtimeVersion } from "@pixelcal/train";
import { commit } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    threads: { type: "string", default: "1" },
    out: { type: "string" },
  },
});
const [rounds, threads] = [values.rounds, values.threads].map(Number);
setThreadCount(threads);

// From 2.5 x 1 x 1 mm to 1.6 x 1.3 x 1.2, as from clinical volumes to a plan's spacing.
const [from, to] = [
  [64, 192, 192],
  [100, 148, 160],
];
const classes = 5;
const product = (dims) => dims.reduce((a, b) => a * b, 1);
const image = tensor(
  "float32",
  Float32Array.from({ length: product(from) }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011)),
  [1, ...from],
);
const range = {
  least: image.data.reduce((a, b) => Math.min(a, b)),
  largest: image.data.reduce((a, b) => Math.max(a, b)),
};
const labels = tensor(
  "uint8",
  Uint8Array.from({ length: product(from) }, (_, i) => {
    const [x, y, z] = [i % from[2], Math.floor(i / from[2]) % from[1], Math.floor(i / (from[1] * from[2]))];
    const radius = Math.hypot(x - 96, y - 96, 2.5 * (z - 32));
    return radius < 60 ? 1 + Math.floor(radius / 15) : 0;
  }),
  [1, ...from],
);

const session = async (build) => {
  const graph = new Graph("resize");
  build(graph);
  return createSession(graph, { threads });
};
const linear = await session((graph) => {
  const x = graph.input("x", "float32", [1, 1, ...from]);
  graph.output("y", ops.Resize(x, { sizes: [1, 1, ...to], mode: "linear" }));
});
/** Returns a chain of one Resize an axis, each of planes of which it resizes one side. */
const cubic = await session((graph) => {
  let x = graph.input("x", "float32", [1, 1, ...from]);
  const dims = [...from];
  for (const axis of [0, 1, 2]) {
    const [outer, inner] = [product(dims.slice(0, axis)), product(dims.slice(axis + 1))];
    x = ops.Reshape(x, [1, outer, dims[axis], inner]);
    dims[axis] = to[axis];
    x = ops.Resize(x, { sizes: [1, outer, to[axis], inner], mode: "cubic", cubic_coeff_a: -0.5 });
  }
  graph.output("y", ops.Reshape(x, [1, 1, ...to]));
});
const oneHot = await session((graph) => {
  const x = graph.input("x", "int32", [1, ...from]);
  const shares = ops.Resize(ops.OneHot(x, classes), { sizes: [1, classes, ...to], mode: "linear" });
  graph.output("y", ops.ArgMax(shares, 1));
});
const numbers = tensor("int32", Int32Array.from(labels.data), labels.dims);
const volume = tensor("float32", image.data, [1, 1, ...from]);

const rows = [
  {
    name: "image, cubic",
    ours: () => resampleImage(image, { size: to, interpolation: "cubic" }),
    peer: () => cubic.run({ x: volume }),
  },
  {
    name: "image, linear",
    ours: () => resampleImage(image, { size: to }),
    peer: () => linear.run({ x: volume }),
  },
  {
    name: `labels, ${classes} classes, one-hot linear`,
    ours: () => resampleLabels(labels, { size: to }),
    peer: () => oneHot.run({ x: numbers }),
  },
];

async function processorTime(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

const lines = [];
for (const { name, ours, peer } of rows) {
  const [mine, theirs] = [(await ours()).data, (await peer()).y.data];
  const isLabels = name.startsWith("labels");
  const within = (value) => (isLabels ? value : Math.min(range.largest, Math.max(range.least, value)));
  let [most, differing] = [0, 0];
  for (let i = 0; i < mine.length; i++) {
    const difference = Math.abs(mine[i] - within(Number(theirs[i])));
    most = Math.max(most, difference);
    if (difference > 0) differing += 1;
  }
  const times = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await processorTime(ours));
    times.peer.push(await processorTime(peer));
  }
  const [a, b] = [median(times.ours), median(times.peer)];
  const difference = isLabels ? `${differing} of ${mine.length} pixels` : `at most ${most.toExponential(1)}`;
  lines.push(`| ${name} | ${a.toFixed(1)} ms | ${b.toFixed(1)} ms | ${(b / a).toFixed(1)} | ${difference} |`);
}
for (const each of [linear, cubic, oneHot]) await each.close();

const text = `# Resampling

A volume of ${from.join(" x ")} to ${to.join(" x ")}, ${threads} thread${threads === 1 ? "" : "s"}, medians of the processor time of ${rounds} rounds in turns.
${cpus()[0].model}, ${cpus().length} processors, load average ${loadavg()[0].toFixed(0)}, Node ${process.versions.node}, onnxruntime ${await runtimeVersion()}, commit ${commit()}.

| | kernels | onnxruntime's Resize | ratio | difference |
|---|--:|--:|--:|--:|
${lines.join("\n")}

onnxruntime has no cubic of three axes: it resizes one axis after the other, of planes; its results are compared once cut to the range
of the image, as ours are. The kernels sum in float64.

\`node benchmarks/resample.mjs\`
`;
console.log(text);
if (values.out) writeFileSync(values.out, text);
