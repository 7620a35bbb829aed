import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, type Value } from "@pixelcal/graph";
import { crossEntropy } from "@pixelcal/losses";
import { afterAll, describe, expect, test } from "vitest";
import { checkModel } from "../check/check-model.js";
import { Network } from "../predict/network.js";
import { Trainer } from "../trainer/trainer.js";
import { modelClasses } from "./source.js";

/** A group norm as torch.onnx.export writes it: the batch of its example stands in the Reshape nodes. */
function groupNormNetwork(batch: number, last: readonly number[] = [batch, 4, 8, 8]): Uint8Array {
  const graph = new Graph("baked");
  const weight = (name: string, dims: readonly number[], shift = 0): Value => {
    const count = dims.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: count }, (_, i) => Math.sin(i + count) + shift);
    return graph.initializer(name, tensor("float32", data, dims));
  };
  const image = graph.input("image", "float32", [batch, 1, 8, 8]);
  const features = ops.Conv(image, weight("c.weight", [4, 1, 3, 3]), weight("c.bias", [4]), {
    pads: [1, 1, 1, 1],
  });
  const joined = ops.Reshape(features, [batch, 2, -1]);
  const normal = ops.InstanceNormalization(joined, weight("n.scale", [2], 2), weight("n.bias", [2]));
  const apart = ops.Reshape(normal, last);
  graph.output("logits", ops.Conv(ops.Relu(apart), weight("o.weight", [2, 4, 1, 1])));
  return serializeModel(graph);
}

const images = (count: number) =>
  tensor(
    "float32",
    Float32Array.from({ length: count * 64 }, (_, i) => Math.sin(i * i)),
    [count, 1, 8, 8],
  );

/** Networks whose Reshape nodes hold a batch; the second, laid out for more, joins channels of several. */
const networks = [
  ["with the batch in every Reshape", groupNormNetwork(1)],
  ["with the batch in one Reshape", groupNormNetwork(1, [-1, 4, 8, 8])],
] as const;

describe.each(networks)("a network %s", (_, model) => {
  const network = new Network({ model, threads: 1 });
  afterAll(() => network.close());

  test("predicts a batch as its images one by one", async () => {
    const all = await network.logits(images(3));
    const each = [0, 1, 2].map((n) =>
      network.logits(tensor("float32", images(3).data.slice(n * 64, (n + 1) * 64), [1, 1, 8, 8])),
    );
    const alone = (await Promise.all(each)).flatMap(({ data }) => [...data]);
    expect(all.dims).toEqual([3, 2, 8, 8]);
    expect(Math.max(...alone.map((value, i) => Math.abs(value - all.data[i]!)))).toBeLessThan(1e-5);
  });

  test("trains on a batch by the mean of its images' gradients", async () => {
    const gradients = async (count: number, from: number) => {
      const trainer = await Trainer.create({
        model,
        loss: crossEntropy(),
        batch: [count, 1, 8, 8],
        threads: 1,
      });
      const part = images(4).data.slice(from * 64, (from + count) * 64);
      const labels = Uint8Array.from({ length: count * 64 }, (_, i) => (i + from * 64) % 2);
      try {
        return await trainer.gradients({
          images: tensor("float32", part, [count, 1, 8, 8]),
          labels: tensor("uint8", labels, [count, 8, 8]),
        });
      } finally {
        await trainer.close();
      }
    };
    const both = await gradients(2, 0);
    const [a, b] = [await gradients(1, 0), await gradients(1, 1)];
    for (const [name, { data }] of Object.entries(both))
      for (const [i, value] of data.entries())
        expect(value, name).toBeCloseTo((a[name]!.data[i]! + b[name]!.data[i]!) / 2, 5);
  });

  test("is checked at a batch of two", async () => {
    const report = await checkModel(model, { dims: [2, 1, 8, 8], threads: 1 });
    expect([report.problems, report.trainable]).toEqual([[], true]);
  });
});

test("a network written for two images takes multiples of two alone", () => {
  const model = groupNormNetwork(2);
  expect([2, 4, 6].map((count) => modelClasses(model, [count, 1, 8, 8]))).toEqual([2, 2, 2]);
  for (const count of [1, 3])
    expect(() => modelClasses(model, [count, 1, 8, 8])).toThrow(
      `image: the model cannot take [${count}, 1, 8, 8]: batch: the file is written for batches of 2 images; use a multiple of 2`,
    );
});

test("a network that declares two images and holds no batch takes any number", () => {
  const graph = new Graph("free");
  const image = graph.input("image", "float32", [2, 1, 8, 8]);
  const w = graph.initializer("w", tensor("float32", Float32Array.of(1, -1), [2, 1, 1, 1]));
  const small = ops.Resize(ops.Conv(image, w), { scales: [1, 1, 0.5, 0.5], mode: "linear" });
  graph.output("logits", ops.Reshape(small, [0, 2, 4, -1]));
  for (const count of [1, 2, 3]) expect(modelClasses(serializeModel(graph), [count, 1, 8, 8])).toBe(2);
});

test("a size that the network cannot take is named as before", () => {
  expect(() => modelClasses(groupNormNetwork(1), [2, 1, 16, 16])).toThrow(
    /image: the model cannot take \[2, 1, 16, 16\]/,
  );
});
