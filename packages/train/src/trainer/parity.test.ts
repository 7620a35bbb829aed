import { readFileSync } from "node:fs";
import { type Tensor, tensor } from "@pixelcal/core";
import { crossEntropy, type Loss, signedDistanceCalibration } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { unet2d } from "../model/unet2d.js";
import { unet3d } from "../model/unet3d.js";
import { adamW, sgd } from "../optimizer/optimizer.js";
import { hashed } from "./hashed.test.helper.js";
import { Trainer } from "./trainer.js";
import type { TrainingBatch } from "./training-batch.js";

interface Case {
  readonly name: string;
  readonly dimensions: number;
  readonly classes: number;
  readonly base: number;
  readonly shape: readonly number[];
  readonly loss: "crossEntropy" | "signedDistanceCalibration";
  readonly optimizer: "sgd" | "adamW";
  readonly learningRate: number;
  readonly losses: readonly number[];
  readonly evaluationLoss: number;
  readonly norms: Readonly<Record<string, number>>;
}

// Made by tools/golden/training.py, whose formulas these are: the same 32-bit integers give the same weights
// and images.
const golden: { probe: { hashed: number[]; image: number[] }; cases: Case[] } = JSON.parse(
  readFileSync(new URL("../../test/golden/training.json", import.meta.url), "utf8"),
);

function fill(parameters: Readonly<Record<string, Tensor<"float32">>>): void {
  const learnt = Object.keys(parameters).filter((name) => !/\.[14]\.(weight|bias)$/.test(name));
  learnt.forEach((name, stream) => {
    const { dims } = parameters[name.replace(/bias$/, "weight")]!;
    const bound = 1 / Math.sqrt(dims.slice(1).reduce((a, b) => a * b, 1));
    const { data } = parameters[name]!;
    data.set(hashed(data.length, stream).map((value) => value * bound));
  });
}

function batch(step: number, shape: readonly number[], classes: number): TrainingBatch {
  const [count = 0, channels = 0, ...size] = shape;
  const pixels = size.reduce((a, b) => a * b, 1);
  const labels = new Int32Array(count * pixels);
  for (let n = 0; n < count; n++) {
    for (let c = 1; c < classes; c++) {
      if (c === 2 && n % 2 === 1) continue;
      const radius = 5 + ((step + n + c) % 5);
      for (let i = 0; i < pixels; i++) {
        let rest = i;
        let squared = 0;
        for (let axis = size.length - 1; axis >= 0; axis--) {
          const extent = size[axis]!;
          const centre = 7 + ((5 * step + 11 * n + 13 * c + 3 * axis) % Math.max(1, extent - 12));
          squared += ((rest % extent) - centre) ** 2;
          rest = Math.floor(rest / extent);
        }
        if (squared < radius * radius) labels[n * pixels + i] = c;
      }
    }
  }
  const noise = hashed(count * channels * pixels, 1000 + step);
  const images = Float32Array.from(noise, (value, i) => {
    const n = Math.floor(i / (channels * pixels));
    return 0.5 * labels[n * pixels + (i % pixels)]! + 0.75 * value;
  });
  return {
    images: tensor("float32", images, shape),
    labels: tensor("int32", labels, [count, ...size]),
  };
}

const lossOf = (name: Case["loss"]): Loss =>
  name === "crossEntropy" ? crossEntropy() : signedDistanceCalibration({ preset: "reference" });

const relative = (value: number, expected: number): number => Math.abs(value - expected) / Math.abs(expected);

describe("training parity with PyTorch", () => {
  it("shares the formulas of weights and images", () => {
    expect([...hashed(4, 7)]).toEqual(golden.probe.hashed);
    expect([...batch(3, [2, 1, 8, 8], 3).images.data.slice(0, 4)]).toEqual(golden.probe.image);
  });

  it.each(golden.cases)("$name", async (example) => {
    const { classes, base, shape, learningRate } = example;
    const trainer = await Trainer.create({
      model: (example.dimensions === 2 ? unet2d : unet3d)({ classes, base }),
      loss: lossOf(example.loss),
      optimizer:
        example.optimizer === "sgd"
          ? sgd({ learningRate, momentum: 0.9, weightDecay: 0.01, decay: "all" })
          : adamW({ learningRate, weightDecay: 0.01, decay: "all" }),
      batch: shape,
      threads: 2,
    });
    try {
      fill(trainer.parameters);
      const tolerance = example.optimizer === "sgd" ? 1e-4 : 1e-3;
      for (const [step, expected] of example.losses.entries()) {
        const { loss } = await trainer.step(batch(step, shape, classes));
        expect(relative(loss, expected), `step ${step}: ${loss} for ${expected}`).toBeLessThan(tolerance);
      }
      const { loss } = await trainer.evaluateLoss(batch(0, shape, classes));
      expect(relative(loss, example.evaluationLoss)).toBeLessThan(tolerance);
      const arrays = { ...trainer.parameters, ...trainer.buffers };
      expect(Object.keys(arrays).sort()).toEqual(Object.keys(example.norms).sort());
      for (const [name, norm] of Object.entries(example.norms)) {
        expect(relative(Math.hypot(...arrays[name]!.data), norm), name).toBeLessThan(2 * tolerance);
      }
    } finally {
      await trainer.close();
    }
  });
});
