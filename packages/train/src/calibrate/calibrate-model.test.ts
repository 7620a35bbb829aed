import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Calibrator, elementCount, type Labels, Random, type Tensor, tensor } from "@pixelcal/core";
import { Graph, inspectModel, ops, serializeModel } from "@pixelcal/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Dataset, DatasetCase } from "../data/dataset-case.js";
import { Network } from "../predict/network.js";
import { predict } from "../predict/predict.js";
import { Predictor } from "../predict/service/predictor.js";
import { calibrateModel } from "./calibrate-model.js";
import { fusedCalibrator } from "./fuse.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-calibrate-"));
});
afterAll(() => rm(folder, { recursive: true }));
const cachePath = (): string => join(folder, `cache-${Math.random()}`);

/**
 * A network whose logits are twice those by which the labels are drawn: its temperature is 2. It has classes
 * of one softmax, or of sigmoids of their own.
 */
function overconfident(end: (logits: ReturnType<typeof ops.Mul>) => ReturnType<typeof ops.Mul>): Uint8Array {
  const graph = new Graph("overconfident");
  const image = graph.input("image", "float32", [1, 3, 16, 16]);
  graph.output("out", end(ops.Mul(image, 2)));
  const open = ["N", 3, "H", "W"];
  return serializeModel(graph, { dims: { image: open, out: open } });
}

const size = [48, 40];
function drawnCase(seed: number, draw: (logits: readonly number[], random: Random) => number): DatasetCase {
  const random = Random.fromSeed(seed);
  const pixels = elementCount(size);
  const image = tensor("float32", new Float32Array(3 * pixels), [3, ...size]);
  const labels = tensor("uint8", new Uint8Array(pixels), size);
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / size[1]!), i % size[1]!];
    for (let c = 0; c < 3; c++)
      image.data[c * pixels + i] = 2 * Math.sin(x / 9 + 2 * c + seed) * Math.cos(y / 8 + c);
    labels.data[i] = draw(
      [0, 1, 2].map((c) => image.data[c * pixels + i]!),
      random,
    );
  }
  return { image, labels, extras: {} };
}

const bySoftmax = (logits: readonly number[], random: Random): number => {
  const weights = logits.map(Math.exp);
  let rest = random.uniform() * weights.reduce((a, b) => a + b);
  return weights.findIndex((weight) => (rest -= weight) < 0);
};

const datasetOf = (cases: readonly DatasetCase[], classes = 3): Dataset => ({
  names: cases.map((_, i) => `case${i}`),
  classes,
  channels: 3,
  rank: 2,
  read: async (index) => cases[index]!,
  source: (index) => `case${index}`,
});
const dataset = datasetOf(Array.from({ length: 12 }, (_, i) => drawnCase(i, bySoftmax)));
const softmaxed = overconfident((z) => ops.Softmax(z, 1));

const scaleOf = (model: Uint8Array): number =>
  (fusedCalibrator(model)!.calibrators[0]!.parameters as { scale: number }).scale;

