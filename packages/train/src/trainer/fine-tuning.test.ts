import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random, type Tensor, tensor, zeros } from "@pixelcal/core";
import { Graph, ops, parseModel, serializeModel, type Value } from "@pixelcal/graph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rolesOf } from "../model/image-and-logits.js";
import { adamW, sgd } from "../optimizer/optimizer.js";
import { constant } from "../optimizer/schedule.js";
import { createSession } from "../runtime/session.js";
import { fit } from "./fit.js";
import type { TrainerOptions } from "./options.js";
import { greatest, smallUnet, squares, trainerWith } from "./training.test.helper.js";

const dims = smallUnet.batch;

/** A small network as its owner would have it: probabilities out, metadata, names of his own. */
const graph = smallUnet.model.build(dims);
const onnx = serializeModel(graph, { metadata: { owner: "clinic", version: "7" } });

const defaults = { ...smallUnet, model: onnx };
const withTrainer = trainerWith(defaults);

const kept = (arrays: Readonly<Record<string, Tensor<"float32">>>): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, data.slice()]));
const moved = (
  before: Record<string, Float32Array>,
  after: Readonly<Record<string, Tensor<"float32">>>,
): string[] =>
  Object.keys(before).filter(
    (name) => Buffer.compare(Buffer.from(before[name]!.buffer), bytesOf(after[name]!)) !== 0,
  );
