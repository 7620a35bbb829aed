import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensor, tensor } from "@pixelcal/core";
import { crossEntropy, losses, signedDistanceCalibration } from "@pixelcal/losses";
import { afterEach, describe, expect, it } from "vitest";
import { unet2d } from "../model/unet2d.js";
import { unet3d } from "../model/unet3d.js";
import { adamW, sgd } from "../optimizer/optimizer.js";
import { gpuTensorCount } from "../runtime/gpu-tensor.js";
import type { TrainDevice } from "../runtime/session.js";
import { DivergedError } from "./diverged-error.js";
import { lossAndGradient } from "./loss-and-gradient.js";
import type { TrainerOptions } from "./options.js";
import { Trainer } from "./trainer.js";
import type { TrainingBatch } from "./training-batch.js";

// The same on the processor and on webgpu: one adapter serves real GPUs and software alike.

const small: Pick<TrainerOptions, "model" | "loss" | "batch"> = {
  model: unet2d({ classes: 3, base: 2, seed: 5 }),
  loss: crossEntropy(),
  batch: [2, 1, 16, 16],
};
const step = sgd({ learningRate: 0.05 });

const cases: { name: string; options: TrainerOptions; steps?: number }[] = [
  {
    name: "2-D of an odd size",
    options: {
      model: unet2d({ classes: 3, base: 4 }),
      loss: signedDistanceCalibration({ preset: "reference" }),
      batch: [2, 1, 27, 24],
      optimizer: step,
    },
  },
  {
    name: "3-D",
    options: {
      model: unet3d({ classes: 3, base: 2 }),
      loss: crossEntropy(),
      batch: [1, 1, 16, 16, 24],
      optimizer: step,
    },
  },
  { name: "AdamW", options: { ...small, optimizer: adamW({ learningRate: 1e-3 }) }, steps: 12 },
  {
    name: "Nesterov's momentum, weight decay, a clipped norm",
    options: {
      ...small,
      optimizer: sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true, weightDecay: 0.05 }),
      clipNorm: 0.3,
    },
    steps: 5,
  },
  {
    name: "gradients of three batches in one update, most layers frozen",
    options: { ...small, optimizer: step, accumulate: 3, trainable: ["dec1", "head"] },
    steps: 6,
  },
  {
    name: "frozen batch norms, two learning rates, averaged weights",
    options: {
      ...small,
      optimizer: step,
      batchNorm: "frozen",
      groups: [{ match: ["head*"], learningRate: 0.2 }],
      ema: 0.9,
    },
    steps: 3,
  },
];

function batchOf(dims: readonly number[], seed = 0): TrainingBatch {
  const length = dims.reduce((a, b) => a * b, 1);
  const labels = Uint8Array.from({ length }, (_, i) => Math.floor((i + seed) / 37) % 3);
  const images = Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37 + seed) + labels[i]!);
  const spatial = dims.filter((_, axis) => axis !== 1);
  return { images: tensor("float32", images, dims), labels: tensor("uint8", labels, spatial) };
}

async function use<T>(options: TrainerOptions, act: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await Trainer.create(options);
  try {
    return await act(trainer);
  } finally {
    await trainer.close();
  }
}

/** Losses and gradient norms of some steps, then the loss with inference behaviour; and the parameters. */
const curve = (options: TrainerOptions, steps: number) =>
  use(options, async (trainer) => {
    const numbers: number[] = [];
    for (let i = 0; i < steps; i++) {
      const { loss, gradientNorm } = await trainer.step(batchOf(options.batch, i));
      numbers.push(loss, gradientNorm ?? 0);
    }
    numbers.push((await trainer.evaluateLoss(batchOf(options.batch))).loss);
    await trainer.read();
    return { numbers, parameters: trainer.parameters };
  });

const agree = (actual: number, expected: number): void =>
  expect(Math.abs(actual - expected), `${actual} for ${expected}`).toBeLessThan(
    1e-4 * Math.max(1, Math.abs(expected)),
  );

const on = (device: TrainDevice) => ({ ...small, optimizer: step, device });

