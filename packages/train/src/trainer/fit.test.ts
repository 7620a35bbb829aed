import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, Random, tensor } from "@pixelcal/core";
import { Graph, ops } from "@pixelcal/graph";
import { FormatError, LockedError } from "@pixelcal/io";
import { diceCrossEntropy } from "@pixelcal/losses";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unet2d } from "../model/unet2d.js";
import { adamW } from "../optimizer/optimizer.js";
import { cosine } from "../optimizer/schedule.js";
import { readCheckpoint } from "./checkpoint.js";
import { checkpointFiles, DamagedCheckpointError, trainedEpochs } from "./checkpoint-rotation.js";
import { eventFile } from "./curves/tensorboard.js";
import type { BatchSource } from "./epoch.js";
import { type FitOptions, type FitResult, fit } from "./fit.js";
import type { LossGrowth } from "./loss-growth.js";
import { Trainer } from "./trainer.js";
import type { TrainingBatch } from "./training-batch.js";

const size = 16;
const epochs = 3;

function discs(random: Random, count: number): TrainingBatch {
  const labels = new Uint8Array(count * size * size);
  const images = new Float32Array(labels.length);
  for (let n = 0; n < count; n++) {
    const [row, column, radius] = [4 + random.integer(8), 4 + random.integer(8), 2 + random.integer(4)];
    for (let i = 0; i < size * size; i++) {
      const inside = (Math.floor(i / size) - row) ** 2 + ((i % size) - column) ** 2 < radius ** 2;
      labels[n * size * size + i] = inside ? 1 : 0;
      images[n * size * size + i] = (inside ? 1 : 0) + 0.4 * random.normal();
    }
  }
  return {
    images: tensor("float32", images, [count, 1, size, size]),
    labels: tensor("uint8", labels, [count, size, size]),
  };
}

/** Two batches and a smaller last one, other data in every epoch. */
const train = {
  *epoch(epoch: number) {
    const random = Random.fromSeed(1).split(epoch);
    for (const count of [2, 2, 1]) yield discs(random, count);
  },
} satisfies BatchSource;
const validation: BatchSource = {
  *epoch() {
    const random = Random.fromSeed(2);
    for (let i = 0; i < 3; i++) yield discs(random, 1);
  },
};

class Stop extends Error {}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-fit-"));
});
afterAll(() => rm(root, { recursive: true }));

async function run(options: Partial<FitOptions>, seed = 4): Promise<FitResult> {
  const trainer = await Trainer.create({
    model: unet2d({ classes: 2, base: 2 }),
    loss: diceCrossEntropy(),
    optimizer: adamW({ learningRate: 0.02 }),
    schedule: cosine({ epochs }),
    batch: [2, 1, size, size],
    threads: 1,
    seed,
  });
  try {
    return await fit(trainer, { train, validation, epochs, ...options });
  } finally {
    await trainer.close();
  }
}

const read = (folder: string, file: keyof typeof checkpointFiles): Promise<Buffer> =>
  readFile(join(root, folder, checkpointFiles[file]));

