import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallEvent } from "./binding.js";
import * as core from "./index.js";
import { queueState, setConcurrency, type Tensor, tensor, zeros } from "./index.js";
import { holdQueue, longCall, queueReaches } from "./long-call.test.helper.js";

/** A mask whose distance transform takes milliseconds, in many chunks. */
const large = zeros("uint8", [1, 64, 256, 256]);
large.data.fill(1, 1);
const mask = tensor("uint8", Uint8Array.of(0, 1, 1, 0), [1, 2, 2]);
const probs = tensor("float32", Float32Array.of(0.7, 0.2, 0.1, 0.9, 0.3, 0.8, 0.9, 0.1), [1, 2, 2, 2]);
const image = tensor("float32", probs.data.slice(0, 4), [1, 2, 2]);
const reason = new Error("the user left");
const aborted = AbortSignal.abort(reason);

beforeEach(() => setConcurrency(1));
afterEach(() => setConcurrency(2));

const square = tensor("float64", new Float64Array(4), [2, 2]);
const arrays = [new Float32Array(2)];
const update = { parameters: arrays, gradients: arrays, learningRate: 1 };
const metric = { classes: 2 } as const;
type Call = (options: core.SignalOption) => unknown;
const asynchronous: readonly (readonly [string, Call])[] = [
  ["calibrationBins", (o) => core.calibrationBins(probs, mask, o)],
  ["calibrationHistograms", (o) => core.calibrationHistograms(probs, mask, [{}], o)],
  ["boundaryCalibration", (o) => core.boundaryCalibration(probs, mask, o)],
  ["connectedComponents", (o) => core.connectedComponents(mask, o)],
  ["lesionTables", (o) => core.lesionTables(mask, mask, { classes: 2, ...o })],
  ["lesionScores", (o) => core.lesionScores(mask, mask, { classes: 2, ...o })],
  ["conventionalErrors", (o) => core.conventionalErrors(probs, mask, { convention: "monai", ...o })],
  ["centerlineCounts", (o) => core.centerlineCounts(mask, mask, { classes: 2, ...o })],
  ["distanceTransform", (o) => core.distanceTransform(mask, o)],
  ["signedDistance", (o) => core.signedDistance(mask, { classes: 2, ...o })],
  ["morphology", (o) => core.morphology(mask, { op: "opening", ...o })],
  ["packMask", (o) => core.packMask(mask, o)],
  ["unpackMask", (o) => core.unpackMask(core.packMaskSync(mask), o)],
  ["softLabels", (o) => core.softLabels(mask, { classes: 2, ...o })],
  ["boundarySoftLabels", (o) => core.boundarySoftLabels(mask, { classes: 2, ...o })],
  ["borderLevels", (o) => core.borderLevels(mask, { classes: 2, form: "border", ...o })],
  ["borderDistances", (o) => core.borderDistances(mask, { classes: 2, ...o })],
  ["ringTargets", (o) => core.ringTargets(mask, { classes: 2, inner: 0.9, outer: 0.1, ...o })],
  ["warpImage", (o) => core.warpImage(image, { size: [2, 2], ...o })],
  ["warpLabels", (o) => core.warpLabels(mask, { size: [2, 2], ...o })],
  ["resampleImage", (o) => core.resampleImage(image, { size: [2, 2], ...o })],
  ["resampleLabels", (o) => core.resampleLabels(mask, { size: [2, 2], ...o })],
  ["changeIntensity", (o) => core.changeIntensity(image, { change: "noise", amounts: [1], ...o })],
  ["mixedPixels", (o) => core.mixedPixels(probs, { limit: 0.5, ...o })],
  ["weightedSums", (o) => core.weightedSums(square, square, o)],
  [
    "resampledSums",
    (o) => core.resampledSums(square, { draws: 1, weights: "signs", random: core.Random.fromSeed(1), ...o }),
  ],
  [
    "constraintSums",
    (o) => core.constraintSums(probs, mask, { margin: 1, multipliers: [0, 0], parameters: [1, 1], ...o }),
  ],
  ["labelTargets", (o) => core.labelTargets(mask, { classes: 2, oneHot: true, ...o })],
  ["narrowLabels", (o) => core.narrowLabels(mask, { classes: 2, ...o })],
  ["inspectValues", (o) => core.inspectValues(probs, o)],
  ["toProbabilities", (o) => core.toProbabilities(probs, { transform: "clamp", ...o })],
  ["adamwUpdate", (o) => core.adamwUpdate({ ...update, averages: arrays, squares: arrays, step: 1, ...o })],
  ["sgdUpdate", (o) => core.sgdUpdate({ ...update, ...o })],
  ["gradientNorm", (o) => core.gradientNorm({ gradients: arrays, ...o })],
  ["argMax", (o) => core.argMax(probs, o)],
  ["confusionCounts", (o) => core.confusionCounts(mask, mask, { classes: 2, ...o })],
  ["probabilityScores", (o) => core.probabilityScores(probs, mask, o)],
  ["temperatureSketch", (o) => core.temperatureSketch(probs, mask, o)],
  ["surfaceDistances", (o) => core.surfaceDistances(mask, mask, o)],
  [
    "labelSurfaceDistances",
    (o) => core.labelSurfaceDistances(mask, mask, { classes: 2, regions: [[1]], ...o }),
  ],
  ["asImage", (o) => core.asImage([[[1, 2]]], o)],
  ["asProbabilities", (o) => core.asProbabilities([[[1, 0]], [[0, 1]]], o)],
  ["asLabels", (o) => core.asLabels([[1, 0]], o)],
  ["detach", (o) => core.detach(mask, o)],
  ["BoundaryCalibrationMetric", (o) => new core.BoundaryCalibrationMetric(metric).update(probs, mask, o)],
  ["CalibrationMetric", (o) => new core.CalibrationMetric(metric).update(probs, mask, o)],
  ["OverlapMetric", (o) => new core.OverlapMetric(metric).update(probs, mask, o)],
  ["ProbabilityScoreMetric", (o) => new core.ProbabilityScoreMetric(metric).update(probs, mask, o)],
  ["SurfaceDistanceMetric", (o) => new core.SurfaceDistanceMetric(metric).update(probs, mask, o)],
  ["TemperatureMetric", (o) => new core.TemperatureMetric(metric).update(probs, mask, o)],
  ["MetricGroup", (o) => new core.MetricGroup({ a: new core.OverlapMetric(metric) }).update(probs, mask, o)],
];

