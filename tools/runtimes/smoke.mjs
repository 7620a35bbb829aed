// A program as a service has it: kernels, metrics, files and a Predictor that survives a kill. Copied into a
// folder where the packages are installed.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  argMax,
  CalibrationMetric,
  OverlapMetric,
  SurfaceDistanceMetric,
  signedDistance,
  softLabels,
  tensor,
} from "@pixelcal/core";
import { evaluate } from "@pixelcal/evaluate";
import { encodeNpz, readNpz, writeNpz } from "@pixelcal/io";
import { Predictor, unet2d } from "@pixelcal/train";

const dims = [1, 1, 16, 16];
const open = (processes) =>
  Predictor.open({
    model: unet2d({ classes: 2, base: 2, seed: 1 }).build(dims),
    processes,
    threads: 1,
    scaling: { factor: 1 / 255 },
  });

/** Returns the scores of a folder of two cases, stored as NumPy stores them and packed. */
async function scoresOfFiles(probs, labels) {
  const folder = await mkdtemp(join(tmpdir(), "pixelcal-smoke-"));
  try {
    const label = tensor("int64", BigInt64Array.from(labels.data, BigInt), labels.dims.slice(1));
    const arrays = { probs: { ...probs, dims: probs.dims.slice(1) }, label };
    for (const level of [0, 6]) await writeNpz(join(folder, `${level}.npz`), arrays, { level });
    return (await evaluate(folder)).rows;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Returns what came out, the same on every runtime: shapes, scores, and a hash over all numbers. */
export async function smoke() {
  const pixels = tensor(
    "uint8",
    Uint8Array.from({ length: 256 }, (_, i) => i),
    dims,
  );
  const predictor = await open(2);
  const answers = await Promise.all([1, 2, 3].map(() => predictor.predict(pixels)));
  process.kill(predictor.health().processes[0].pid, "SIGKILL");
  answers.push(await predictor.predict(pixels), await predictor.predict(pixels));
  const refused = await predictor.predict(pixels, { timout: 1 }).catch(({ code }) => code);
  await predictor.close();

  const labels = tensor(
    "uint8",
    Uint8Array.from({ length: 256 }, (_, i) => Number(i % 16 > 7)),
    [1, 16, 16],
  );
  const { probs } = await readNpz(await encodeNpz({ probs: answers[0] }));
  const numbers = [
    ...answers,
    probs,
    await argMax(probs),
    await signedDistance(labels, { classes: 2 }),
    await softLabels(labels, { classes: 2 }),
  ];
  const scores = [];
  for (const Metric of [CalibrationMetric, OverlapMetric, SurfaceDistanceMetric]) {
    const metric = new Metric({ classes: 2 });
    await metric.update(probs, labels);
    scores.push(metric.compute());
  }
  scores.push(await scoresOfFiles(probs, labels));
  const hash = createHash("sha256").update(JSON.stringify(scores.slice(1)));
  for (const { data } of numbers) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const { state } = predictor.health();
  return [scores[0].expected.toFixed(12), refused, state, hash.digest("hex")].join(" ");
}

/** Leaves a predictor open, which neither keeps the program alive nor outlives it; returns its process. */
export async function leaveOpen() {
  const predictor = await open(1);
  return predictor.health().processes[0].pid;
}
