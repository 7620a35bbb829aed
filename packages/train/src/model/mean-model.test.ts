import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { Graph, modelMetadata, ops, serializeModel, withMetadata } from "@pixelcal/graph";
import { describe, expect, test } from "vitest";
import { Network } from "../predict/network.js";
import { withProbabilities } from "../predict/probability-graph.js";
import { exportModel } from "./export.js";
import { meanModel } from "./mean-model.js";
import { regionsMetadata } from "./region-heads.js";
import { unet2d } from "./unet2d.js";

const dims = [1, 2, 8, 16];
const image = (count = 1): Tensor<"float32"> =>
  tensor(
    "float32",
    Float32Array.from({ length: count * 256 }, (_, i) => 3 * Math.sin(i)),
    [count, ...dims.slice(1)],
  );

/** Returns an exported U-Net, which ends in logits or in the sigmoids of regions. */
function exported(seed: number, { classes = 3, regions = false, size = dims } = {}): Uint8Array {
  const net = unet2d({ channels: 2, classes, base: 2 });
  const source = (sizes: readonly number[]): Graph => {
    const graph = net.build(sizes, seed);
    return regions ? withProbabilities(graph, "sigmoid", "probabilities") : graph;
  };
  const bytes = exportModel(source, Object.fromEntries(source(size).initializers), { dims: size });
  const heads = Array.from({ length: classes }, (_, c) => ({ name: `part ${c}`, labels: [c + 1] }));
  return regions ? Buffer.concat(withMetadata(bytes, regionsMetadata({ regions: heads }))) : bytes;
}

/** Returns a network without weights whose logits are `factor` times the image. */
function scaled(factor: number): Uint8Array {
  const graph = new Graph("scaled");
  graph.output("logits", ops.Mul(graph.input("image", "float32", dims), factor));
  return serializeModel(graph);
}

async function predicted(model: Uint8Array, images = image()): Promise<Tensor<"float32">> {
  const network = new Network({ model, threads: 1 });
  try {
    return await network.predict(images);
  } finally {
    await network.close();
  }
}

/** Returns the largest difference of numbers from the mean of several. */
function distance(mean: Tensor<"float32">, all: readonly Tensor<"float32">[]): number {
  const differences = Array.from(mean.data, (value, i) =>
    Math.abs(value - all.reduce((sum, { data }) => sum + data[i]!, 0) / all.length),
  );
  return Math.max(...differences);
}

describe("meanModel", () => {
  test("predicts the mean of the networks' probabilities, for any number of images", async () => {
    const models = [1, 2, 3].map((seed) => exported(seed));
    const mean = meanModel(models);
    for (const count of [1, 3]) {
      const all = await Promise.all(models.map((model) => predicted(model, image(count))));
      expect(distance(all[0]!, all)).toBeGreaterThan(0.01);
      expect(distance(await predicted(mean, image(count)), all)).toBeLessThan(1e-6);
    }
  });

  test("predicts the mean of sigmoids for networks of regions, and carries the first one's metadata", async () => {
    const models = [1, 2].map((seed) => exported(seed, { regions: true }));
    const mean = meanModel(models);
    const all = await Promise.all(models.map((model) => predicted(model)));
    expect(distance(all[0]!, all)).toBeGreaterThan(0.01);
    expect(distance(await predicted(mean), all)).toBeLessThan(1e-6);
    expect(modelMetadata(mean)).toEqual(modelMetadata(models[0]!));
    const network = new Network({ model: mean, threads: 1 });
    expect(network.regions?.regions).toHaveLength(3);
    expect(network.activation).toBe("sigmoid");
    await network.close();
  });

  test("has finite logits where the networks are sure, of one another's opposite", async () => {
    const network = new Network({ model: meanModel([scaled(1e4), scaled(-1e4)]), threads: 1 });
    const logits = await network.logits(image());
    expect(logits.data.every(Number.isFinite)).toBe(true);
    const { data } = await network.predict(image());
    // Each is sure of one class, where the image's channels differ.
    expect(data[5]!).toBeCloseTo(0.5, 5);
    await network.close();
  });

  test("refuses networks that do not fit each other", () => {
    expect(() => meanModel([])).toThrow("models: needs at least one model");
    expect(() => meanModel([exported(1), exported(2, { classes: 4 })])).toThrow(
      new InvalidArgumentError("models", "models: expected networks of 3 classes, got 4"),
    );
    expect(() => meanModel([exported(1), exported(1, { size: [1, 2, 16, 16] })])).toThrow("[1, 2, 16, 16]");
  });
});
