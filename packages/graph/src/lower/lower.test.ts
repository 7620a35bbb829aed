import { zeros as zeroed } from "@pixelcal/core";
import { expect, test } from "vitest";
import { Graph, gradients, interpret, lower, ops, type Value } from "../index.js";
import { difference, floats, numbers } from "../testing/index.js";

const opTypes = (graph: Graph): string[] => graph.nodes.map((node) => node.opType);

function graphOf(build: (x: Value, y: Value) => Value, dims: readonly number[] = [2, 3]): Graph {
  const graph = new Graph("net");
  const [x, y] = ["x", "y"].map((name) => graph.input(name, "float32", dims));
  graph.output("out", build(x!, y!));
  return graph;
}

test("equal expressions are computed once, at any depth", () => {
  const twice = (x: Value, y: Value): Value =>
    ops.Mul(ops.Exp(ops.Add(x, y)), ops.Neg(ops.Exp(ops.Add(x, y))));
  expect(opTypes(lower(graphOf(twice)))).toEqual(["Add", "Exp", "Neg", "Mul"]);
  const unequal = (x: Value, y: Value): Value =>
    ops.Sub(ops.Softmax(ops.Sub(x, y), 1), ops.Softmax(ops.Sub(y, x), 1));
  expect(opTypes(lower(graphOf(unequal)))).toEqual(["Sub", "Softmax", "Sub", "Softmax", "Sub"]);
});

test("softmax and its logarithm over the channels share their exponentials", () => {
  const graph = lower(graphOf((x) => ops.Sub(ops.Softmax(x, 1), ops.LogSoftmax(x, 1)), [2, 3, 4]));
  expect(opTypes(graph).sort()).toEqual(["Div", "Exp", "Log", "ReduceMax", "ReduceSum", "Sub", "Sub", "Sub"]);
});

test("constants that take much work to compute stay expressions", () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [1, 1, 8, 8]);
  const zeros = (...dims: number[]): Value => graph.constant(zeroed("float32", dims));
  // 4e9 products for 65536 numbers.
  const made = ops.Conv(zeros(1, 1, 510, 510), zeros(1, 1, 255, 255));
  graph.output("y", ops.Add(x, ops.ReduceSum(made)));
  expect(lower(graph).nodes.map(({ opType }) => opType)).toContain("Conv");
});

test("constants are folded, weights are not", () => {
  const graph = new Graph();
  const w = graph.initializer("w", floats([1, 2]));
  const two = graph.constant(floats([2, 2]));
  graph.output("out", ops.Mul(ops.Exp(w), ops.Sqrt(ops.Add(two, 7))));
  const lowered = lower(graph);
  expect(opTypes(lowered)).toEqual(["Exp", "Mul"]);
  expect([...lowered.constants.values()].map(({ data }) => Array.from(data as Float32Array))).toEqual([
    [3, 3],
  ]);
  expect(difference(interpret(lowered).out!, [3 * Math.E, 3 * Math.E ** 2])).toBeLessThan(1e-7);
});

const trivial: readonly [string, (x: Value) => Value, readonly string[]][] = [
  ["Identity", (x) => ops.Exp(ops.Identity(x)), ["Exp"]],
  ["StopGradient", (x) => ops.Exp(ops.StopGradient(x)), ["Exp"]],
  ["a Reshape to the same shape", (x) => ops.Exp(ops.Reshape(x, [2, 3])), ["Exp"]],
  [
    "a Reshape of a Reshape",
    (x) => ops.Exp(ops.Reshape(ops.Flatten(ops.Reshape(x, [3, 2]), 0), [1, 6, 1])),
    ["Reshape", "Exp"],
  ],
  ["a Transpose and its inverse", (x) => ops.Exp(ops.Transpose(ops.Transpose(x, [1, 0]), [1, 0])), ["Exp"]],
  ["Pad by nothing", (x) => ops.Exp(ops.Pad(x, [0, 0, 0, 0])), ["Exp"]],
  ["Expand to the same shape", (x) => ops.Exp(ops.Expand(x, [1, 3])), ["Exp"]],
  ["Concat of one", (x) => ops.Exp(ops.Concat([x], 0)), ["Exp"]],
  ["Cast to the same type", (x) => ops.Exp(ops.Cast(x, "float32")), ["Exp"]],
  ["a square", (x) => ops.Pow(x, 2), ["Mul"]],
  ["a general power", (x) => ops.Pow(x, 2.5), ["Pow"]],
];

test.each(trivial)("%s", (_, build, expected) => {
  expect(opTypes(lower(graphOf(build)))).toEqual(expected);
});

test("names of inputs, initializers and outputs stay, also where an output becomes an input", () => {
  const graph = new Graph("net");
  const x = graph.input("x", "float32", [2]);
  graph.initializer("unused", floats([1]));
  graph.output("same", ops.Identity(x));
  graph.output("one", ops.LogSoftmax(x));
  graph.output("two", ops.LogSoftmax(x));
  const lowered = lower(graph);
  expect(lowered.name).toBe("net");
  expect(lowered.inputs.map(({ name }) => name)).toEqual(["x"]);
  expect([...lowered.initializers.keys()]).toEqual(["unused"]);
  expect([...lowered.outputs.keys()]).toEqual(["same", "one", "two"]);
  const results = interpret(lowered, { x: floats([1, 3]) });
  expect(numbers(results.same!)).toEqual([1, 3]);
  expect(results.one).toEqual(results.two);
});

