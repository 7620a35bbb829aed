import { expect, test } from "vitest";
import { addCopy, Graph, GraphError, interpret, type Node, ops, prune, rewrite } from "./index.js";
import { floats, numbers } from "./testing/index.js";

function example(): Graph {
  const graph = new Graph("net");
  const x = graph.input("x", "float32", [2]);
  const w = graph.initializer("w", floats([3, 4]));
  ops.Exp(x);
  graph.output(
    "y",
    graph.scope("layer", () => ops.Relu(ops.Mul(ops.Add(x, 1), w))),
  );
  graph.initializer("unused", floats([1]));
  return graph;
}

const feeds = { x: floats([1, -2]) };

test("a copy keeps names, order and tensors, and drops dead nodes only", () => {
  const source = example();
  const copy = prune(source);
  expect(copy.name).toBe("net");
  expect(copy.inputs.map((input) => input.name)).toEqual(["x"]);
  expect([...copy.initializers.keys()]).toEqual(["w", "unused"]);
  expect(copy.initializers.get("w")).toBe(source.initializers.get("w"));
  expect(copy.nodes.map((node) => node.name)).toEqual(["layer/Add_0", "layer/Mul_0", "layer/Relu_0"]);
  expect([...copy.outputs.keys()]).toEqual(["y"]);
  expect(interpret(copy, feeds)).toEqual(interpret(source, feeds));
});

test("nodes are replaced, by values that need not be nodes", () => {
  const source = example();
  const replaced = rewrite(source, {
    node: (node, inputs) => (node.opType === "Mul" ? [ops.Sub(inputs[0]!, inputs[1]!)] : undefined),
  });
  expect(replaced.nodes.map((node) => node.name)).toEqual([
    "layer/Add_0",
    "layer/Mul_0/Sub_0",
    "layer/Relu_0",
  ]);
  const removed = rewrite(source, { node: (node, inputs) => (node.opType === "Relu" ? inputs : undefined) });
  expect(numbers(interpret(removed, feeds).y!)).toEqual([6, -4]);
  const gone = rewrite(source, {
    node: (node, _, target) => (node.opType === "Relu" ? [target.value("w")] : undefined),
  });
  expect(numbers(interpret(gone, feeds).y!)).toEqual([3, 4]);
  const needed = { node: ({ opType }: Node) => (opType === "Mul" ? [] : undefined) };
  expect(() => rewrite(source, needed)).toThrow(GraphError);
  expect(() => rewrite(source, needed)).toThrow("layer/Mul_0: its node was removed from the graph");
});

test("initializers become inputs and inputs take other shapes", () => {
  const graph = rewrite(example(), {
    initializer: (name, { type, dims }, target) =>
      name === "w" ? target.input(name, type, dims) : undefined,
    input: (value, target) => target.input(value.name, value.type, [5, 2]),
  });
  expect(graph.inputs.map(({ name, dims }) => [name, dims])).toEqual([
    ["x", [5, 2]],
    ["w", [2]],
  ]);
  expect(graph.outputs.get("y")!.dims).toEqual([5, 2]);
});

test("outputs are dropped, renamed or made anew", () => {
  const source = example();
  const { outputs } = rewrite(source, {
    output: (name, value) => [
      ["negative", ops.Neg(value)],
      [name, value],
    ],
  });
  expect([...outputs.keys()]).toEqual(["negative", "y"]);
  expect(rewrite(source, { output: () => [] }).outputs.size).toBe(0);
});

test("copies of graphs stand in one graph side by side, each with its own names and weights", () => {
  const target = new Graph("both");
  const x = target.input("x", "float32", [2]);
  const other = rewrite(example(), {
    initializer: (name, _, graph) => (name === "w" ? graph.initializer("w", floats([5, 6])) : undefined),
  });
  const copies = [example(), other].map((source, k) =>
    addCopy(source, target, { inputs: [x], prefix: `${k}/` }),
  );
  target.output("sum", ops.Add(copies[0]!.get("y")!, copies[1]!.get("y")!));
  expect(target.nodes.map(({ name }) => name).slice(0, 3)).toEqual([
    "0/layer/Add_0",
    "0/layer/Mul_0",
    "0/layer/Relu_0",
  ]);
  expect([...target.initializers.keys()]).toEqual(["0/w", "1/w"]);
  expect(numbers(interpret(target, feeds).sum!)).toEqual([6 + 10, 0]);
});
