import { Random, type Tensor, tensor } from "@pixelcal/core";
import { crossEntropy } from "@pixelcal/losses";
import { unet2d } from "../model/unet2d.js";
import { adamW } from "../optimizer/optimizer.js";
import type { TrainerOptions } from "./options.js";
import { Trainer } from "./trainer.js";
import type { TrainingBatch } from "./training-batch.js";

/** Makes bright squares on noise, images [count, 1, ...extent] with labels: learnable in a few steps. */
export function squares(seed: number, count = 2, extent: readonly number[] = [16, 16]): TrainingBatch {
  const random = Random.fromSeed(seed);
  const pixels = extent.reduce((a, b) => a * b, 1);
  const labels = new Uint8Array(count * pixels);
  const images = new Float32Array(count * pixels);
  const side = 6;
  const [height, last] = [extent.at(-2)!, extent.at(-1)!];
  for (let n = 0; n < count; n++) {
    const [top, left] = [random.integer(height - side), random.integer(last - side)];
    for (let i = 0; i < pixels; i++) {
      const row = Math.floor(i / last) % height;
      const column = i % last;
      const inside = row >= top && row < top + side && column >= left && column < left + side;
      labels[n * pixels + i] = inside ? 1 : 0;
      images[n * pixels + i] = (inside ? 1 : 0) + 0.3 * random.normal();
    }
  }
  return {
    images: tensor("float32", images, [count, 1, ...extent]),
    labels: tensor("uint8", labels, [count, ...extent]),
  };
}

/** A small U-Net that learns {@link squares} in a few steps, and how. */
export const smallUnet: TrainerOptions & { readonly model: ReturnType<typeof unet2d> } = {
  model: unet2d({ classes: 2, base: 2, seed: 3 }),
  loss: crossEntropy(),
  optimizer: adamW({ learningRate: 0.02 }),
  batch: [2, 1, 16, 16],
  threads: 1,
};

/**
 * `withTrainer(options, use)`: what `use` makes of a trainer of `defaults` and `options`, which is closed
 * then.
 */
export function trainerWith(
  defaults: TrainerOptions = smallUnet,
): <T>(options: Partial<TrainerOptions>, use: (trainer: Trainer) => Promise<T>) => Promise<T> {
  return async <T>(options: Partial<TrainerOptions>, use: (trainer: Trainer) => Promise<T>): Promise<T> => {
    const trainer = await Trainer.create({ ...defaults, ...options });
    try {
      return await use(trainer);
    } finally {
      await trainer.close();
    }
  };
}

/** Returns the greatest difference of two arrays of one length. */
export const greatest = (a: Tensor<"float32">, b: Tensor<"float32">): number =>
  a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