describe.each(asynchronous)("%s", (_, run) => {
  test("rejects with the reason of an aborted signal, and names one that is no signal", async () => {
    await expect(run({ signal: aborted })).rejects.toBe(reason);
    await expect(run({ signal: 5 as never })).rejects.toThrow("signal: expected an AbortSignal, got 5");
    const { signal } = new AbortController();
    await run({ signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

test("a ...Sync twin looks at the signal before it starts", () => {
  expect(() => core.distanceTransformSync(mask, { signal: aborted })).toThrow(reason);
  expect(core.distanceTransformSync(mask, { signal: new AbortController().signal }).dims).toEqual([1, 2, 2]);
});

describe("a call", () => {
  test("that waits is dropped at once", async () => {
    const controller = new AbortController();
    const release = await holdQueue();
    const out = zeros("float32", [1, 2, 2]);
    out.data.fill(7);
    const waits = core.distanceTransform(mask, { signal: controller.signal, out });
    expect(queueState()).toMatchObject({ waiting: 1, running: 1 });
    controller.abort(reason);
    expect(queueState()).toMatchObject({ waiting: 0, running: 1 });
    await expect(waits).rejects.toBe(reason);
    expect(out.data).toEqual(new Float32Array(4).fill(7));
    await release();
  });

  test("that runs ends at its next chunk", async () => {
    const controller = new AbortController();
    const run = longCall(controller.signal);
    await queueReaches(({ running }) => running === 1);
    controller.abort();
    await expect(run).rejects.toMatchObject({ name: "AbortError" });
    expect(queueState()).toMatchObject({ waiting: 0, running: 0 });
    // The arrays are free again.
    expect((await core.distanceTransform(mask)).data).toEqual(Float32Array.of(0, 1, 1, 0));
  });

  test("that has ended keeps its result", async () => {
    const controller = new AbortController();
    const run = core.distanceTransform(mask, { signal: controller.signal });
    const result = await run;
    controller.abort(reason);
    expect(await run).toBe(result);
  });

  test("that is aborted at any moment settles once, and harms no other", async () => {
    const expected = core.distanceTransformSync(mask).data;
    for (let round = 0; round < 200; round++) {
      const controller = new AbortController();
      const calls = [0, 1, 2].map(() => core.distanceTransform(mask, { signal: controller.signal }));
      const beside = core.distanceTransform(mask);
      for (let turn = 0; turn < round % 5; turn++) await new Promise(setImmediate);
      controller.abort(reason);
      for (const each of await Promise.allSettled(calls)) {
        if (each.status === "rejected") expect(each.reason).toBe(reason);
        else expect(each.value.data).toEqual(expected);
      }
      expect((await beside).data).toEqual(expected);
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    }
    expect(queueState()).toMatchObject({ waiting: 0, running: 0 });
  });

  test("shares its signal with any number of others, without a warning", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const controller = new AbortController();
    const calls = Array.from({ length: 100 }, () =>
      core.distanceTransform(large, { signal: controller.signal }),
    );
    controller.abort(reason);
    for (const each of await Promise.allSettled(calls)) {
      expect(each).toEqual({ status: "rejected", reason });
    }
    await new Promise(setImmediate);
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  test("updates parameters in place completely once it has begun", async () => {
    const count = 1 << 22;
    const fill = (value: number) => [new Float32Array(count).fill(value)];
    const [parameters, gradients] = [fill(1), fill(1)];
    const controller = new AbortController();
    const { signal } = controller;
    const run = core.sgdUpdate({ parameters, gradients, learningRate: 0.5, signal });
    await queueReaches(({ waiting }) => waiting === 0);
    controller.abort(reason);
    await run;
    expect(parameters[0]!.every((value) => value === 0.5)).toBe(true);
  });
});

test("a metric whose update is aborted has seen nothing", async () => {
  const group = new core.MetricGroup({
    overlap: new core.OverlapMetric({ classes: 2 }),
    bins: new core.CalibrationMetric({ classes: 2 }),
  });
  const before = group.state();
  const controller = new AbortController();
  const run = group.update(probs, mask, { signal: controller.signal });
  controller.abort(reason);
  await expect(run).rejects.toBe(reason);
  expect(group.state()).toEqual(before);
});

describe("the channel pixelcal:call", () => {
  async function events(run: () => Promise<unknown>): Promise<readonly CallEvent[]> {
    const seen: CallEvent[] = [];
    const note = (event: unknown): void => void seen.push(event as CallEvent);
    subscribe("pixelcal:call", note);
    await run().catch(() => undefined);
    unsubscribe("pixelcal:call", note);
    return seen;
  }

  test("tells the name, the elements, the times and the outcome of every call", async () => {
    const controller = new AbortController();
    const wrong: Tensor<"uint8"> = tensor("uint8", Uint8Array.of(9, 0, 0, 0), [1, 2, 2]);
    const seen = await events(async () => {
      await core.signedDistance(mask, { classes: 2 });
      await core.signedDistance(wrong, { classes: 2 }).catch(() => undefined);
      const { signal } = controller;
      const run = core.distanceTransform(large, { signal });
      controller.abort();
      await run;
    });
    expect(seen).toMatchObject([
      { name: "signedDistance", elements: 4 + 8, outcome: "done" },
      { name: "signedDistance", elements: 4 + 8, outcome: "failed" },
      { name: "distanceTransform", outcome: "aborted" },
    ]);
    for (const { queued, running } of seen) {
      expect(queued).toBeGreaterThanOrEqual(0);
      expect(running).toBeGreaterThanOrEqual(0);
    }
    expect(seen[0]!.running).toBeGreaterThan(0);
  });

  test("tells nothing of arguments that are refused before a call, nor of ...Sync twins", async () => {
    const seen = await events(async () => {
      core.distanceTransformSync(mask);
      await core.distanceTransform(mask, { spacing: [0] });
    });
    expect(seen).toEqual([]);
  });
});