test("lowering a lowered graph changes nothing", () => {
  const build = (x: Value, y: Value): Value =>
    ops.ReduceLogSumExp(ops.Where(ops.Or(ops.Greater(x, y), ops.Less(x, 0)), ops.Sign(x), ops.Round(y)));
  const once = lower(graphOf(build));
  expect(opTypes(lower(once))).toEqual(opTypes(once));
});

test("on the cpu the gradient of MaxPool uses the indices of the one forward MaxPool", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [1, 2, 4, 4]);
  const pooled = ops.MaxPool(x, { kernel_shape: [2, 2], strides: [2, 2] });
  const loss = ops.ReduceSum(ops.Mul(pooled, pooled), undefined, { keepdims: 0 });
  graph.output("pooled", pooled);
  graph.output("dx", gradients(loss, [x])[0]!);
  const lowered = lower(graph, { device: "cpu" });
  expect(opTypes(lowered).filter((type) => type.startsWith("Max"))).toEqual(["MaxPool", "MaxUnpool"]);
  const feeds = {
    x: floats(
      Array.from({ length: 32 }, (_, at) => (at * 7) % 5),
      [1, 2, 4, 4],
    ),
  };
  const expected = interpret(graph, feeds);
  for (const device of ["any", "cpu"] as const) {
    const actual = interpret(lower(graph, { device }), feeds);
    for (const name of ["pooled", "dx"]) expect(difference(actual[name]!, expected[name]!)).toBe(0);
  }
});

test.each<[string, number[], number[], number[], number[], number]>([
  ["from the end", [-1, 0], [-9, 2], [1, 0], [-2, 1], 1],
  ["from within", [-2, 3], [-9, 0], [1, 2], [-2, -1], 2],
  ["to before the first", [1, 1], [-9, 4], [0, 2], [-1, 2], 2],
  ["of nothing", [0], [2], [1], [-1], 1],
])(
  "a Slice backwards %s is the same where backwards means from the end",
  (_, starts, ends, axes, steps, count) => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [3, 4, 5]);
    graph.output("y", ops.Slice(x, starts, ends, axes, steps));
    const feeds = {
      x: floats(
        Array.from({ length: 60 }, (_, at) => at),
        [3, 4, 5],
      ),
    };
    const expected = interpret(graph, feeds).y!;
    for (const [device, slices] of [
      ["webgpu", count],
      ["any", count],
      ["cpu", 1],
    ] as const) {
      const lowered = lower(graph, { device });
      expect(opTypes(lowered)).toEqual(Array(slices).fill("Slice"));
      expect(interpret(lowered, feeds).y).toEqual(expected);
    }
  },
);

test("log-sum-exp neither overflows nor loses small sums", () => {
  const graph = lower(graphOf((x) => ops.ReduceLogSumExp(x, [1])));
  const [large, small] = numbers(
    interpret(graph, {
      x: floats([1000, 999, 998, -200, -201, -202], [2, 3]),
      y: floats(Array(6).fill(0), [2, 3]),
    }).out!,
  );
  const tail = Math.log(1 + Math.exp(-1) + Math.exp(-2));
  expect([large! - 1000, small! + 200].every((value) => Math.abs(value - tail) < 1e-9)).toBe(true);
});

test.each([
  ["ReduceL1", ops.ReduceL1, ["Abs"]],
  ["ReduceL2", ops.ReduceL2, ["Abs"]],
  ["ReduceSumSquare", ops.ReduceSumSquare, ["Mul"]],
  ["ReduceLogSum", ops.ReduceLogSum, ["Log"]],
  ["ReduceMean", ops.ReduceMean, []],
] as const)("%s over no axes is about every element alone", (_, reduce, expected) => {
  expect(opTypes(lower(graphOf((x) => ops.Neg(reduce(x, [])))))).toEqual([...expected, "Neg"]);
});

test("webgpu gets no strided transposed convolution of several groups", () => {
  const graph = new Graph();
  const [x, w] = [graph.input("x", "float32", [1, 4, 5, 5]), graph.input("w", "float32", [4, 2, 3, 3])];
  graph.output("y", ops.ConvTranspose(x, w, undefined, { strides: [2, 2], group: 2 }));
  expect(opTypes(lower(graph, { device: "webgpu" }))).not.toContain("ConvTranspose");
  expect(opTypes(lower(graph, { device: "cpu" }))).toContain("ConvTranspose");
});

test("a Clip without a lower bound goes into blocks of channels", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [1, 8, 2, 2]);
  const w = graph.input("w", "float32", [8, 8, 1, 1]);
  graph.output("y", ops.Clip(ops.Conv(ops.Clip(x, undefined, 1), w), undefined, 6));
  expect(opTypes(lower(graph, { block: 8 })).filter((opType) => /Clip|Conv|Reorder/.test(opType))).toEqual([
    "Clip",
    "ReorderInput",
    "Conv",
    "Clip",
    "ReorderOutput",
  ]);
});
