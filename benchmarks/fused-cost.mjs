// The processor time of a calibrated model over that of the same model without its calibrator, run in turns.
//
//   node benchmarks/fused-cost.mjs [--rounds 30] [--threads 1] [--models 1,2,3] [--out FILE.md]
//
// The ratio of a round is that of two runs beside each other; the table has their median and quartiles. With
// one thread processor time is wall time, but for what other processes take.
import { writeFileSync } from "node:fs";
import { arch, cpus, loadavg, platform } from "node:os";
import { parseArgs } from "node:util";
import { Calibrator, depthWindows } from "@pixelcal/core";
import { serializeModel } from "@pixelcal/graph";
import { createSession, fuseCalibrator, runtimeVersion, unet2d, unet3d } from "@pixelcal/train";
import { formatMarkdown } from "../packages/cli/dist/index.js";
import { commit } from "./checkout.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    threads: { type: "string", default: "1" },
    models: { type: "string", default: "1,2,3" },
    out: { type: "string" },
  },
});
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];

/** The calibrators that are measured, for a number of classes and spatial axes. */
function calibrators(classes, rank) {
  const table = () =>
    [0.5, 0.8].map((first) => Array.from({ length: 9 }, (_, depth) => first + 0.05 * depth));
  const distance = {
    windows: depthWindows(rank, 8),
    sides: "foreground",
    scales: table(),
    lambda: 1e-3,
  };
  const shifts = [0, 1].map(() =>
    Array.from({ length: 9 }, () => Array.from({ length: classes }, (_, c) => c / 10)),
  );
  return [
    new Calibrator("temperature", classes, { scale: 0.5 }),
    new Calibrator("distance-temperature", classes, distance),
    new Calibrator("distance-affine", classes, { ...distance, shifts, margin: 1e-3 }),
    new Calibrator("local-temperature", classes, localFilters(classes, rank)),
  ];
}

/** Filters of the size that fits have. */
function localFilters(classes, rank) {
  const taps = rank === 3 ? 3 : 5;
  const row = (of) => Array.from({ length: taps ** rank }, (_, i) => Math.sin(of + i) / 100);
  const filters = [0, 1, 2].map((j) => Array.from({ length: classes }, (_, c) => row(j + c)));
  return { taps, dilation: 2, filters, biases: [0.2, 0.3, 0] };
}

const models = [
  {
    title: "U-Net base 32, 4 x 1 x 224 x 224",
    model: unet2d({ classes: 2, base: 32 }),
    dims: [4, 1, 224, 224],
  },
  {
    title: "U-Net base 8, 1 x 1 x 224 x 224",
    model: unet2d({ classes: 2, base: 8 }),
    dims: [1, 1, 224, 224],
  },
  {
    title: "U-Net 3-D base 8, 1 x 1 x 32 x 64 x 64",
    model: unet3d({ classes: 3, base: 8 }),
    dims: [1, 1, 32, 64, 64],
  },
];
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

const rows = [];
const chosen = values.models.split(",").map((number) => models[Number(number) - 1]);
for (const { title, model, dims } of chosen) {
  const plain = serializeModel(model.build(dims));
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i));
  const image = { type: "float32", dims, data };
  const fused = calibrators(model.classes, dims.length - 2).map((calibrator) => [
    calibrator.name,
    fuseCalibrator(plain, calibrator, { dims }),
  ]);
  const base = await createSession(plain, { threads });
  const time = async (session) => {
    const begun = process.cpuUsage();
    await session.run({ image });
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1000;
  };
  for (const [name, bytes] of fused) {
    const session = await createSession(bytes, { threads });
    const [ratios, alone] = [[], []];
    for (let round = -2; round < rounds; round++) {
      // The first of a pair changes, so that neither always finds the other's data in the cache.
      const first = round % 2 === 0;
      const before = first ? await time(base) : 0;
      const calibrated = await time(session);
      const without = first ? before : await time(base);
      if (round < 0) continue;
      ratios.push(calibrated / without);
      alone.push(without);
    }
    await session.close();
    const [sorted, times] = [ratios, alone].map((list) => list.sort((a, b) => a - b));
    rows.push({
      title,
      name,
      bytes: bytes.length - plain.length,
      ratios: sorted,
      alone: quantile(times, 0.5),
    });
  }
  await base.close();
}
const table = formatMarkdown(rows, [
  { title: "model", align: "left", cell: ({ title }) => title },
  { title: "calibrator", align: "left", cell: ({ name }) => name },
  { title: "plain, ms", cell: ({ alone }) => alone.toFixed(1) },
  { title: "ratio", cell: ({ ratios }) => quantile(ratios, 0.5).toFixed(3) },
  {
    title: "quartiles",
    cell: ({ ratios }) => [0.25, 0.75].map((share) => quantile(ratios, share).toFixed(3)).join(" to "),
  },
  { title: "bytes", cell: ({ bytes }) => String(bytes) },
]);
const machine = `Machine: ${cpus()[0].model}, ${cpus().length} processors, ${platform()} ${arch()}, Node ${process.version}, onnxruntime ${await runtimeVersion()}, ${threads} thread. Commit ${commit()}. Load average ${loadavg()[0].toFixed(1)}.`;
const text = `# The cost of a calibrator inside the model\n\n${table}\n${rounds} rounds. ${machine}\n\`node benchmarks/fused-cost.mjs --rounds ${rounds} --models ${values.models}\`\n`;
console.log(text);
if (values.out) writeFileSync(values.out, text);
