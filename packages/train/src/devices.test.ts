import { tensor } from "@pixelcal/core";
import { crossEntropy, signedDistanceCalibration } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { unet2d } from "./models/unet2d.js";
import { unet3d } from "./models/unet3d.js";
import { sgd } from "./optimizer.js";
import { DeviceError } from "./session.js";
import { Trainer } from "./trainer.js";
import type { TrainerOptions, TrainingBatch } from "./trainer-options.js";

const cases: { name: string; options: Pick<TrainerOptions, "model" | "loss" | "batch"> }[] = [
  {
    name: "2-D of an odd size",
    options: {
      model: unet2d({ classes: 3, base: 4 }),
      loss: signedDistanceCalibration({ preset: "reference" }),
      batch: [2, 1, 27, 24],
    },
  },
  {
    name: "3-D",
    options: { model: unet3d({ classes: 3, base: 2 }), loss: crossEntropy(), batch: [1, 1, 16, 16, 24] },
  },
];

function batchOf(dims: readonly number[]): TrainingBatch {
  const length = dims.reduce((a, b) => a * b, 1);
  const labels = Uint8Array.from({ length }, (_, i) => Math.floor(i / 37) % 3);
  return {
    images: tensor(
      "float32",
      Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37)),
      dims,
    ),
    labels: tensor(
      "uint8",
      labels,
      dims.filter((_, axis) => axis !== 1),
    ),
  };
}

async function losses(options: TrainerOptions): Promise<number[]> {
  const trainer = await Trainer.create({ ...options, optimizer: sgd({ learningRate: 0.05 }) });
  const batch = batchOf(options.batch);
  const seen: number[] = [];
  try {
    for (let i = 0; i < 3; i++) seen.push((await trainer.step(batch)).loss);
    return [...seen, (await trainer.evaluateLoss(batch)).loss];
  } finally {
    await trainer.close();
  }
}

describe("webgpu, where there is a GPU", () => {
  it.for(cases)("trains as the processor does: $name", async ({ options }, { skip }) => {
    const onGpu = await losses({ ...options, device: "webgpu" }).catch((error: unknown) => {
      const absent = error instanceof DeviceError && error.message.includes("Failed to get a WebGPU adapter");
      if (absent) skip("no GPU here");
      throw error;
    });
    for (const [i, loss] of (await losses({ ...options, threads: 1 })).entries()) {
      expect(Math.abs(onGpu[i]! - loss)).toBeLessThan(1e-4 * loss);
    }
  });
});
