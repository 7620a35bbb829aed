import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import { interpret, parseModel, toNumbers } from "@pixelcal/graph";
import { diceCrossEntropy } from "@pixelcal/losses";
import { describe, expect, it, test } from "vitest";
import { Network } from "../predict/network.js";
import { createSession } from "../runtime/session.js";
import { buildStepGraph, gradientOutput } from "../trainer/step-graph.js";
import { Trainer } from "../trainer/trainer.js";
import { greatest, squares } from "../trainer/training.test.helper.js";
import type { Model } from "./model.js";
import { plainUnet, residualUnet, type StagedUNetOptions } from "./staged-unet.js";
import { unet2d } from "./unet2d.js";

const anisotropic = {
  dimensions: 3,
  classes: 2,
  base: 2,
  strides: [
    [1, 2, 2],
    [2, 2, 2],
    [1, 2, 2],
  ],
  kernels: [
    [1, 3, 3],
    [3, 3, 3],
    [3, 3, 3],
    [3, 3, 3],
  ],
} as const satisfies StagedUNetOptions;
const flat = {
  dimensions: 2,
  classes: 3,
  base: 2,
  strides: [
    [2, 2],
    [2, 1],
    [2, 2],
  ],
} as const satisfies StagedUNetOptions;

const models: readonly { readonly model: Model; readonly dims: readonly number[] }[] = [
  { model: plainUnet(flat), dims: [2, 1, 17, 12] },
  { model: plainUnet(anisotropic), dims: [1, 1, 4, 16, 9] },
  { model: residualUnet({ ...flat, blocks: [1, 1, 2, 1] }), dims: [2, 1, 16, 12] },
  { model: residualUnet({ ...anisotropic, blocks: [1, 1, 1, 1] }), dims: [1, 1, 2, 8, 16] },
  { model: unet2d({ classes: 2, base: 2, deepSupervision: true }), dims: [2, 1, 16, 16] },
];

/** Feeds of a step: weights, an image of numbers that look random, and labels in stripes. */
function feedsOf({ model, dims }: (typeof models)[number]): Record<string, Tensor> {
  const graph = model.supervision!.build(dims);
  const pixels = dims.slice(2).reduce((a, b) => a * b, 1);
  const image = Float32Array.from({ length: dims[0]! * pixels }, (_, i) => Math.sin(12.9898 * i) * 1.5);
  const labels = Int32Array.from({ length: dims[0]! * pixels }, (_, i) => (i >> 2) % model.classes);
  return {
    ...Object.fromEntries(graph.initializers),
    image: { type: "float32", dims, data: image },
    "target/labels": { type: "int32", dims: [dims[0]!, ...dims.slice(2)], data: labels },
  };
}

const stepOf = ({ model, dims }: (typeof models)[number], trainable: readonly string[]) =>
  buildStepGraph(model.supervision!.build(dims), {
    loss: diceCrossEntropy(),
    trainable,
    weights: Object.values(model.supervision!.weights),
  });

describe.each(models)("a step of $model.name on [$dims]", (entry) => {
  const { model, dims } = entry;
  const graph = model.supervision!.build(dims);
  const trainable = [...graph.initializers.keys()].filter((name) => !name.includes("running_"));
  const step = stepOf(entry, trainable);
  const feeds = feedsOf(entry);

  it("has a head in the loss for every level but the coarsest", () => {
    expect([...graph.outputs.keys()]).toEqual(["logits", "logits2"]);
    for (const { dims: found } of graph.outputs.values())
      expect(found).toEqual([dims[0], model.classes, ...dims.slice(2)]);
    expect(model.supervision!.weights).toEqual({ logits: 2 / 3, logits2: 1 / 3 });
  });

  it("has the gradients of central differences", () => {
    const outputs = interpret(step, feeds);
    const lossAt = (name: string, at: number, by: number): number => {
      const weights = feeds[name]!;
      const moved = {
        ...weights,
        data: Float64Array.from(weights.data as Float32Array),
      } as unknown as Tensor;
      (moved.data as Float64Array)[at]! += by;
      return toNumbers(interpret(step, { ...feeds, [name]: moved }).loss!)[0]!;
    };
    // One weight of every third array, of all kinds of layers.
    for (const [index, name] of trainable.entries()) {
      if (index % 3 !== 0) continue;
      const gradient = toNumbers(outputs[gradientOutput(name)]!);
      const at = (7 * index) % gradient.length;
      const numeric = (lossAt(name, at, 1e-5) - lossAt(name, at, -1e-5)) / 2e-5;
      expect(Math.abs(gradient[at]! - numeric), `${name}[${at}]`).toBeLessThan(
        1e-5 + 1e-3 * Math.abs(numeric),
      );
    }
  });

  it("is the same in onnxruntime", async () => {
    const expected = interpret(step, feeds);
    const session = await createSession(step, { threads: 1 });
    const found = await session.run(feeds);
    await session.close();
    for (const [name, { data }] of Object.entries(found)) {
      const wanted = toNumbers(expected[name]!);
      const scale = Math.max(1e-2, ...wanted.map(Math.abs));
      for (const [i, value] of toNumbers({ ...expected[name]!, type: "float32", data } as Tensor).entries())
        expect(Math.abs(value - wanted[i]!), `${name}[${i}]`).toBeLessThan(5e-4 * scale);
    }
  });
});

