import { type DataType, tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { Graph, gradients, interpret, lower, ops, trainingForm } from "../index.js";
import { difference } from "../testing/index.js";

const noise = (dims: readonly number[]) => {
  const length = dims.reduce((a, b) => a * b, 1);
  return tensor(
    "float64",
    Float64Array.from({ length }, (_, i) => Math.sin(17 * i + dims.length)),
    dims,
  );
};

/**
 * Builds convolution, batch norm and ReLU, pooled to half the size, twice, with the gradients of all that is
 * trained.
 */
function network(type: DataType): Graph {
  const model = new Graph("network");
  let x = model.input("image", type, [2, 2, 8, 8]);
  const trained: string[] = [];
  const parameter = (name: string, dims: readonly number[]) => {
    trained.push(name);
    return model.input(name, type, dims);
  };
  for (const level of [1, 2]) {
    const weight = parameter(`weight${level}`, [3, x.dims[1]!, 3, 3]);
    const mean = model.input(`mean${level}`, type, [3]);
    const variance = model.input(`variance${level}`, type, [3]);
    const y = ops.Conv(x, weight, undefined, { pads: [1, 1, 1, 1] });
    const scale = parameter(`scale${level}`, [3]);
    const bias = parameter(`bias${level}`, [3]);
    const normalized = ops.BatchNormalization(y, scale, bias, mean, variance, { epsilon: 1e-5 });
    x = ops.MaxPool(ops.Relu(normalized), { kernel_shape: [2, 2], strides: [2, 2] });
  }
  model.output("y", x);
  const graph = trainingForm(model);
  const loss = ops.ReduceSum(ops.Mul(graph.outputs.get("y")!, graph.outputs.get("y")!));
  for (const [index, slope] of gradients(
    loss,
    trained.map((name) => graph.value(name)!),
  ).entries()) {
    graph.output(`gradient/${trained[index]}`, slope);
  }
  return graph;
}

test("a chain of convolutions, batch norms and pools is the same however it is lowered", () => {
  const graph = network("float64");
  const feeds = Object.fromEntries(graph.inputs.map(({ name, dims }) => [name, noise(dims)]));
  const expected = interpret(graph, feeds);
  for (const device of ["any", "cpu"] as const) {
    const results = interpret(lower(graph, { device }), feeds);
    for (const name of Object.keys(expected)) {
      expect(difference(results[name]!, expected[name]!), `${device} ${name}`).toBeLessThan(1e-10);
    }
  }
});

test("the factor of a batch norm's gradient scales weights, not images, and a gradient's pool is the model's own", () => {
  const lowered = lower(network("float32"), { device: "cpu" });
  const scaledImages = lowered.nodes.filter(
    ({ opType, inputs }) =>
      opType === "Mul" && inputs.map((input) => input!.dims.join()).join(" ") === "2,3,8,8 1,3,1,1",
  );
  expect(scaledImages).toEqual([]);
  expect(lowered.nodes.filter(({ opType }) => opType === "MaxPool")).toHaveLength(2);
});
