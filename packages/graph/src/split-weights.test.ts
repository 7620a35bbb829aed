import { tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { Graph, interpret, ops, splitWeights } from "./index.js";
import { floats, numbers } from "./testing/index.js";

/** Returns the parts of a graph, and its rest with what the interpreter computes of the weights. */
function parts(source: Graph): { weights: Graph; graph: Graph } {
  const { weights, rest } = splitWeights(source)!;
  const feeds = Object.fromEntries(weights.inputs.map(({ name }) => [name, source.initializers.get(name)!]));
  const arrays = Object.entries(interpret(weights, feeds)).map(([name, found]) => [
    name,
    floats(numbers(found), found.dims),
  ]);
  return { weights, graph: rest(Object.fromEntries(arrays)) };
}

/** Makes y = relu(x * transpose(w) + 2 * v), of which `turned` and `doubled` are computed from weights. */
function example(): Graph {
  const graph = new Graph("net");
  const x = graph.input("x", "float32", [2, 3]);
  const w = graph.initializer("w", floats([1, 2, 3, 4, 5, 6], [3, 2]));
  const v = graph.initializer("v", floats([1, -1, 0.5]));
  const turned = ops.Transpose(w, [1, 0]);
  const doubled = ops.Mul(ops.Neg(ops.Neg(v)), 2);
  graph.output("y", ops.Relu(ops.Add(ops.Mul(x, turned), doubled)));
  return graph;
}

const feeds = { x: floats([1, -2, 3, -4, 5, -6], [2, 3]) };

test("what weights alone give is computed apart, and the rest gives what the whole does", () => {
  const source = example();
  const { weights, graph } = parts(source);
  expect(weights.inputs.map(({ name }) => name)).toEqual(["w", "v"]);
  expect(weights.nodes.map(({ opType }) => opType)).toEqual(["Transpose", "Neg", "Neg", "Mul"]);
  expect(weights.outputs.size).toBe(2);
  expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Mul", "Add", "Relu"]);
  expect([...graph.initializers.keys()].sort()).toEqual([...weights.outputs.keys()].sort());
  expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  expect(interpret(graph, feeds)).toEqual(interpret(source, feeds));
});

test("weights that are used as they are stay", () => {
  const source = new Graph("net");
  const x = source.input("x", "float32", [3]);
  const w = source.initializer("w", floats([3, 4, 5]));
  source.output("y", ops.Add(ops.Mul(x, w), ops.Neg(w)));
  const { graph } = parts(source);
  expect(graph.initializers.get("w")).toBe(source.initializers.get("w"));
  const at = { x: floats([1, 2, 3]) };
  expect(interpret(graph, at)).toEqual(interpret(source, at));
});

test("sizes that the file stores as weights still give shapes", () => {
  const source = new Graph("net");
  const x = source.input("x", "float32", [3, 2]);
  const w = source.initializer("w", floats([1, 2, 3, 4, 5, 6], [2, 3]));
  const size = source.initializer("size", tensor("int64", BigInt64Array.of(3n, 2n), [2]));
  source.output("y", ops.Add(x, source.node("Reshape", [w, size])[0]!));
  const { weights, graph } = parts(source);
  expect(weights.inputs.map(({ name }) => name)).toEqual(["w"]);
  const at = { x: floats([0, 0, 0, 0, 0, 1], [3, 2]) };
  expect(interpret(graph, at)).toEqual(interpret(source, at));
});

test("an output of weights alone is computed with the rest", () => {
  const source = new Graph("net");
  const w = source.initializer("w", floats([3, 4]));
  const turned = ops.Neg(w);
  source.output("doubled", ops.Mul(turned, 2));
  source.output("y", ops.Add(turned, source.input("x", "float32", [2])));
  const { graph } = parts(source);
  expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Mul", "Add"]);
  const at = { x: floats([1, 2]) };
  expect(interpret(graph, at)).toEqual(interpret(source, at));
});

test("what constants alone give is computed where it is needed", () => {
  const source = new Graph("net");
  const x = source.input("x", "float32", [2, 3]);
  const w = source.initializer("w", floats([1, 2, 3]));
  const zeros = ops.Expand(source.constant(floats([0])), [2, 3]);
  source.output("y", ops.Add(ops.Add(x, zeros), ops.Add(zeros, w)));
  const { weights, graph } = parts(source);
  expect(weights.nodes.map(({ opType }) => opType)).toEqual(["Expand", "Add"]);
  expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Expand", "Add", "Add"]);
  const at = { x: floats([1, 2, 3, 4, 5, 6], [2, 3]) };
  expect(interpret(graph, at)).toEqual(interpret(source, at));
});

test("nothing is split off where weights are used as they are", () => {
  const graph = new Graph("net");
  graph.output("y", ops.Add(graph.input("x", "float32", [2]), graph.initializer("w", floats([1, 2]))));
  expect(splitWeights(graph)).toBeUndefined();
});
