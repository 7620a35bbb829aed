import { existsSync, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@pixelcal/core";
import * as io from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { casePictures, evaluate, evaluateRegions } from "./index.js";

/** The longest processor time, in milliseconds, that a call may work between two turns of the event loop. */
const longestSlice = 5;

/**
 * Returns a clock of the processor time of this thread, in milliseconds, where there is one. Linux brings the
 * times of the calling thread up to date when it adds up those of the process, else at its ticks of 4 ms.
 */
function threadClock(): (() => number) | undefined {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage !== undefined) {
    return () => {
      process.cpuUsage();
      const { user, system } = threadCpuUsage.call(process);
      return (user + system) / 1000;
    };
  }
  const path = "/proc/thread-self/schedstat";
  if (!existsSync(path)) return undefined;
  const file = openSync(path, "r");
  const text = Buffer.alloc(64);
  return () => {
    process.cpuUsage();
    return Number.parseInt(text.toString("latin1", 0, readSync(file, text, 0, 64, 0)), 10) / 1e6;
  };
}

const clock = threadClock();

/** Returns the longest time between two turns of the event loop while `run` is awaited, with its start. */
async function sliceOf(run: () => Promise<unknown>): Promise<number> {
  let [longest, pending] = [0, true];
  let last = clock!();
  const mark = (): void => {
    const now = clock!();
    longest = Math.max(longest, now - last);
    last = now;
    if (pending) setImmediate(mark);
  };
  setImmediate(mark);
  await run();
  pending = false;
  mark();
  return longest;
}

const [classes, depth, height, width] = [4, 96, 256, 256] as const;
const pixels = depth * height * width;
const spatial = [depth, height, width];
const labels = core.zeros("uint8", [1, ...spatial]);
const probs = core.zeros("float32", [1, classes, ...spatial]);
for (let i = 0; i < pixels; i++) {
  const [x, y, z] = [i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))];
  const label = ((x >> 6) + (y >> 6) + (z >> 5)) % classes;
  const p = 0.7 + (i % 64) / 256;
  labels.data[i] = label;
  probs.data[label * pixels + i] = p;
  probs.data[((label + 1) % classes) * pixels + i] = 1 - p;
}
const mask = core.tensor(
  "uint8",
  labels.data.map((label) => Number(label > 0)),
  [1, ...spatial],
);
const image = core.tensor("float32", probs.data, [classes, ...spatial]);
const label = core.tensor("uint8", labels.data, spatial);
const wide = io.toInt64(label);
const half = core.tensor("float16", io.float32ToFloat16(probs.data), [1, classes, ...spatial]);
const arrays = { probs: image, label: wide };
const named = (folder: string) => (name: string) => join(folder, name);

let at: (name: string) => string;
let archive: Uint8Array;
beforeAll(async () => {
  at = named(await mkdtemp(join(tmpdir(), "pixelcal-")));
  archive = await io.encodeNpz(arrays, { level: 0 });
  await io.writeNpz(at("stored.npz"), arrays, { level: 0 });
  await io.writeNpz(at("packed.npz"), arrays, { level: 1 });
  const float16 = core.tensor("float16", half.data, [classes, ...spatial]);
  await io.writeNpz(at("half.npz"), { probs: float16, label }, { level: 0 });
  await io.writeNpz(at("case.npz"), { image, label: wide }, { level: 0 });
  await io.writeNpy(at("array.npy"), image);
  await io.writeSafetensors(at("a.safetensors"), { tensors: arrays, metadata: {} }, { checksum: true });
});
afterAll(() => rm(at("."), { recursive: true }));

const wholes = [
  { name: "whole", labels: [1, 2, 3] },
  { name: "core", labels: [3] },
];
const metric = { classes } as const;
const multipliers = { multipliers: [0, 0, 0, 0], parameters: [1, 1, 1, 1] };
const group = (): core.MetricGroup<Record<string, core.Metric<unknown>>> =>
  new core.MetricGroup({
    bins: new core.CalibrationMetric(metric),
    overlap: new core.OverlapMetric(metric),
    surfaces: new core.SurfaceDistanceMetric(metric),
    scores: new core.ProbabilityScoreMetric(metric),
  });

