import { expect, test } from "vitest";
import { Graph, interpret, Layers, lower, ops, trainingForm, updatedName, type Value } from "./index.js";
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

test("one element per channel is refused", () => {
  expect(() => trainingForm(normalized([1, 3, 1, 1]))).toThrow(
    "BatchNormalization_0: expected more than one element per channel to train on, got [1, 3, 1, 1]",
  );
});

test("a layer that is used twice updates its statistics twice, in order", () => {
  const graph = new Graph();
  const c = graph.constant(floats([1, 1]));
  const mean = graph.initializer("mean", floats([0, 0]));
  const variance = graph.initializer("variance", floats([1, 1]));
  const [a, b] = ["a", "b"].map((name) => graph.input(name, "float32", [2, 2]));
  const norm = (x: Value): Value => ops.BatchNormalization(x, c, c, mean, variance, { momentum: 0.75 });
  graph.output("y", ops.Add(norm(a!), norm(b!)));
  const feeds = { a: floats([1, 2, 3, 4], [2, 2]), b: floats([10, 20, 30, 60], [2, 2]) };
  const results = interpret(trainingForm(graph), feeds);
  const twice = (first: number, second: number, begin: number): number =>
    (begin * 0.75 + first * 0.25) * 0.75 + second * 0.25;
  expect(difference(results["mean.next"]!, [twice(2, 20, 0), twice(3, 40, 0)])).toBeLessThan(1e-6);
  expect(difference(results["variance.next"]!, [twice(2, 200, 1), twice(2, 800, 1)])).toBeLessThan(1e-6);
});

test("a network that was exported in training mode has statistics to carry", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [4, 2]);
  const [scale, bias, mean, variance] = ["s", "b", "m", "v"].map((name) =>
    graph.initializer(name, floats([1, 2])),
  );
  const inputs = [x, scale, bias, mean, variance];
  graph.output("y", graph.node("BatchNormalization", inputs, { training_mode: 1 }, { outputs: 3 })[0]!);
  expect([...trainingForm(graph).outputs.keys()]).toEqual(["y", "m.next", "v.next"]);
});