describe("training on webgpu", { timeout: 600_000 }, () => {
  afterEach(() => {
    expect(gpuTensorCount()).toBe(0);
  });

  it.each(cases)("trains as the processor does: $name", async ({ options, steps = 3 }) => {
    const gpu = await curve({ ...options, device: "webgpu" }, steps);
    const cpu = await curve({ ...options, threads: 1 }, steps);
    for (const [i, number] of cpu.numbers.entries()) agree(gpu.numbers[i]!, number);
    for (const [name, { data }] of Object.entries(cpu.parameters)) {
      for (const [i, value] of data.entries()) agree(gpu.parameters[name]!.data[i]!, value);
    }
  });

  it.each(Object.entries(losses))("has every operator of %s", async (name, { presets, create }) => {
    for (const dims of [
      [2, 3, 6, 5],
      [1, 3, 4, 6, 5],
    ]) {
      const logits = tensor(
        "float32",
        Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i)),
        dims,
      );
      const { images, labels } = batchOf(dims.with(1, 1));
      for (const preset of Object.keys(presets)) {
        const loss = create({ [name === "marginSvls" ? "variant" : "preset"]: preset });
        const options = { image: images, threads: 1 };
        const gpu = await lossAndGradient(loss, logits, labels, { ...options, device: "webgpu" });
        const cpu = await lossAndGradient(loss, logits, labels, options);
        agree(gpu.loss, cpu.loss);
        for (const [i, value] of cpu.gradient.data.entries()) agree(gpu.gradient.data[i]!, value);
      }
    }
  });

  it("keeps as many arrays after every step, and none of a step that failed", async () => {
    await use({ ...on("webgpu"), optimizer: adamW(), accumulate: 2 }, async (trainer) => {
      const counts: number[] = [];
      for (let i = 0; i < 6; i++) {
        await trainer.step(batchOf(small.batch, i));
        counts.push(gpuTensorCount());
      }
      // Two packs of parameters with two slots each and the statistics; between updates the gradients.
      expect(counts).toEqual([9, 7, 9, 7, 9, 7]);
      const before = await trainer.gradients(batchOf(small.batch));
      const broken = batchOf(small.batch);
      broken.images.data.fill(Number.NaN);
      await expect(trainer.step(broken)).rejects.toBeInstanceOf(DivergedError);
      expect(gpuTensorCount()).toBe(7);
      expect(await trainer.gradients(batchOf(small.batch))).toEqual(before);
      expect(gpuTensorCount()).toBe(7);
    });
  });

  it("goes on from a checkpoint, also between two updates, and exports what it has read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pixelcal-device-"));
    const options: TrainerOptions = { ...on("webgpu"), optimizer: adamW(), accumulate: 2 };
    const path = join(folder, "state.safetensors");
    const go = async (trainer: Trainer, from: number, to: number): Promise<number[]> => {
      const seen: number[] = [];
      for (let i = from; i < to; i++) seen.push((await trainer.step(batchOf(small.batch, i))).loss);
      return seen;
    };
    try {
      const whole = await use(options, async (trainer) => {
        await go(trainer, 0, 3);
        expect(() => trainer.exportModel()).toThrow("read()");
        await trainer.save(path);
        expect(trainer.exportModel().length).toBeGreaterThan(0);
        return go(trainer, 3, 7);
      });
      const rest = await use({ ...options, seed: 99 }, async (trainer) => {
        await trainer.step(batchOf(small.batch));
        await trainer.restore(path);
        return go(trainer, 3, 7);
      });
      expect(rest).toEqual(whole);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("takes parameters written before the first step, and gives gradients and logits", async () => {
    const results = (device: TrainDevice): Promise<Record<string, Tensor<"float32">>> =>
      use(on(device), async (trainer) => {
        for (const { data } of Object.values(trainer.parameters))
          data.forEach((x, i) => void (data[i] = 0.8 * x));
        const batch = batchOf(small.batch);
        const gradients = await trainer.gradients(batch);
        return { ...gradients, logits: await trainer.logits(batch.images) };
      });
    const gpu = await results("webgpu");
    for (const [name, { data }] of Object.entries(await results("cpu"))) {
      for (const [i, value] of data.entries()) agree(gpu[name]!.data[i]!, value);
    }
  });
});
