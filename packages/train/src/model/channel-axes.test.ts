import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, type Value } from "@pixelcal/graph";
import { describe, expect, test } from "vitest";
import { checkModel } from "../check/check-model.js";
import { Network } from "../predict/network.js";
import { imageChannelAxis, outputChannelAxis } from "./channel-axes.js";
import { modelClasses } from "./source.js";

type Step = (value: Value) => Value;

const weights = (graph: Graph, dims: readonly number[]): Value => {
  const count = dims.reduce((a, b) => a * b, 1);
  return graph.initializer(
    "w",
    tensor(
      "float32",
      Float32Array.from({ length: count }, (_, i) => Math.sin(i)),
      dims,
    ),
  );
};

/** A network of one layer between what an exporter writes before and after it. */
function network(dims: readonly number[], before: Step, after: Step): Graph {
  const graph = new Graph("layer");
  const inner = before(graph.input("image", "float32", dims));
  const kernel = inner.dims.slice(2).map(() => 3);
  const pads = [...kernel, ...kernel].map(() => 1);
  const y = ops.Conv(inner, weights(graph, [2, inner.dims[1]!, ...kernel]), undefined, { pads });
  graph.output("segment", after(y));
  return graph;
}

const same: Step = (value) => value;
const toFirst: Step = (value) => ops.Transpose(value, [0, 3, 1, 2]);
const toLast: Step = (value) => ops.Transpose(value, [0, 2, 3, 1]);

const networks: readonly (readonly [string, Graph, image: number | undefined, output: number | undefined])[] =
  [
    ["channels first", network([1, 3, 8, 6], same, same), 1, 1],
    ["Transpose nodes", network([1, 8, 6, 3], toFirst, toLast), 3, 3],
    ["a Transpose at the image alone", network([1, 8, 6, 3], toFirst, same), 3, 1],
    ["a Transpose at the output alone", network([1, 3, 8, 6], same, toLast), 1, 3],
    [
      "a Reshape that moves one channel",
      network(
        [1, 8, 6, 1],
        (x) => ops.Reshape(x, [1, 1, 8, 6]),
        (y) => ops.Relu(toLast(y)),
      ),
      3,
      3,
    ],
    [
      "scaling before and Transpose nodes",
      network(
        [1, 8, 6, 3],
        (x) => toFirst(ops.Sub(ops.Mul(x, 2), 1)),
        (y) => ops.Add(toLast(y), 1),
      ),
      3,
      3,
    ],
    [
      "three dimensions",
      network(
        [1, 4, 8, 6, 3],
        (x) => ops.Transpose(x, [0, 4, 1, 2, 3]),
        (y) => ops.Transpose(y, [0, 2, 3, 4, 1]),
      ),
      4,
      4,
    ],
    // Slices of a volume as channels: no axis of the image was moved.
    ["an axis that is dropped", network([1, 1, 3, 8, 6], (x) => ops.Squeeze(x, [1]), same), undefined, 1],
  ];

describe.each(networks)("%s", (_, graph, image, output) => {
  test("the axis that layers take for the channels", () => {
    expect(imageChannelAxis(graph)).toBe(image);
    expect(outputChannelAxis(graph.outputs.get("segment")!)).toBe(output);
  });
});

const keras = serializeModel(network([1, 8, 6, 3], toFirst, toLast));

test("a network with channels last is refused without the axes, in training and prediction", async () => {
  expect(() => modelClasses(keras, [1, 8, 6, 3])).toThrow(
    "channelAxis: expected -1, as its first layer takes the last axis of image for channels, got 1",
  );
  expect(() => modelClasses(keras, [1, 3, 8, 6], { channelAxis: -1 })).toThrow(
    "classAxis: expected -1, as its last layer has the last axis of segment for channels, got 1",
  );
  expect(modelClasses(keras, [1, 3, 8, 6], { channelAxis: -1, classAxis: -1 })).toBe(2);
  const predictor = new Network({ model: keras, threads: 1 });
  const image = tensor("float32", new Float32Array(144), [1, 8, 6, 3]);
  await expect(predictor.predict(image)).rejects.toThrow("channelAxis: expected -1");
  await predictor.close();
});

test("check finds the axes, and says nothing of the usual ones", async () => {
  const found = async (graph: Graph) => {
    const { trainable, classes, dims, found } = await checkModel(serializeModel(graph), { threads: 1 });
    return { trainable, classes, dims, found };
  };
  const dims = [1, 3, 8, 6];
  expect(await found(networks[1]![1])).toEqual({
    trainable: true,
    classes: 2,
    dims,
    found: { channelAxis: -1, classAxis: -1 },
  });
  expect(await found(networks[2]![1])).toEqual({
    trainable: true,
    classes: 2,
    dims,
    found: { channelAxis: -1, classAxis: 1 },
  });
  expect(await found(networks[0]![1])).toEqual({ trainable: true, classes: 2, dims, found: undefined });
});
