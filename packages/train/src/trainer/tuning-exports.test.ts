import { readdirSync, readFileSync } from "node:fs";
import { Random, zeros } from "@pixelcal/core";
import { modelMetadata, parseModel } from "@pixelcal/graph";
import { onnxModel } from "@pixelcal/graph/testing";
import { signedDistanceCalibration } from "@pixelcal/losses";
import { describe, expect, test } from "vitest";
import { createSession } from "../runtime/session.js";
import type { TrainerOptions } from "./options.js";
import { Trainer } from "./trainer.js";
import type { TrainingBatch } from "./training-batch.js";

// Networks as exporters write them; architectures.test.ts has their gradients.
const folder = new URL("../../test/golden/architectures/", import.meta.url);
/** It ends in a sigmoid of three channels, whose labels may overlap. */
const multiLabel = "attention_unet.onnx";
const names = readdirSync(folder).filter((name) => name.endsWith(".onnx") && name !== multiLabel);
const goldens: Record<string, { image: readonly number[] }> = JSON.parse(
  readFileSync(new URL("architectures.json", folder), "utf8"),
);

function noise(dims: readonly number[], classes: number): TrainingBatch {
  const random = Random.fromSeed(8);
  const images = zeros("float32", dims);
  for (let i = 0; i < images.data.length; i++) images.data[i] = random.normal();
  const labels = zeros("uint8", [dims[0]!, ...dims.slice(2)]);
  for (let i = 0; i < labels.data.length; i++) labels.data[i] = random.integer(classes);
  return { images, labels };
}

/**
 * Trains an ONNX file for two steps and gives the new file; with the old weights put back it must be the old
 * file.
 */
async function tuned(model: Uint8Array, dims: readonly number[], outputs: TrainerOptions["outputs"]) {
  const loss = signedDistanceCalibration({ preset: "consistent" });
  const options = { loss, batch: dims, outputs, threads: 1, clipNorm: 1 };
  const trainer = await Trainer.create({ ...options, model });
  try {
    const batch = noise(dims, trainer.classes);
    const before = Object.entries(trainer.weights()).map(([name, { data }]) => [name, data.slice()] as const);
    const first = await trainer.step(batch);
    await trainer.step(batch);
    const bytes = trainer.exportModel();
    const predicted = await trainer.logits(batch.images);
    const weights = trainer.weights();
    for (const [name, data] of before) weights[name]!.data.set(data);
    expect(Buffer.compare(trainer.exportModel(), model)).toBe(0);
    return { bytes, first, batch, predicted };
  } finally {
    await trainer.close();
  }
}

describe("an exported network comes back with new weights alone", () => {
  test.each(names)("%s", async (name) => {
    const model = readFileSync(new URL(name, folder));
    const { image } = goldens[name.replace(".onnx", "")]!;
    const graph = parseModel(model, { shapes: { "": image } });
    const weights = [...graph.outputs.keys()].map((output, index) => [output, index === 0 ? 1 : 0.4]);
    const { bytes, first, batch, predicted } = await tuned(model, image, Object.fromEntries(weights));
    expect(first.loss).toBeGreaterThan(0);
    expect(modelMetadata(bytes)).toEqual(modelMetadata(model));
    // The file itself, in onnxruntime, predicts what the trainer does: one more than its loss sees it.
    const session = await createSession(bytes, { threads: 1 });
    const output = session.outputs[0]!.name;
    const { [output]: result } = await session.run({ [session.inputs[0]!.name]: batch.images });
    await session.close();
    const classes = (values: ArrayLike<number>, count: number): number[] => {
      const pixels = predicted.data.length / predicted.dims[0]! / count;
      return Array.from({ length: pixels }, (_, i) => Number(values[i + pixels]! > values[i]!));
    };
    if (result!.dims.join() === predicted.dims.join()) {
      const [own, theirs] = [predicted, result!].map(({ data }) =>
        classes(data as Float32Array, predicted.dims[1]!),
      );
      const different = own!.filter((value, i) => value !== theirs![i]).length;
      expect(different / own!.length).toBeLessThan(0.01);
    }
  });

  test("or is refused where its classes may overlap", async () => {
    const model = readFileSync(new URL(multiLabel, folder));
    const { image } = goldens[multiLabel.replace(".onnx", "")]!;
    await expect(tuned(model, image, undefined)).rejects.toThrow(
      /a sigmoid of 3 channels in \w+: multi-label/,
    );
  });

  test("of float16 weights, in float16", async () => {
    const half = (count: number): Uint16Array =>
      Uint16Array.from({ length: count }, (_, i) => 0x3000 + 97 * i);
    const stored = {
      weight: { type: "float16", dims: [2, 1, 3, 3], data: half(18) },
      bias: { type: "float16", dims: [2], data: half(2) },
    } as const;
    const model = onnxModel(
      17,
      [
        { op: "Cast", inputs: ["weight"], outputs: ["w"], attributes: { to: 1 } },
        { op: "Cast", inputs: ["bias"], outputs: ["b"], attributes: { to: 1 } },
        { op: "Conv", inputs: ["x", "w", "b"], attributes: { pads: [1, 1, 1, 1] } },
      ],
      { x: [2, 1, 8, 8] },
      stored,
    );
    const { bytes, batch, predicted } = await tuned(model, [2, 1, 8, 8], undefined);
    expect(bytes.length).toBe(model.length);
    expect(Buffer.compare(bytes, model)).not.toBe(0);
    const session = await createSession(bytes, { threads: 1 });
    const { y } = await session.run({ x: batch.images });
    await session.close();
    // Halves are what the file keeps, so its outputs are near those in float32 and no nearer.
    const most = predicted.data.reduce(
      (far, value, i) => Math.max(far, Math.abs(value - Number(y!.data[i]))),
      0,
    );
    expect(most).toBeLessThan(0.01);
    expect(y!.dims).toEqual([2, 2, 8, 8]);
  });
});
