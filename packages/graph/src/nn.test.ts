import { expect, test } from "vitest";
import { Graph, interpret, Layers } from "./index.js";
import { floats, numbers } from "./testing/index.js";

const ones = (_: string, dims: readonly number[]) =>
  floats(Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims);

test("weights have PyTorch's names and shapes", () => {
  const graph = new Graph();
  const layers = new Layers(graph, ones);
  const x = graph.input("x", "float32", [2, 4, 6, 6]);
  const a = layers.conv("a", x, 8, { kernel: 3, padding: [1, 1], group: 2 });
  const b = layers.batchNorm("b", a);
  const c = layers.convTranspose("c", b, 6, {
    kernel: 2,
    stride: 2,
    outputPadding: 1,
    group: 2,
    bias: false,
  });
  const d = layers.instanceNorm("d", c);
  const e = layers.linear("e", d, 5);
  expect([a.dims, b.dims, c.dims, d.dims, e.dims]).toEqual([
    [2, 8, 6, 6],
    [2, 8, 6, 6],
    [2, 6, 13, 13],
    [2, 6, 13, 13],
    [2, 6, 13, 5],
  ]);
  expect([...graph.initializers].map(([name, { dims }]) => [name, dims])).toEqual([
    ["a.weight", [8, 2, 3, 3]],
    ["a.bias", [8]],
    ["b.weight", [8]],
    ["b.bias", [8]],
    ["b.running_mean", [8]],
    ["b.running_var", [8]],
    ["c.weight", [8, 3, 2, 2]],
    ["d.weight", [6]],
    ["d.bias", [6]],
    ["e.weight", [5, 13]],
    ["e.bias", [5]],
  ]);
});

test("the fan in is what one output sums over", () => {
  const graph = new Graph();
  const seen: Record<string, number> = {};
  const layers = new Layers(graph, (name, dims, fanIn) => {
    seen[name] = fanIn;
    return ones(name, dims);
  });
  const x = graph.input("x", "float32", [1, 2, 3]);
  graph.output("y", layers.linear("fc", layers.conv("conv", x, 1, { kernel: 3 }), 2, { bias: false }));
  expect(seen).toEqual({ "conv.weight": 6, "conv.bias": 6, "fc.weight": 1 });
  expect(numbers(interpret(graph, { x: floats([1, 2, 3, 4, 5, 6], [1, 2, 3]) }).y!)).toEqual([22, 22]);
});