const bytesOf = ({ data }: Tensor<"float32">): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-fine-tuning-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("fine-tuning an ONNX file", () => {
  it("gives the file back, its weights alone changed", async () => {
    await withTrainer({}, async (trainer) => {
      expect(Buffer.compare(trainer.exportModel(), onnx)).toBe(0);
      for (let i = 0; i < 3; i++) await trainer.step(squares(i));
      const bytes = trainer.exportModel();
      expect(bytes.length).toBe(onnx.length);
      const back = parseModel(bytes);
      for (const [name, { data }] of Object.entries({ ...trainer.parameters, ...trainer.buffers })) {
        expect(back.initializers.get(name)!.data, name).toEqual(data);
      }
      // With the old weights put back it is the old file: nothing else was touched.
      await withTrainer({ model: bytes }, async (other) => {
        for (const [name, array] of Object.entries({ ...other.parameters, ...other.buffers })) {
          array.data.set(graph.initializers.get(name)!.data as Float32Array);
        }
        expect(Buffer.compare(other.exportModel(), onnx)).toBe(0);
      });
      const session = await createSession(bytes, { threads: 1 });
      const { images } = squares(9);
      const { logits } = await session.run({ image: images });
      await session.close();
      expect(greatest(logits as Tensor<"float32">, await trainer.logits(images))).toBeLessThan(1e-5);
      expect(() => trainer.exportModel({ spatial: "open" })).toThrow(
        "spatial: cannot be set, the ONNX file fixes it",
      );
    });
  });

  it("trains what the selection says, the rest keeps its bytes", async () => {
    const head = { trainable: { include: ["head.*", "dec1*"], exclude: ["*.bias"] } };
    await withTrainer({ ...head, batchNorm: "frozen" }, async (trainer) => {
      const before = kept({ ...trainer.parameters, ...trainer.buffers });
      await trainer.step(squares(1));
      const changed = moved(before, { ...trainer.parameters, ...trainer.buffers });
      expect(changed).toEqual(
        Object.keys(before).filter((name) => /^(head|dec1).*(?<!bias)$/.test(name) && !/running/.test(name)),
      );
    });
    await expect(withTrainer({ trainable: { include: ["haed*"] } }, async () => 0)).rejects.toThrow(
      "trainable.include: haed* matches no parameter",
    );
  });

  it("leaves frozen batch norms to their running statistics", async () => {
    const batch = squares(2);
    await withTrainer({ batchNorm: "frozen" }, async (trainer) => {
      const before = kept(trainer.buffers);
      const { loss } = await trainer.evaluateLoss(batch);
      // The same loss with and without training behaviour: there is no difference left.
      expect((await trainer.step(batch)).loss).toBeCloseTo(loss, 5);
      expect(moved(before, trainer.buffers)).toEqual([]);
    });
    await withTrainer({}, async (trainer) => {
      const before = kept(trainer.buffers);
      await trainer.step(batch);
      expect(moved(before, trainer.buffers)).toEqual(Object.keys(before));
    });
  });

  it("gives groups their own rates", async () => {
    const gradients = await withTrainer({}, (trainer) => trainer.gradients(squares(1)));
    const groups = [
      { match: ["enc*"], learningRate: 0 },
      { match: ["head.*"], learningRate: 0.5 },
    ];
    await withTrainer({ optimizer: sgd({ learningRate: 0.1 }), groups }, async (trainer) => {
      const before = kept(trainer.parameters);
      await trainer.step(squares(1));
      for (const [name, data] of Object.entries(before)) {
        const rate = name.startsWith("enc") ? 0 : name.startsWith("head.") ? 0.5 : 0.1;
        data.forEach((value, i) => {
          expect(trainer.parameters[name]!.data[i], name).toBeCloseTo(
            value - rate * gradients[name]!.data[i]!,
            5,
          );
        });
      }
    });
  });

  it("warms up over updates", async () => {
    const [optimizer, schedule] = [sgd({ learningRate: 0.1 }), constant({ warmupSteps: 3 })];
    await withTrainer({ optimizer, schedule }, async (trainer) => {
      const before = kept(trainer.parameters)["head.weight"]!;
      const gradient = (await trainer.gradients(squares(0)))["head.weight"]!;
      const rates = [(await trainer.step(squares(0))).learningRate];
      const after = trainer.parameters["head.weight"]!.data;
      before.forEach((value, i) => {
        expect(after[i]).toBeCloseTo(value - 0.025 * gradient.data[i]!, 6);
      });
      for (let i = 1; i < 5; i++) rates.push((await trainer.step(squares(i))).learningRate);
      for (const [i, rate] of [0.025, 0.05, 0.075, 0.1, 0.1].entries())
        expect(rates[i]).toBeCloseTo(rate, 12);
    });
  });

  it("averages the weights, and evaluates, predicts and exports with the averages", async () => {
    const decay = 0.5;
    await withTrainer({ ema: decay }, async (trainer) => {
      const name = "head.weight";
      let average = [...trainer.parameters[name]!.data];
      for (let t = 1; t <= 4; t++) {
        await trainer.step(squares(t));
        const d = Math.min(decay, (1 + t) / (10 + t));
        average = average.map((value, i) => value + (1 - d) * (trainer.parameters[name]!.data[i]! - value));
      }
      const averaged = trainer.weights();
      for (const [i, value] of average.entries()) expect(averaged[name]!.data[i]).toBeCloseTo(value, 6);
      expect(averaged["enc1.1.running_mean"]!.data).not.toEqual(trainer.buffers["enc1.1.running_mean"]!.data);
      expect(parseModel(trainer.exportModel()).initializers.get(name)!.data).toEqual(averaged[name]!.data);
      const trained = parseModel(trainer.exportModel({ weights: "trained" })).initializers.get(name)!.data;
      expect(trained).toEqual(trainer.parameters[name]!.data);
      const { images } = squares(9);
      expect(await trainer.logits(images)).not.toEqual(await trainer.logits(images, { weights: "trained" }));
    });
    await withTrainer({}, async (trainer) => {
      expect(() => trainer.weights({ weights: "averaged" })).toThrow("averages need option ema");
    });
  });

  it("resumed after any step, with everything on, is as if never stopped", async () => {
    const options: Partial<TrainerOptions> = {
      accumulate: 3,
      ema: 0.9,
      clipNorm: 0.5,
      groups: [{ match: ["head*"], learningRate: 0.05 }],
      trainable: { exclude: ["enc1*"] },
    };
    const steps = 7;
    const end = join(folder, "end");
    await withTrainer(options, async (trainer) => {
      for (let i = 0; i < steps; i++) {
        await trainer.save(join(folder, `at.${i}`));
        await trainer.step(squares(i));
      }
      await trainer.save(end);
    });
    await withTrainer(options, async (trainer) => {
      for (let k = 0; k < steps; k++) {
        expect((await trainer.restore(join(folder, `at.${k}`))).differences).toEqual([]);
        expect(trainer.pending).toBe(k % 3);
        for (let i = k; i < steps; i++) await trainer.step(squares(i));
        await trainer.save(join(folder, "again"));
        expect((await readFile(join(folder, "again"))).equals(await readFile(end)), `after ${k}`).toBe(true);
      }
    });
    await withTrainer({ ...options, clipNorm: 1 }, async (trainer) => {
      const { differences } = await trainer.restore(end);
      expect(differences).toHaveLength(1);
      expect(differences[0]).toMatch(/^settings: checkpoint .*"clipNorm":0.5.*, now .*"clipNorm":1.*$/);
    });
    await withTrainer({ ...options, ema: undefined }, (trainer) =>
      expect(trainer.restore(end)).rejects.toThrow("averaged/bottleneck.0.weight is unknown"),
    );
  });
});