describe("fit", () => {
  it("learns, reports every step and epoch, and keeps checkpoints and a log", async () => {
    const steps: string[] = [];
    const folder = join(root, "plain");
    const result = await run({
      folder,
      onProgress: ({ epoch, batch }) => steps.push(`${epoch}.${batch}`),
      onEpoch: ({ epoch }, best) => steps.push(`${epoch}${best ? " best" : ""}`),
    });
    expect(steps.filter((step) => step.includes("."))).toEqual([
      "1.1",
      "1.2",
      "1.3",
      "2.1",
      "2.2",
      "2.3",
      "3.1",
      "3.2",
      "3.3",
    ]);
    const { history, bestEpoch } = result;
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(history[2]!.trainLoss).toBeLessThan(history[0]!.trainLoss);
    const lowest = Math.min(...history.map(({ validationLoss }) => validationLoss!));
    expect(history[bestEpoch - 1]!.validationLoss).toBe(lowest);
    expect(history.map(({ learningRate }) => learningRate)).toEqual(
      [0.02, 0.015, 0.005].map((rate) => expect.closeTo(rate, 12)),
    );
    const log = (await read("plain", "log")).toString().trimEnd().split("\n");
    expect(log).toHaveLength(1 + epochs);
    expect(log[0]).toMatch(
      /^epoch,learning_rate,train_loss,.*validation_loss,validation_dice,validation_nll,validation_ece,validation_pece,validation_dice_class_0,/,
    );
    expect(log[1]!.split(",")[2]).toBe(String(history[0]!.trainLoss));
  });

  it("chooses the best epoch by Dice score when asked", async () => {
    const { history, bestEpoch } = await run({ selection: "dice" });
    const highest = Math.max(...history.map(({ validationDice }) => validationDice!));
    expect(history[bestEpoch - 1]!.validationDice).toBe(highest);
  });

  it.each([
    ["ece", "validationEce"],
    ["pece", "validationPece"],
  ] as const)("chooses the best epoch by the %s when asked", async (selection, field) => {
    const { history, bestEpoch } = await run({ selection });
    const lowest = Math.min(...history.map((record) => record[field]!));
    expect(history[bestEpoch - 1]![field]).toBe(lowest);
  });

  it("chooses the best epoch by the labels' likelihood when asked", async () => {
    const { history, bestEpoch } = await run({ selection: "nll" });
    const lowest = Math.min(...history.map(({ validationNll }) => validationNll!));
    expect(history[bestEpoch - 1]!.validationNll).toBe(lowest);
    await expect(run({ selection: "iou" as never })).rejects.toThrow(
      "selection: expected loss, dice, ece, pece, nll, got iou",
    );
  });

  it("takes the last epoch for the best without validation", async () => {
    expect((await run({ validation: undefined })).bestEpoch).toBe(epochs);
  });

  it.each([1, 2])("stopped after epoch %i and resumed gives the same bytes", async (stop) => {
    await run({ folder: join(root, "whole"), config: { name: "x" } });
    const folder = join(root, `stopped-${stop}`);
    const stopping = run({
      folder,
      config: { name: "x" },
      onEpoch({ epoch }) {
        if (epoch === stop) throw new Stop();
      },
    });
    await expect(stopping).rejects.toThrow(Stop);
    await run({ folder, config: { name: "x" }, resume: true }, 77);
    for (const file of ["best", "last", "log"] as const) {
      expect((await read(`stopped-${stop}`, file)).equals(await read("whole", file)), file).toBe(true);
    }
  });

  it.each([
    [1, 2],
    [2, 1],
    [2, 3],
    [3, 3],
  ])("stopped inside epoch %i after batch %i and resumed gives the same bytes", async (stop, after) => {
    await run({ folder: join(root, "whole"), config: { name: "x" } });
    const name = `inside-${stop}-${after}`;
    const folder = join(root, name);
    const sources = {
      train,
      withAfter: { ...train, after: (epoch: number, skip: number) => [...train.epoch(epoch)].slice(skip) },
    };
    let validations = 0;
    const stopping = run({
      folder,
      config: { name: "x" },
      checkpointMinutes: 0,
      // After the last batch, the validation is left.
      validation: {
        epoch() {
          validations += 1;
          if (after === 3 && validations === stop) throw new Stop();
          return validation.epoch(0);
        },
      },
      onProgress({ epoch, batch }) {
        if (epoch === stop && batch === after + 1) throw new Stop();
      },
    });
    await expect(stopping).rejects.toThrow(Stop);
    const last = await readCheckpoint(join(folder, checkpointFiles.last));
    expect([last.state.epoch, trainedEpochs(last)]).toEqual([stop - 1, stop - 1]);
    const source = after === 1 ? sources.train : sources.withAfter;
    await run({ folder, config: { name: "x" }, train: source, resume: true }, 77);
    for (const file of ["best", "last", "log"] as const)
      expect((await read(name, file)).equals(await read("whole", file)), file).toBe(true);
  });

  it("killed between the last epoch's checkpoint and its logs and resumed gives the same bytes", async () => {
    await run({ folder: join(root, "whole"), config: { name: "x" } });
    const folder = join(root, "killed-at-the-end");
    const stale = ["log", "curves", "picture"] as const;
    await run({ folder, config: { name: "x" }, epochs: 2 });
    const before = await Promise.all(stale.map((file) => read("killed-at-the-end", file)));
    await run({ folder, config: { name: "x" }, resume: true });
    for (const [i, file] of stale.entries()) await writeFile(join(folder, checkpointFiles[file]), before[i]!);
    await run({ folder, config: { name: "x" }, resume: true });
    for (const file of ["best", "last", ...stale] as const)
      expect((await read("killed-at-the-end", file)).equals(await read("whole", file)), file).toBe(true);
  });

  it("writes a TensorBoard event file when asked, the same after a resume", async () => {
    const [whole, parts] = [join(root, "events"), join(root, "events-parts")];
    await run({ folder: whole, tensorboard: true });
    await run({ folder: parts, tensorboard: true, epochs: 2 });
    await run({ folder: parts, tensorboard: true, resume: true });
    const [a, b] = await Promise.all([whole, parts].map((folder) => readFile(join(folder, eventFile))));
    expect(a!.equals(b!)).toBe(true);
  });

  it("reports a loss that grows a thousandfold once", async () => {
    const growths: LossGrowth[] = [];
    const steep = adamW({ learningRate: 200, weightDecay: 0 });
    const trainer = await Trainer.create({
      model: unet2d({ classes: 2, base: 2 }),
      loss: diceCrossEntropy(),
      optimizer: steep,
      batch: [2, 1, size, size],
      threads: 1,
    });
    await fit(trainer, { train, epochs, onLossGrowth: (growth) => growths.push(growth) }).catch(
      () => undefined,
    );
    await trainer.close();
    expect(growths).toHaveLength(1);
    const { epoch, batch, loss, first } = growths[0]!;
    expect(loss).toBeGreaterThan(1000 * first);
    expect(first).toBeLessThan(3);
    expect(epoch * 3 + batch).toBeGreaterThan(4);
  });

  it("keeps the checkpoint before the last, and resumes from it where the last is damaged", async () => {
    const [whole, folder] = [join(root, "unhurt"), join(root, "hurt")];
    await run({ folder: whole });
    await run({ folder, epochs: 2 });
    const [last, previous] = [join(folder, checkpointFiles.last), join(folder, checkpointFiles.previous)];
    expect((await readCheckpoint(previous)).state.epoch).toBe(0);
    const bytes = await readFile(last);
    bytes[bytes.length - 7]! ^= 16;
    await writeFile(last, bytes);
    const refused = await run({ folder, resume: true }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DamagedCheckpointError);
    expect((refused as DamagedCheckpointError).intact[0]!.epochs).toBe(2);
    expect((refused as Error).message).toMatch(
      /hurt\/last\.safetensors: is damaged: .*; best\.safetensors beside it is intact, after 2 epochs; previous\.safetensors beside it is intact, after 1 epoch$/,
    );
    await run({ folder, resume: previous });
    for (const file of ["last", "best", "log"] as const)
      expect((await read("hurt", file)).equals(await read("unhurt", file)), file).toBe(true);
    // The damaged one never took the place of the intact one.
    expect((await readCheckpoint(previous)).state.epoch).toBe(1);
    await run({ folder, epochs: 1 });
    expect(existsSync(previous)).toBe(false);
  });

  it("is alone in its folder", async () => {
    const folder = join(root, "shared");
    let second: unknown;
    const onEpoch = async (): Promise<void> => {
      second ??= await run({ folder }).catch((error: unknown) => error);
    };
    const first = run({ folder, epochs: 2, onProgress: () => void onEpoch() });
    await first;
    expect(second).toBeInstanceOf(LockedError);
    expect((await readdir(folder)).sort()).toEqual(Object.values(checkpointFiles).sort());
    await run({ folder, resume: true });
  });

  it("resumes only what it wrote itself", async () => {
    const folder = join(root, "foreign");
    const trainer = await Trainer.create({
      model: unet2d({ classes: 2, base: 2 }),
      loss: diceCrossEntropy(),
      batch: [2, 1, size, size],
      threads: 1,
    });
    await trainer.save(join(folder, checkpointFiles.last));
    await trainer.close();
    await expect(run({ folder, resume: true })).rejects.toThrow("holds no history of epochs");
    await expect(run({ folder: join(root, "nowhere"), resume: true })).rejects.toThrow(FormatError);
  });

  it("aborts on a loss that is no number, naming epoch and step, and keeps the last good checkpoint", async () => {
    const folder = join(root, "diverged");
    const spoiled: BatchSource = {
      *epoch(epoch) {
        let index = 0;
        for (const batch of train.epoch(epoch) as Iterable<TrainingBatch>) {
          if (epoch === 1 && index++ === 1) batch.images.data.fill(Number.NaN);
          yield batch;
        }
      },
    };
    await run({ folder, epochs: 1 });
    const good = await read("diverged", "last");
    await expect(run({ folder, train: spoiled })).rejects.toMatchObject({
      name: "TrainingAbortedError",
      epoch: 2,
      step: 2,
      message: "epoch 2, step 2: the loss is NaN",
    });
    expect((await read("diverged", "last")).equals(good)).toBe(true);
  });

  it.each<[string, Partial<FitOptions>]>([
    ["epochs", { epochs: 0 }],
    ["folder", { resume: true }],
    ["train", { train: { epoch: () => [] } }],
    ["validation", { validation: { epoch: () => [] } }],
  ])("rejects a bad %s", async (argument, options) => {
    const attempt = run(options);
    await expect(attempt).rejects.toThrow(InvalidArgumentError);
    await expect(attempt).rejects.toThrow(`${argument}: `);
  });

  it("validates without the pixels that the loss ignores", async () => {
    // The logits are the image and its negative: right where there is a truth, which the lower half has not.
    const model = new Graph("sign");
    const image = model.input("image", "float32", [1, 1, size, size]);
    const weights = { type: "float32", dims: [2, 1, 1, 1], data: Float32Array.of(-5, 5) } as const;
    model.output("logits", ops.Conv(image, model.initializer("w", weights)));
    const half = (size * size) / 2;
    const truth = Array.from({ length: 2 * half }, (_, i) => (i % 5 === 0 ? 1 : 0));
    const pixels = Float32Array.from(truth, (label, i) => (label === 1 && i < half ? 1 : -1));
    const images = tensor("float32", pixels, [1, 1, size, size]);
    const labels = Uint8Array.from(truth, (label, i) => (i < half ? label : 255));
    const empty = Uint8Array.from(truth, () => 255);
    const source: BatchSource = {
      *epoch() {
        for (const data of [labels, empty]) yield { images, labels: tensor("uint8", data, [1, size, size]) };
      },
    };
    const loss = diceCrossEntropy({ ignore: 255 });
    const optimizer = adamW({ learningRate: 1e-9, weightDecay: 0 });
    const trainer = await Trainer.create({ model, loss, optimizer, batch: [1, 1, size, size], threads: 1 });
    try {
      const { history } = await fit(trainer, { train: source, validation: source, epochs: 1 });
      expect(history[0]!.validationDice).toBeCloseTo(1, 6);
    } finally {
      await trainer.close();
    }
  });
});