describe("training with deep supervision", () => {
  test.each([
    plainUnet({ ...flat, classes: 2, base: 4, seed: 3 }),
    residualUnet({ ...flat, classes: 2, base: 4, blocks: [1, 1, 1, 1], seed: 3 }),
    unet2d({ classes: 2, base: 2, deepSupervision: true, seed: 3 }),
  ])("$name learns, and is exported without the other heads", async (model) => {
    const trainer = await Trainer.create({
      model,
      loss: diceCrossEntropy(),
      batch: [2, 1, 16, 16],
      threads: 1,
    });
    const batch = squares(1);
    const first = await trainer.step(batch);
    expect(Object.keys(first.terms)).toContain("output/logits2");
    const { loss } = await trainer.evaluateLoss(batch);
    for (let i = 0; i < 30; i++) await trainer.step(batch);
    expect((await trainer.evaluateLoss(batch)).loss).toBeLessThan(loss);

    const bytes = trainer.exportModel();
    const exported = parseModel(bytes, { shapes: { "": [1, 1, 16, 16] } });
    expect([...exported.outputs.keys()]).toEqual(["logits"]);
    expect([...exported.initializers.keys()].some((name) => name.startsWith("head2"))).toBe(false);
    const network = new Network({ model: bytes, threads: 1 });
    const predicted = await network.predict(batch.images);
    expect(greatest(predicted, await trainer.predict(batch.images))).toBeLessThan(1e-5);
    await Promise.all([network.close(), trainer.close()]);
  });

  it("takes other weights for the same heads alone", async () => {
    const model = plainUnet({ ...flat, classes: 2 });
    const options = { model, loss: diceCrossEntropy(), batch: [1, 1, 16, 16], threads: 1 };
    await expect(Trainer.create({ ...options, outputs: { logits: 1 } })).rejects.toThrow(
      "outputs: expected weights of logits, logits2, in this order, got logits",
    );
    const trainer = await Trainer.create({ ...options, outputs: { logits: 1, logits2: 0 } });
    const { loss, terms } = await trainer.step(squares(1, 1));
    expect(loss).toBeCloseTo(terms.dice! + terms.crossEntropy!, 5);
    await trainer.close();
  });
});

describe("staged networks", () => {
  /** Parameters counted layer by layer: convolutions with biases, norms, heads. */
  function counted(
    widths: readonly number[],
    taps: readonly number[],
    { classes = 2, strideTaps = 8 } = {},
  ): number {
    const unit = (from: number, to: number, kernel: number): number => from * to * kernel + to + 2 * to;
    let sum = 0;
    widths.forEach((width, stage) => {
      sum +=
        unit(stage === 0 ? 1 : widths[stage - 1]!, width, taps[stage]!) + unit(width, width, taps[stage]!);
      if (stage === widths.length - 1) return;
      sum += widths[stage + 1]! * width * strideTaps + width;
      sum += unit(2 * width, width, taps[stage]!) + unit(width, width, taps[stage]!);
      if (stage < Math.max(1, widths.length - 2)) sum += width * classes + classes;
    });
    return sum;
  }
  const sizeOf = (model: Model, dims: readonly number[]): number =>
    [...model.supervision!.build(dims).initializers.values()].reduce((sum, { data }) => sum + data.length, 0);

  it("has the parameters of nnU-Net's network, at most 320 channels in 3-D", () => {
    const model = plainUnet({ dimensions: 3, classes: 2 });
    const count = counted([32, 64, 128, 256, 320], Array(5).fill(27));
    expect(sizeOf(model, [1, 1, 32, 32, 32])).toBe(count);
    // nnU-Net's 3d_fullres network of the hippocampus: two classes and background, four stages.
    const three = plainUnet({ dimensions: 3, classes: 3, strides: Array(3).fill([2, 2, 2]) });
    expect(sizeOf(three, [1, 1, 40, 56, 40])).toBe(
      counted([32, 64, 128, 256], Array(4).fill(27), { classes: 3 }),
    );
  });

  it("begins with He's distribution, norms with 1 and biases with 0", () => {
    const { initializers } = plainUnet({ dimensions: 2, classes: 2, base: 16 }).build([1, 1, 32, 32]);
    const weight = initializers.get("enc2.1.conv.weight")!.data as Float32Array;
    const variance = weight.reduce((sum, value) => sum + value * value, 0) / weight.length;
    expect(variance * 32 * 9).toBeCloseTo(2 / (1 + 0.01 ** 2), 1);
    expect(new Set(initializers.get("enc2.1.conv.bias")!.data as Float32Array)).toEqual(new Set([0]));
    expect(new Set(initializers.get("enc2.1.norm.weight")!.data as Float32Array)).toEqual(new Set([1]));
  });

  it.each<[string, () => unknown]>([
    ["dimensions", () => plainUnet({ dimensions: 1 as 2, classes: 2 })],
    ["classes", () => plainUnet({ dimensions: 2, classes: 0 })],
    ["strides", () => plainUnet({ dimensions: 2, classes: 2, strides: [[2, 2, 2]] })],
    ["strides", () => plainUnet({ dimensions: 2, classes: 2, strides: [[3, 2]] })],
    ["kernels", () => plainUnet({ dimensions: 2, classes: 2, strides: [[2, 2]], kernels: [[3, 3]] })],
    ["blocks", () => residualUnet({ dimensions: 2, classes: 2, blocks: [1] })],
    ["image", () => plainUnet({ dimensions: 2, classes: 2 }).build([1, 1, 16, 16])],
    ["image", () => plainUnet({ dimensions: 2, classes: 2 }).build([1, 2, 32, 32])],
  ])("rejects a bad %s", (argument, make) => {
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(`${argument}: expected`);
  });
});