/** Builds two heads, one of them of half the size and with a softmax. */
function twoHeads(): Graph {
  const model = new Graph("two heads");
  const image = model.input("image", "float32", dims);
  const random = Random.fromSeed(4);
  const weight = (name: string, shape: readonly number[]): Value => {
    const array = zeros("float32", shape);
    for (let i = 0; i < array.data.length; i++) array.data[i] = 0.3 * random.normal();
    return model.initializer(name, array);
  };
  const pads = { pads: [1, 1, 1, 1] };
  const features = ops.Relu(ops.Conv(image, weight("body", [4, 1, 3, 3]), undefined, pads));
  model.output("logits", ops.Conv(features, weight("head", [2, 4, 1, 1]), undefined, {}));
  const half = ops.AveragePool(features, { kernel_shape: [2, 2], strides: [2, 2] });
  model.output("deep", ops.Softmax(ops.Conv(half, weight("aux", [2, 4, 1, 1]), undefined, {}), 1));
  return model;
}

describe("several outputs", () => {
  const model = serializeModel(twoHeads());
  const batch = squares(5);
  const options = { model, optimizer: sgd({ learningRate: 0.1 }) };

  it("weighs their losses", async () => {
    const of = (outputs: Record<string, number>) =>
      withTrainer(
        { ...options, outputs },
        async (trainer) => [await trainer.gradients(batch), await trainer.step(batch)] as const,
      );
    const [main] = await of({ logits: 1 });
    const [deep] = await of({ deep: 1 });
    const [both, { loss, terms }] = await of({ logits: 1, deep: 0.4 });
    expect(Object.keys(main).sort()).toEqual(["body", "head"]);
    expect(Object.keys(both).sort()).toEqual(["aux", "body", "head"]);
    both.body!.data.forEach((value, i) => {
      expect(value).toBeCloseTo(main.body!.data[i]! + 0.4 * deep.body!.data[i]!, 6);
    });
    expect(loss).toBeCloseTo(terms.crossEntropy! + 0.4 * terms["output/deep/logits"]!, 6);
  });

  it("validates and predicts the first, and keeps the file as it was", async () => {
    await withTrainer({ ...options, outputs: { logits: 1, deep: 0.4 } }, async (trainer) => {
      for (let i = 0; i < 3; i++) await trainer.step(batch);
      const session = await createSession(trainer.exportModel(), { threads: 1 });
      const { logits, deep } = await session.run({ image: batch.images });
      await session.close();
      expect(greatest(await trainer.logits(batch.images), logits as Tensor<"float32">)).toBeLessThan(1e-6);
      expect(greatest((await trainer.evaluateLoss(batch)).logits, logits as Tensor<"float32">)).toBeLessThan(
        1e-6,
      );
      expect(deep!.dims).toEqual([2, 2, 8, 8]);
    });
  });

  it.each<[Partial<TrainerOptions>, string]>([
    [{}, "outputs: choose among logits float32 [2, 2, 16, 16]; deep float32 [2, 2, 8, 8]"],
    [{ outputs: { logit: 1 } }, "outputs: expected names among logits, deep, got logit"],
    [{ outputs: { logits: -1 } }, "outputs.logits: expected a weight of 0 or more, got -1"],
    [{ outputs: { logits: 0 } }, "outputs: every weight is 0"],
    [{ outputs: { logits: 1 }, ema: 1 }, "ema: expected a decay from 0 to below 1, got 1"],
    [
      { outputs: { logits: 1 }, batchNorm: "off" as "frozen" },
      "batchNorm: expected update or frozen, got off",
    ],
  ])("refuses %j", async (change, message) => {
    await expect(withTrainer({ ...options, ...change }, async () => 0)).rejects.toThrow(message);
  });
});