const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  calibrationBins: () => core.calibrationBins(probs, labels, { of: "classes", squares: true }),
  "calibrationBins of equal mass": () => core.calibrationBins(probs, labels, { scheme: "equal-mass" }),
  "calibrationBins of float16": () => core.calibrationBins(half, labels),
  probabilityScores: () => core.probabilityScores(probs, labels),
  argMax: () => core.argMax(probs),
  confusionCounts: () => core.confusionCounts(labels, labels, metric),
  surfaceDistances: () => core.surfaceDistances(mask, mask),
  labelSurfaceDistances: () =>
    core.labelSurfaceDistances(labels, labels, { classes, regions: [[1], [2, 3]] }),
  distanceTransform: () => core.distanceTransform(mask),
  signedDistance: () => core.signedDistance(labels, metric),
  morphology: () => core.morphology(mask, { op: "opening" }),
  packMask: () => core.packMask(mask),
  softLabels: () => core.softLabels(labels, metric),
  boundarySoftLabels: () => core.boundarySoftLabels(labels, metric),
  borderLevels: () => core.borderLevels(labels, { classes, form: "scaled-border", ignore: 3 }),
  borderDistances: () => core.borderDistances(labels, metric),
  warpImage: () => core.warpImage(image, { size: spatial, offset: spatial.map(() => 0.5) }),
  warpLabels: () => core.warpLabels(labels, { size: spatial }),
  resampleImage: () => core.resampleImage(image, { size: spatial.map((n) => n - 1), interpolation: "cubic" }),
  resampleLabels: () => core.resampleLabels(labels, { size: spatial.map((n) => n - 1) }),
  changeIntensity: () =>
    core.changeIntensity(image, { change: "noise", amounts: Array<number>(classes).fill(1) }),
  ringTargets: () => core.ringTargets(labels, { classes, inner: 0.9, outer: 0.1 }),
  mixedPixels: () => core.mixedPixels(probs, { limit: 0.99 }),
  constraintSums: () => core.constraintSums(probs, labels, { margin: 1, ...multipliers }),
  labelTargets: () => core.labelTargets(labels, { classes, oneHot: true }),
  narrowLabels: () => core.narrowLabels(core.tensor("int64", wide.data, [1, ...spatial]), metric),
  inspectValues: () => core.inspectValues(probs),
  toProbabilities: () => core.toProbabilities(probs, { transform: "softmax" }),
  asImage: () => core.asImage(probs.data, { dims: [classes, ...spatial], scale: 2 }),
  asLabels: () => core.asLabels(new Int16Array(pixels), { dims: spatial }),
  detach: () => core.detach(probs),
  CalibrationMetric: () => new core.CalibrationMetric(metric).update(probs, labels),
  OverlapMetric: () => new core.OverlapMetric(metric).update(probs, labels),
  ProbabilityScoreMetric: () => new core.ProbabilityScoreMetric(metric).update(probs, labels),
  SurfaceDistanceMetric: () => new core.SurfaceDistanceMetric(metric).update(probs, labels),
  MetricGroup: () => group().update(probs, labels),
  encodeNpz: () => io.encodeNpz(arrays, { level: 1 }),
  writeNpz: () => io.writeNpz(at("written.npz"), arrays, { level: 1 }),
  "writeNpz, stored": () => io.writeNpz(at("written.npz"), arrays, { level: 0 }),
  "readNpz, deflated": () => io.readNpz(at("packed.npz")),
  "readNpz, stored": () => io.readNpz(at("stored.npz")),
  "readNpz of bytes": () => io.readNpz(archive),
  readPrediction: () => io.readPrediction(at("stored.npz")),
  "readPrediction of float16": () => io.readPrediction(at("half.npz")),
  writePrediction: () => io.writePrediction(at("written.npz"), { probs: image, labels: label }),
  readCase: () => io.readCase(at("case.npz")),
  readNpy: () => io.readNpy(at("array.npy")),
  writeNpy: () => io.writeNpy(at("written.npy"), image),
  readVolume: () => io.readVolume(at("array.npy")),
  readSafetensors: () => io.readSafetensors(at("a.safetensors")),
  verifySafetensors: () => io.verifySafetensors(at("a.safetensors")),
  writeSafetensors: () =>
    io.writeSafetensors(at("written.safetensors"), { tensors: arrays, metadata: {} }, { checksum: true }),
  labelHash: () => core.labelHash(wide),
  evaluate: () => evaluate([{ name: "a", probs: image, labels: label }]),
  regionCases: () =>
    core.regionCases(image, wide, [
      { channels: [1, 2, 3], labels: [1, 2, 3] },
      { channels: [3], labels: [3] },
    ]),
  evaluateRegions: () => evaluateRegions([{ name: "a", probs: image, labels: wide }], wholes),
  casePictures: () => casePictures({ runs: [{ name: "a", probs: image, labels: label }], image }),
  "evaluate with int64 labels": () => evaluate([{ name: "a", probs: image, labels: wide }]),
};

