import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { parseModel } from "@pixelcal/graph";
import { FormatError } from "@pixelcal/io";
import { signedDistanceCalibration } from "@pixelcal/losses";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unet2d } from "../model/unet2d.js";
import { unet3d } from "../model/unet3d.js";
import { adamW, sgd } from "../optimizer/optimizer.js";
import { constant, cosine } from "../optimizer/schedule.js";
import { Network } from "../predict/network.js";
import { createSession, DeviceError } from "../runtime/session.js";
import { DivergedError } from "./diverged-error.js";
import type { TrainerOptions } from "./options.js";
import { Trainer } from "./trainer.js";
import { greatest, smallUnet, squares, trainerWith } from "./training.test.helper.js";

const size = 16;

const withTrainer = trainerWith();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-trainer-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("Trainer", () => {
  it("overfits one image", async () => {
    await withTrainer({ loss: signedDistanceCalibration({ preset: "reference" }) }, async (trainer) => {
      const batch = squares(1, 1);
      const first = await trainer.step(batch);
      let last = first;
      for (let i = 0; i < 100; i++) last = await trainer.step(batch);
      // The local term of this loss has a floor; the cross-entropy has none.
      expect(first.terms.crossEntropy).toBeGreaterThan(0.4);
      expect(last.terms.crossEntropy).toBeLessThan(0.1);
      expect(last.loss).toBeLessThan(first.loss);
      expect(trainer.updates).toBe(101);
    });
  });

  it("gives the same losses and checkpoint bytes for the same seed and threads", async () => {
    const run = (name: string): Promise<[number[], Buffer]> =>
      withTrainer({ seed: 5, clipNorm: 1 }, async (trainer) => {
        const losses: number[] = [];
        for (let i = 0; i < 4; i++) losses.push((await trainer.step(squares(i))).loss);
        await trainer.save(join(folder, name));
        return [losses, await readFile(join(folder, name))];
      });
    const [losses, bytes] = await run("once");
    const [again, same] = await run("twice");
    expect(again).toEqual(losses);
    expect(same.equals(bytes)).toBe(true);
    const other = await withTrainer({ seed: 6 }, (trainer) => trainer.step(squares(0)));
    expect(other.loss).not.toBe(losses[0]);
  });

  it.each([
    ["adamW", { optimizer: adamW({ learningRate: 0.01 }), accumulate: 1 }],
    ["sgd", { optimizer: sgd({ learningRate: 0.01 }), accumulate: 1 }],
    [
      "sgd with momentum, accumulating",
      { optimizer: sgd({ learningRate: 0.01, momentum: 0.9 }), accumulate: 3 },
    ],
  ])("resumed after any step of %s is as if never stopped", async (name, options) => {
    const steps = 5;
    const path = join(folder, name);
    const settings = { ...options, schedule: cosine({ epochs: 9 }) };
    const end = join(folder, `${name}.end`);
    await withTrainer(settings, async (trainer) => {
      for (let i = 0; i < steps; i++) {
        await trainer.save(`${path}.${i}`, { batches: i });
        trainer.epoch = i;
        await trainer.step(squares(i));
      }
      await trainer.save(end);
    });
    const expected = await readFile(end);
    await withTrainer({ ...settings, seed: 99 }, async (trainer) => {
      for (let k = 0; k < steps; k++) {
        expect(await trainer.restore(`${path}.${k}`)).toEqual({ differences: [], extra: { batches: k } });
        for (let i = k; i < steps; i++) {
          trainer.epoch = i;
          await trainer.step(squares(i));
        }
        await trainer.save(`${path}.again`);
        expect((await readFile(`${path}.again`)).equals(expected), `after ${k}`).toBe(true);
      }
    });
  });

  it("says what differs from the run that wrote the checkpoint, and refuses what does not fit", async () => {
    const path = join(folder, "differences");
    await withTrainer({}, (trainer) => trainer.save(path));
    await withTrainer({ threads: 2, schedule: cosine({ epochs: 3 }) }, async (trainer) => {
      const { differences } = await trainer.restore(path);
      expect(differences).toEqual([
        'schedule: checkpoint constant {}, now cosine {"epochs":3,"minimum":0,"warmup":0}',
        "threads: checkpoint 1, now 2",
      ]);
    });
    await withTrainer({ model: unet2d({ classes: 2, base: 3 }) }, async (trainer) => {
      const before = trainer.parameters["head.weight"]!.data.slice();
      await expect(trainer.restore(path)).rejects.toThrow(FormatError);
      await expect(trainer.restore(path)).rejects.toThrow("enc1.0.weight is [2,1,3,3], expected [3,1,3,3]");
      expect(trainer.parameters["head.weight"]!.data).toEqual(before);
    });
    await withTrainer({ optimizer: sgd({ momentum: 0.5 }) }, (trainer) =>
      expect(trainer.restore(path)).rejects.toThrow(/optimizer\/averages\/.* is unknown/),
    );
  });

  it("exports a standard model with the trainer's outputs", async () => {
    await withTrainer({}, async (trainer) => {
      for (let i = 0; i < 3; i++) await trainer.step(squares(i));
      const { images } = squares(9);
      const expected = await trainer.logits(images);
      const bytes = trainer.exportModel();
      const session = await createSession(bytes, { threads: 1 });
      expect(session.inputs).toEqual([{ name: "image", type: "float32", dims: ["N", 1, size, size] }]);
      expect(session.outputs).toEqual([{ name: "logits", type: "float32", dims: ["N", 2, size, size] }]);
      const { logits } = await session.run({ image: images });
      await session.close();
      expect(greatest(logits as Tensor<"float32">, expected)).toBeLessThan(1e-5);
      const operators = new Set(
        parseModel(bytes, { shapes: { image: images.dims } }).nodes.map((node) => node.opType),
      );
      expect([...operators].sort()).toEqual([
        "BatchNormalization",
        "Concat",
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "Relu",
      ]);
      const { logits: evaluated } = await trainer.evaluateLoss(squares(9));
      expect(greatest(evaluated, expected)).toBeLessThan(1e-5);
      const predictor = new Network({ model: bytes, threads: 1 });
      expect(greatest(await predictor.logits(images), expected)).toBeLessThan(1e-5);
      await predictor.close();
    });
  });

  it("exports for other sizes, where the network allows it", async () => {
    await withTrainer({}, async (trainer) => {
      const { images } = squares(2, 1, [24, 32]);
      const expected = await trainer.logits(images);
      const session = await createSession(trainer.exportModel({ spatial: "open" }), { threads: 1 });
      expect(session.inputs[0]!.dims).toEqual(["N", 1, "H", "W"]);
      const { logits } = await session.run({ image: images });
      await session.close();
      expect(greatest(logits as Tensor<"float32">, expected)).toBeLessThan(1e-5);
      const odd = trainer.exportModel({ dims: [1, 1, 9, 20] });
      const predictor = new Network({ model: odd, threads: 1 });
      const small = squares(3, 2, [9, 20]).images;
      expect(greatest(await predictor.logits(small), await trainer.logits(small))).toBeLessThan(1e-5);
      await expect(predictor.logits(images)).rejects.toThrow("image: the model cannot take [1, 1, 24, 32]");
      await predictor.close();
      expect(() => trainer.exportModel({ dims: [1, 1, 9, 20], spatial: "open" })).toThrow("spatial: ");
    });
  });

  it("goes on training from an ONNX file or a graph", async () => {
    const batch = squares(1);
    const [bytes, gradients] = await withTrainer({}, async (trainer) => [
      trainer.exportModel(),
      await trainer.gradients(batch),
    ]);
    const graph = parseModel(bytes, { shapes: { image: [1, 1, size, size] } });
    for (const model of [bytes, graph]) {
      await withTrainer({ model }, async (trainer) => {
        expect(trainer.trainable).toEqual(Object.keys(gradients));
        const again = await trainer.gradients(batch);
        for (const [name, gradient] of Object.entries(gradients)) {
          expect(greatest(again[name]!, gradient), name).toBe(0);
        }
      });
    }
  });

  it("averages accumulated gradients as one larger batch would", async () => {
    // Without batch norm statistics in play: a frozen trainer's gradients are linear in the images of a
    // batch.
    const [a, b] = [squares(1), squares(2)];
    const rate = 0.1;
    const gradients = await withTrainer({}, async (trainer) => [
      await trainer.gradients(a),
      await trainer.gradients(b),
    ]);
    await withTrainer({ optimizer: sgd({ learningRate: rate }), accumulate: 2 }, async (trainer) => {
      const before = trainer.parameters["head.bias"]!.data.slice();
      const half = await trainer.step(a);
      expect(half.gradientNorm).toBeUndefined();
      expect(trainer.pending).toBe(1);
      expect(trainer.parameters["head.bias"]!.data).toEqual(before);
      const whole = await trainer.step(b);
      expect(trainer.updates).toBe(1);
      const mean = (name: string, i: number): number =>
        (gradients[0]![name]!.data[i]! + gradients[1]![name]!.data[i]!) / 2;
      before.forEach((value, i) => {
        expect(trainer.parameters["head.bias"]!.data[i]).toBeCloseTo(value - rate * mean("head.bias", i), 6);
      });
      const squared = Object.entries(gradients[0]!).flatMap(([name, { data }]) =>
        Array.from(data, (_, i) => mean(name, i) ** 2),
      );
      expect(whole.gradientNorm! ** 2).toBeCloseTo(
        squared.reduce((x, y) => x + y, 0),
        5,
      );
    });
  });

  it("clips by the global norm", async () => {
    const rate = 1;
    const clipNorm = 0.01;
    await withTrainer({ optimizer: sgd({ learningRate: rate }), clipNorm }, async (trainer) => {
      const before = Object.entries(trainer.parameters).map(
        ([name, { data }]) => [name, data.slice()] as const,
      );
      const { gradientNorm } = await trainer.step(squares(1));
      expect(gradientNorm).toBeGreaterThan(clipNorm);
      let moved = 0;
      for (const [name, data] of before) {
        data.forEach((value, i) => {
          moved += (trainer.parameters[name]!.data[i]! - value) ** 2;
        });
      }
      expect(Math.sqrt(moved)).toBeCloseTo(rate * clipNorm, 5);
    });
  });

  it("trains the chosen parameters alone", async () => {
    await withTrainer({ trainable: ["head.", "dec1"] }, async (trainer) => {
      const frozen = trainer.parameters["enc1.0.weight"]!.data.slice();
      const head = trainer.parameters["head.weight"]!.data.slice();
      await trainer.step(squares(1));
      expect(trainer.parameters["enc1.0.weight"]!.data).toEqual(frozen);
      expect(trainer.parameters["head.weight"]!.data).not.toEqual(head);
      expect(Object.keys(await trainer.gradients(squares(1))).sort()).toEqual([...trainer.trainable].sort());
    });
  });

  it("takes other batch and image sizes, odd ones too", async () => {
    await withTrainer({}, async (trainer) => {
      for (const [count, ...extent] of [
        [1, 16, 16],
        [2, 13, 9],
        [3, 8, 31],
      ] as const) {
        const batch = squares(4, count, extent);
        expect((await trainer.step(batch)).loss).toBeGreaterThan(0);
        expect((await trainer.logits(batch.images)).dims).toEqual([count, 2, ...extent]);
      }
    });
  });

  it("trains in three dimensions", async () => {
    const options = { model: unet3d({ classes: 2, base: 2 }), batch: [1, 1, 8, 16, 16] };
    await withTrainer(options, async (trainer) => {
      const batch = squares(1, 1, [8, 16, 16]);
      const { loss } = await trainer.step(batch);
      for (let i = 0; i < 20; i++) await trainer.step(batch);
      expect((await trainer.step(batch)).loss).toBeLessThan(loss / 2);
    });
  });

  it("stops before a loss or gradient that is no number reaches the parameters", async () => {
    await withTrainer({ schedule: constant() }, async (trainer) => {
      const before = trainer.parameters["enc1.0.weight"]!.data.slice();
      const mean = trainer.buffers["enc1.1.running_mean"]!.data.slice();
      const batch = squares(1);
      batch.images.data[5] = Number.NaN;
      await expect(trainer.step(batch)).rejects.toThrow(DivergedError);
      await expect(trainer.step(batch)).rejects.toThrow("the loss is NaN");
      expect(trainer.parameters["enc1.0.weight"]!.data).toEqual(before);
      expect(trainer.buffers["enc1.1.running_mean"]!.data).toEqual(mean);
      expect((await trainer.step(squares(1))).loss).toBeGreaterThan(0);
    });
  });

  it.each<[string, Partial<TrainerOptions>, string]>([
    ["channels", { batch: [1, 3, 16, 16] }, "image: expected [N, 1,"],
    ["size", { batch: [1, 1, 16, 4] }, "image: expected [N, 1, 8 or more"],
    ["axes", { batch: [1, 1, 16] }, "image: expected [N, 1,"],
    ["seed", { seed: -1 }, "seed: expected an integer of 0 or more"],
    ["clipNorm", { clipNorm: 0 }, "clipNorm"],
    ["accumulate", { accumulate: 0 }, "accumulate"],
    ["threads", { threads: 0 }, "threads"],
    ["trainable", { trainable: ["encoder"] }, 'trainable: no parameter starts with "encoder"'],
    ["trainable", { trainable: () => false }, "trainable"],
    ["device", { device: "tpu" as "cpu" }, "device: expected cpu, webgpu, cuda, got tpu"],
  ])("rejects bad %s", async (_, options, message) => {
    const attempt = Trainer.create({ ...smallUnet, ...options });
    await expect(attempt).rejects.toThrow(InvalidArgumentError);
    await expect(attempt).rejects.toThrow(message);
  });

  it("rejects a batch whose deepest layer has one value per channel", async () => {
    const attempt = Trainer.create({ ...smallUnet, batch: [1, 1, 8, 8] });
    await expect(attempt).rejects.toThrow("expected more than one element per channel to train on");
  });

  it("rejects a device that is not there, without falling back", async () => {
    const attempt = Trainer.create({ ...smallUnet, device: "cuda" });
    await expect(attempt).rejects.toThrow(DeviceError);
    await expect(attempt).rejects.toThrow("device cuda");
  });

  it("rejects labels out of range or of another size", async () => {
    await withTrainer({}, async (trainer) => {
      const { images } = squares(1);
      const wrong = tensor("uint8", new Uint8Array(2 * size * size).fill(2), [2, size, size]);
      await expect(trainer.step({ images, labels: wrong })).rejects.toThrow(
        "labels: expected classes 0 to 1",
      );
      const small = tensor("uint8", new Uint8Array(2 * size), [2, size]);
      await expect(trainer.step({ images, labels: small })).rejects.toThrow("labels: expected [2, 16, 16]");
    });
  });
});