describe("a model that is twice too confident", () => {
  test("is given the temperature 2, by whole images and by tiles", async () => {
    const stages: string[] = [];
    const onProgress = (stage: string, done: number, total: number): void =>
      void stages.push(`${stage} ${done}/${total}`);
    const options = { dataset, method: "temperature", threads: 1 } as const;
    const { model, fits, output, data } = await calibrateModel({
      ...options,
      model: softmaxed,
      cache: cachePath(),
      onProgress,
    });
    expect(output).toBe("out");
    expect(scaleOf(model)).toBeCloseTo(0.5, 1);
    expect(fits[0]!.pixels).toBe(12 * 48 * 40);
    expect(fits[0]!.nll.after).toBeLessThan(fits[0]!.nll.before);
    expect(stages).toEqual([...Array.from({ length: 12 }, (_, i) => `predict ${i + 1}/12`), "fit 1/1"]);
    // Tiles of 16 x 32 reach beyond the image, whose pixels count once.
    const tiled = await calibrateModel({ ...options, model: softmaxed, cache: cachePath(), tile: [16, 40] });
    expect(scaleOf(tiled.model)).toBeCloseTo(scaleOf(model), 6);
    expect(tiled.data).toBe(data);
    const large = await calibrateModel({ ...options, model: softmaxed, cache: cachePath(), tile: [48, 64] });
    expect(large.fits[0]!.pixels).toBe(12 * 48 * 40);
    expect(scaleOf(large.model)).toBeCloseTo(scaleOf(model), 6);
    // The model without its calibrator is what is fitted again.
    const again = await calibrateModel({ ...options, model, cache: cachePath() });
    expect(Buffer.compare(again.model, model)).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  test("predicts what the calibrator says, in this process, in tiles and in a service", async () => {
    const cache = cachePath();
    const { model, fits } = await calibrateModel({
      model: softmaxed,
      dataset,
      cache,
      keepCache: true,
      method: "distance-temperature",
      fit: { radius: 4 },
      threads: 1,
    });
    expect(existsSync(cache)).toBe(true);
    await rm(cache);
    expect(fits[0]!.calibrator.keepsLabels).toBe(true);
    const { image } = await dataset.read(0);
    const batch = tensor("float32", image.data, [1, ...image.dims]);
    const logits = { ...batch, data: batch.data.map((value) => 2 * value) };
    const expected = await fits[0]!.calibrator.apply(logits);
    const close = ({ data }: Tensor<"float32">): void => {
      expect(data.length).toBe(expected.data.length);
      expect(Math.max(...data.map((p, i) => Math.abs(p - expected.data[i]!)))).toBeLessThan(1e-5);
    };
    await using network = new Network({ model, threads: 1 });
    close(await network.predict(batch));
    close(await predict(network, image));
    await using predictor = await Predictor.open({ model, threads: 1 });
    close(await predictor.predict(batch));
  });
});

test("each sigmoid of several is given its own calibrator", async () => {
  // Two regions, the second inside the first: labels 0, 1 and 2.
  const nested = (logits: readonly number[], random: Random): number => {
    const draw = (z: number): boolean => random.uniform() < 1 / (1 + Math.exp(-z));
    return draw(logits[0]!) ? (draw(logits[1]!) ? 2 : 1) : 0;
  };
  const cases = Array.from({ length: 10 }, (_, i) => drawnCase(i, nested));
  const model = overconfident((z) => ops.Sigmoid(ops.Slice(z, [0, 0], [1, 2], [0, 1])));
  const heads = [[1, 2], [2]];
  const options = { model, dataset: datasetOf(cases), method: "temperature", threads: 1 } as const;
  const { fits, model: calibrated } = await calibrateModel({ ...options, cache: cachePath(), heads });
  expect(fits.length).toBe(2);
  expect((fits[0]!.calibrator as Calibrator<"temperature">).parameters.scale).toBeCloseTo(0.5, 1);
  expect(inspectModel(calibrated).outputs).toEqual(inspectModel(model).outputs);
  await expect(calibrateModel({ ...options, cache: cachePath() })).rejects.toThrow(
    "heads: out has 2 channels that are sigmoids of their own; expected the labels of each, got those of 0",
  );
  const wrong = calibrateModel({ ...options, model: softmaxed, cache: cachePath(), heads });
  await expect(wrong).rejects.toThrow(
    "heads: expected an output with a sigmoid of several channels, got out",
  );
});

test("ignored labels do not count, and stopping leaves nothing", async () => {
  const cases = dataset.names.map((_, i) => drawnCase(i, bySoftmax));
  const ignored = cases.map(({ labels, ...rest }): DatasetCase => {
    const data = labels.data.map((label: number, i: number) => (i % 2 === 0 ? label : 9)) as Uint8Array;
    return { ...rest, labels: { ...labels, data } as Labels & DatasetCase["labels"] };
  });
  const options = { model: softmaxed, method: "temperature", threads: 1 } as const;
  const { fits } = await calibrateModel({
    ...options,
    dataset: datasetOf(ignored),
    cache: cachePath(),
    ignore: 9,
  });
  expect(fits[0]!.pixels).toBe((12 * 48 * 40) / 2);
  const stop = new AbortController();
  const stopped = calibrateModel({
    ...options,
    dataset,
    cache: cachePath(),
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(stopped).rejects.toThrow("aborted");
  await expect(
    calibrateModel({ ...options, dataset, cache: cachePath(), metod: 1 } as never),
  ).rejects.toThrow("metod");
  expect(await readdir(folder)).toEqual([]);
});