/**
 * Returns the longest time that the host of a virtual machine takes from this thread at once while kernels
 * run for `duration` milliseconds. The thread's clock counts it as work.
 */
const pauseOf = (duration: number): Promise<number> =>
  sliceOf(async () => {
    const end = performance.now() + duration;
    while (performance.now() < end) await core.probabilityScores(probs, labels);
  });

// Processor time is no wall time: other processes of the machine do not add to it.
describe.skipIf(clock === undefined)(
  "the event loop goes on beside (skipped without a clock of a thread)",
  () => {
    test.each(Object.keys(calls))("%s", async (name) => {
      let [shortest, allowed] = [Number.POSITIVE_INFINITY, longestSlice];
      // A collection of garbage may fall into one of the runs, and pauses of the machine into all of them.
      for (let run = 0; run < 8 && shortest > allowed; run++) {
        const begun = performance.now();
        shortest = Math.min(shortest, await sliceOf(calls[name]!));
        if (shortest > allowed)
          allowed = Math.max(allowed, longestSlice + 2 * (await pauseOf(performance.now() - begun)));
      }
      expect(shortest).toBeLessThanOrEqual(allowed);
    });

    // The less work the kernels have, the larger is the share of what surrounds them.
    test.each([
      [512, 4, 15],
      [256, 2, 25],
    ])(
      "64 scorings of %i pixels' sides and %i classes take at most %i percent",
      async (side, classes, most) => {
        const count = side * side;
        const [values, truth] = [new Float32Array(classes * count), new Uint8Array(count)];
        for (let i = 0; i < count; i++) {
          truth[i] = ((i >> 6) + (i >> 13)) % classes;
          values[truth[i]! * count + i] = 0.6 + (i % 97) / 300;
          values[((truth[i]! + 1) % classes) * count + i] = 0.4 - (i % 97) / 300;
        }
        const probs = core.tensor("float32", values, [classes, side, side]);
        const item = { name: "a", probs, labels: core.tensor("uint8", truth, [side, side]) };
        const share = async (): Promise<number> => {
          const [own, { user, system }] = [clock!(), process.cpuUsage()];
          await Promise.all(Array.from({ length: 64 }, () => evaluate([item])));
          const used = process.cpuUsage({ user, system });
          return (clock!() - own) / ((used.user + used.system) / 1000);
        };
        const shares = [];
        for (let round = 0; round < 4; round++) shares.push(await share());
        expect(Math.min(...shares)).toBeLessThanOrEqual(most / 100);
      },
    );

    test("a long slice is seen", async () => {
      const work = async (): Promise<void> => {
        await new Promise(setImmediate);
        const end = clock!() + 3 * longestSlice;
        while (clock!() < end);
        await new Promise(setImmediate);
      };
      expect(await sliceOf(work)).toBeGreaterThan(longestSlice);
    });
  },
);
