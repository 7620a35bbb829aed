import { expect, test } from "vitest";
import { Graph, interpret, Layers, lower, ops, trainingForm, updatedName } from "./index.js";
import { difference, floats, numbers } from "./testing/index.js";

function normalized(dims: readonly number[], momentum?: number): Graph {
  const graph = new Graph();
  const x = graph.input("x", "float32", dims);
  const layers = new Layers(graph, (_, shape) => floats([], shape));
  graph.output("y", layers.batchNorm("norm", x, { momentum, epsilon: 0 }));
  return graph;
}

const x = floats([1, 2, 3, 6, 10, 10, 20, 20], [2, 2, 2]);

// Channel 0 holds 1 2 10 10, channel 1 holds 3 6 20 20.
const means = [23 / 4, 49 / 4];
const squares = [(1 + 4 + 200) / 4, (9 + 36 + 800) / 4];
const variances = squares.map((square, c) => square - means[c]! ** 2);

test.each([undefined, 0.75])("batch statistics, and running ones after PyTorch (momentum %s)", (momentum) => {
  const form = trainingForm(normalized(x.dims, momentum));
  const names = ["y", "norm.running_mean.next", "norm.running_var.next"];
  expect([...form.outputs.keys()]).toEqual(names);
  expect(names.slice(1)).toEqual(["norm.running_mean", "norm.running_var"].map(updatedName));
  const expected = Array.from(x.data, (value, at) => {
    const c = Math.floor(at / 2) % 2;
    return (value - means[c]!) / Math.sqrt(variances[c]!);
  });
  const keep = momentum ?? 0.9;
  for (const graph of [form, lower(form), lower(form, { device: "cpu" })]) {
    const results = interpret(graph, { x });
    expect(difference(results.y!, expected)).toBeLessThan(1e-7);
    expect(
      difference(
        results[names[1]!]!,
        means.map((mean) => mean * (1 - keep)),
      ),
    ).toBeLessThan(1e-6);
    const unbiased = variances.map((variance) => keep + ((variance * 4) / 3) * (1 - keep));
    expect(difference(results[names[2]!]!, unbiased)).toBeLessThan(1e-6);
  }
});

test("lower can do it in the same go", () => {
  const graph = lower(normalized(x.dims), { training: true });
  expect([...graph.outputs.keys()]).toEqual(["y", "norm.running_mean.next", "norm.running_var.next"]);
  expect(graph.nodes.every((node) => node.domain === "")).toBe(true);
});

test("a mean far from zero costs no digits of the variance", () => {
  const shifted = { ...x, data: x.data.map((value) => value + 1000) };
  const graph = lower(trainingForm(normalized(x.dims)));
  expect(difference(interpret(graph, { x: shifted }).y!, numbers(interpret(graph, { x }).y!))).toBeLessThan(
    1e-9,
  );
});

test("a norm that is in training mode already is left as it is", () => {
  const graph = new Graph();
  const weight = graph.input("w", "float32", [1, 3, 4]);
  const [scale, zero] = [floats([1, 1, 1]), floats([0, 0, 0])].map((tensor) => graph.constant(tensor));
  graph.output(
    "y",
    graph.node(
      "BatchNormalization",
      [weight, scale, zero, zero, scale],
      { training_mode: 1 },
      { outputs: 1 },
    )[0]!,
  );
  expect([...trainingForm(graph).outputs.keys()]).toEqual(["y"]);
});

test("a form of a form adds nothing", () => {
  const once = trainingForm(normalized(x.dims));
  expect([...trainingForm(once).outputs.keys()]).toEqual([...once.outputs.keys()]);
});

test("one element per channel and shared statistics are refused", () => {
  expect(() => trainingForm(normalized([1, 3, 1, 1]))).toThrow(
    "BatchNormalization_0: expected more than one element per channel to train on, got [1, 3, 1, 1]",
  );
  const graph = new Graph();
  const c = graph.initializer("c", floats([1, 1]));
  const mean = graph.initializer("mean", floats([0, 0]));
  const input = graph.input("x", "float32", [4, 2]);
  const twice = ops.BatchNormalization(ops.BatchNormalization(input, c, c, mean, c), c, c, mean, c);
  graph.output("y", twice);
  expect(() => trainingForm(graph)).toThrow("expected its own running statistics, got");
});