describe("channels last", () => {
  it("trains a network whose image and classes come last", async () => {
    const model = new Graph("nhwc");
    const image = model.input("image", "float32", [2, 16, 16, 1]);
    const kernel = model.initializer("kernel", tensor("float32", Float32Array.of(0.5, -0.5), [1, 2]));
    const bias = model.initializer("bias", zeros("float32", [2]));
    model.output("probs", ops.Softmax(ops.Add(ops.MatMul(image, kernel), bias), 3));
    const bytes = serializeModel(model);
    const ends = { channelAxis: -1, classAxis: -1 };
    await withTrainer({ model: bytes, ...ends, optimizer: adamW({ learningRate: 0.1 }) }, async (trainer) => {
      const batch = squares(3);
      const first = await trainer.step(batch);
      for (let i = 0; i < 40; i++) await trainer.step(batch);
      expect((await trainer.evaluateLoss(batch)).loss).toBeLessThan(0.6 * first.loss);
      expect(parseModel(trainer.exportModel()).inputs[0]!.dims).toEqual([2, 16, 16, 1]);
      expect(rolesOf(model).parameters).toEqual(["kernel", "bias"]);
    });
  });
});

describe("early stopping", () => {
  const options = {
    train: { epoch: (epoch: number) => [squares(epoch)] },
    validation: { epoch: () => [squares(99)] },
    epochs: 30,
  };

  it("stops when patience has run out, resumed or not, and stays stopped", async () => {
    const place = join(folder, "patience");
    // A rate that overshoots: the validation loss soon gets worse.
    const settings = { optimizer: sgd({ learningRate: 0.8 }), seed: 1 };
    const whole = await withTrainer(settings, (trainer) =>
      fit(trainer, { ...options, patience: 3, folder: place }),
    );
    expect(whole.stoppedEarly).toBe(true);
    expect(whole.history.length).toBe(whole.bestEpoch + 3);
    const log = await readFile(join(place, "log.csv"));
    const again = await withTrainer(settings, (trainer) =>
      fit(trainer, { ...options, patience: 3, folder: place, resume: true }),
    );
    expect(again).toEqual(whole);
    const other = join(folder, "patience-parts");
    for (const epochs of [1, whole.bestEpoch + 1, 30]) {
      await withTrainer(settings, (trainer) =>
        fit(trainer, { ...options, epochs, patience: 3, folder: other, resume: epochs > 1 }),
      );
    }
    expect((await readFile(join(other, "log.csv"))).equals(log)).toBe(true);
  });

  it.each<[object, string]>([
    [{ patience: 0 }, "patience: expected an integer of 1 or more"],
    [{ patience: 2, validation: undefined }, "patience: needs validation"],
  ])("refuses %j", async (change, message) => {
    await withTrainer({}, (trainer) =>
      expect(fit(trainer, { ...options, ...change })).rejects.toThrow(message),
    );
  });
});
