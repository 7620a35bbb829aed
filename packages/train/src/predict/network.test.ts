import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { Graph, interpret, ops, serializeModel } from "@pixelcal/graph";
import { crossEntropy } from "@pixelcal/losses";
import { describe, expect, it } from "vitest";
import { modelClasses } from "../model/source.js";
import { plainUnet, residualUnet } from "../model/staged-unet.js";
import { stagesOf } from "../model/stages.js";
import { unet2d } from "../model/unet2d.js";
import { Trainer } from "../trainer/trainer.js";
import { Network } from "./network.js";
import { predict } from "./predict.js";

const model = unet2d({ classes: 3, base: 2, seed: 1 });
const image = (height: number, width: number): Tensor<"float32"> =>
  tensor(
    "float32",
    Float32Array.from({ length: height * width }, (_, i) => Math.sin(i)),
    [1, 1, height, width],
  );

describe("Network", () => {
  it("answers many sizes at once", async () => {
    const sizes = [
      [8, 8],
      [16, 8],
      [8, 24],
      [9, 9],
      [32, 8],
      [11, 17],
      [8, 8],
    ] as const;
    const network = new Network({ model, threads: 1 });
    const results = await Promise.all(sizes.map(([height, width]) => network.predict(image(height, width))));
    expect(results.map(({ dims }) => dims)).toEqual(sizes.map((size) => [1, 3, ...size]));
    expect(results[6]).toEqual(results[0]);
    await network[Symbol.asyncDispose]();
  });

  it.each([2, 3])(
    "predicts the softmax of its logits, also of large ones, in %i dimensions",
    async (rank) => {
      const dims = [2, 3, 4, 5, 2].slice(0, rank + 2);
      const graph = new Graph("identity");
      graph.output("logits", ops.Mul(graph.input("image", "float32", dims), 1));
      const logits = tensor(
        "float32",
        Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) =>
          i % 7 === 0 ? 1000 : 3 * Math.sin(i),
        ),
        dims,
      );
      const network = new Network({ model: graph, threads: 1 });
      expect(await network.logits(logits)).toEqual(logits);
      const probs = await network.predict(logits);
      expect(probs.dims).toEqual(dims);
      const pixels = dims.slice(2).reduce((a, b) => a * b);
      for (let i = 0; i < probs.data.length; i++) {
        const first = Math.floor(i / (3 * pixels)) * 3 * pixels + (i % pixels);
        const all = [0, 1, 2].map((c) => logits.data[first + c * pixels]!);
        const highest = Math.max(...all);
        const total = all.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
        expect(Math.abs(probs.data[i]! - Math.exp(logits.data[i]! - highest) / total)).toBeLessThan(1e-6);
      }
      await network.close();
    },
  );

  it.each([
    ["plain", plainUnet],
    ["residual", residualUnet],
  ] as const)("predicts volumes as the interpreter does: %s network", async (_, unet) => {
    const dims = [1, 1, 8, 16, 16];
    const volumes = unet({ dimensions: 3, classes: 3, base: 16, ...stagesOf(dims.slice(2)), seed: 3 });
    const pixels = Float32Array.from({ length: 2048 }, (_, i) => Math.sin(i));
    const graph = volumes.build(dims);
    const [input, output] = [graph.inputs[0]!.name, [...graph.outputs.keys()][0]!];
    const expected = interpret(graph, { [input]: tensor("float32", pixels, dims) })[output]!;
    await using network = new Network({ model: volumes, threads: 1 });
    const { data } = await network.logits(tensor("float32", pixels, dims));
    expect(data).toHaveLength(expected.data.length);
    for (const [i, value] of data.entries())
      expect(Math.abs(value - Number(expected.data[i]))).toBeLessThan(1e-4);
  });

  it("gives probabilities, whole or by tiles of a fixed size", async () => {
    const network = new Network({ model, threads: 1 });
    const { data, dims } = image(20, 28);
    for (const options of [{}, { tile: [16, 16] }]) {
      const probs = await predict(network, tensor("float32", data, dims.slice(1)), options);
      expect(probs.dims).toEqual([3, 20, 28]);
      for (let i = 0; i < 560; i++) {
        expect(probs.data[i]! + probs.data[560 + i]! + probs.data[1120 + i]!).toBeCloseTo(1, 5);
      }
    }
    await network.close();
  });

  it("gives the sigmoids of a file whose classes may overlap, whole, mirrored or by tiles", async () => {
    const graph = new Graph("labels");
    const x = graph.input("image", "float32", [1, 1, 8, 12]);
    const weight = tensor("float32", Float32Array.of(2, 1.5, -1), [3, 1, 1, 1]);
    graph.output("probs", ops.Sigmoid(ops.Conv(x, graph.initializer("w", weight))));
    const bytes = serializeModel(graph, { dims: { image: [1, 1, "H", "W"], probs: [1, 3, "H", "W"] } });
    const { data, dims } = image(8, 12);
    const network = new Network({ model: bytes, threads: 1 });
    for (const options of [{}, { flips: [0, 1] }, { tile: [4, 4] }]) {
      const probs = await predict(network, tensor("float32", data, dims.slice(1)), options);
      expect(network.activation).toBe("sigmoid");
      expect(probs.dims).toEqual([3, 8, 12]);
      for (let i = 0; i < probs.data.length; i++) {
        const logit = weight.data[Math.floor(i / 96)]! * data[i % 96]!;
        expect(probs.data[i]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 5);
      }
    }
    await network.close();
    const refused = "a sigmoid of 3 channels in probs: multi-label outputs";
    const training = { model: bytes, loss: crossEntropy(), batch: [1, 1, 8, 12], threads: 1 };
    await expect(Trainer.create(training)).rejects.toThrow(refused);
    expect(() => modelClasses(bytes, [1, 1, 8, 12])).toThrow(refused);
    const softmax = new Network({ model, threads: 1 });
    expect(softmax.activation).toBe(undefined);
    await softmax.predict(image(8, 8));
    expect(softmax.activation).toBe("softmax");
    await softmax.close();
  });

  it("rejects arrays of another model and images it cannot take", async () => {
    const other = Object.fromEntries(unet2d({ classes: 2, base: 2 }).build([1, 1, 8, 8]).initializers);
    const wrong = new Network({ model, arrays: other });
    await expect(wrong.predict(image(8, 8))).rejects.toThrow("head.weight: expected float32 [3, 2, 1, 1]");
    const network = new Network({ model });
    await expect(network.predict(image(4, 8))).rejects.toThrow(InvalidArgumentError);
    const channels = tensor("float32", new Float32Array(128), [1, 2, 8, 8]);
    await expect(network.predict(channels)).rejects.toThrow("image: expected [N, 1, 8 or more, 8 or more]");
    await network.close();
  });
});
