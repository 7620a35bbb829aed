import { expect, test } from "vitest";
import { Graph, GraphError, gradients, interpret, ops, UnsupportedOpError, type Value } from "../index.js";
import { difference, floats, numbers } from "../testing/index.js";

/** Returns the gradient of the sum of `build(x)` by x. */
function slope(
  values: readonly number[],
  build: (x: Value) => Value,
  dims: readonly number[] = [values.length],
): number[] {
  const graph = new Graph();
  const x = graph.input("x", "float32", dims);
  graph.output("dx", gradients(ops.ReduceSum(build(x), undefined, { keepdims: 0 }), [x])[0]!);
  return numbers(interpret(graph, { x: floats(values, dims) }).dx!);
}

// PyTorch's choices where a function has no gradient.
const ties: readonly [string, readonly number[], (x: Value) => Value, readonly number[]][] = [
  ["Relu is flat at 0", [-1, 0, 2], ops.Relu, [0, 0, 1]],
  ["Abs is flat at 0", [-1, 0, 2], ops.Abs, [-1, 0, 1]],
  ["L1 is flat at 0", [-1, 0, 2], (x) => ops.ReduceL1(x), [-1, 0, 1]],
  ["L2 of zeros is flat", [0, 0], (x) => ops.ReduceL2(x), [0, 0]],
  ["LeakyRelu has its slope at 0", [-1, 0, 2], (x) => ops.LeakyRelu(x, 0.5), [0.5, 0.5, 1]],
  ["PRelu has its slope at 0", [-1, 0, 2], (x) => ops.PRelu(x, 0.5), [0.5, 0.5, 1]],
  ["Clip passes at its bounds", [-1, 0, 1, 2], (x) => ops.Clip(x, 0, 1), [0, 1, 1, 0]],
  ["HardSwish", [-3, 0, 3], ops.HardSwish, [0, 0.5, 1]],
  ["HardSigmoid is flat at its corners", [-2.5, 0, 2.5], (x) => ops.HardSigmoid(x), [0, Math.fround(0.2), 0]],
  ["Max shares a tie", [1, 2, 3], (x) => ops.Max(x, 2), [0, 0.5, 1]],
  ["Min shares a tie", [1, 2, 3], (x) => ops.Min(x, 2), [1, 0.5, 0]],
  ["ReduceMax shares a tie", [3, 1, 3, 3], (x) => ops.ReduceMax(x), [1 / 3, 0, 1 / 3, 1 / 3]],
  ["TopK takes the first of a tie", [1, 3, 3], (x) => ops.TopK(x, 1)[0], [0, 1, 0]],
  ["TopK of two takes the first two", [3, 1, 3, 3], (x) => ops.TopK(x, 2)[0], [1, 0, 1, 0]],
  ["a power of 0 is flat at 0", [0, 2], (x) => ops.Pow(x, 0), [0, 0]],
  ["a root is steep at 0", [0], ops.Sqrt, [Number.POSITIVE_INFINITY]],
];

test.each(ties)("%s", (_, values, build, expected) => {
  expect(slope(values, build)).toEqual(expected);
});

test("MaxPool gives a tie to the first element of its window", () => {
  const image = [5, 5, 0, 0, 5, 5, 0, 0, 1, 2, 7, 7, 3, 3, 7, 7];
  const pool = (x: Value): Value => ops.MaxPool(x, { kernel_shape: [2, 2], strides: [2, 2] });
  expect(slope(image, pool, [1, 1, 4, 4])).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0]);
  const overlapping = (x: Value): Value => ops.MaxPool(x, { kernel_shape: [3], strides: [1], pads: [1, 1] });
  expect(slope([2, 2, 2, 1], overlapping, [1, 1, 4])).toEqual([2, 1, 1, 0]);
});

test("gradients add up over every use, and zeros stand for values the loss does not depend on", () => {
  const graph = new Graph();
  const [x, w, unused] = ["x", "w", "unused"].map((name) => graph.input(name, "float32", [2])) as [
    Value,
    Value,
    Value,
  ];
  const y = ops.Add(ops.Mul(x, w), ops.Add(ops.Mul(x, x), w));
  const found = gradients(ops.ReduceSum(y, undefined, { keepdims: 0 }), [x, w, unused, y]);
  for (const [index, value] of found.entries()) graph.output(`d${index}`, value);
  const results = interpret(graph, { x: floats([2, 3]), w: floats([5, 7]), unused: floats([1, 1]) });
  expect(numbers(results.d0!)).toEqual([9, 13]);
  expect(numbers(results.d1!)).toEqual([3, 4]);
  expect(numbers(results.d2!)).toEqual([0, 0]);
  expect(numbers(results.d3!)).toEqual([1, 1]);
  expect(found.map((value) => value.dims)).toEqual([[2], [2], [2], [2]]);
});

test("a gradient can be of a value in the middle, of the loss itself and across several outputs", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [4]);
  const middle = ops.Exp(x);
  const [a, , c] = ops.Split(middle, [1, 1, 2]);
  const loss = ops.Add(
    ops.ReduceSum(ops.Mul(a!, 3), [0], { keepdims: 0 }),
    ops.ReduceSum(c!, [0], { keepdims: 0 }),
  );
  const [dmiddle, dloss] = gradients(loss, [middle, loss]);
  graph.output("dmiddle", dmiddle!);
  graph.output("dloss", dloss!);
  const results = interpret(graph, { x: floats([0, 0, 0, 0]) });
  expect(numbers(results.dmiddle!)).toEqual([3, 0, 1, 1]);
  expect(numbers(results.dloss!)).toEqual([1]);
});

test("nothing flows through StopGradient", () => {
  expect(slope([1, 2], (x) => ops.Mul(ops.StopGradient(x), x))).toEqual([1, 2]);
});

test("elementwise chains after a scalar gradient need no expanded copies", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [2, 3, 4]);
  const bias = graph.input("bias", "float32", [3, 1]);
  const [dx, dbias] = gradients(ops.ReduceMean(ops.Add(ops.Neg(x), bias), undefined, { keepdims: 0 }), [
    x,
    bias,
  ]);
  graph.output("dx", dx!);
  graph.output("dbias", dbias!);
  const expands = graph.nodes.filter((node) => node.opType === "Expand");
  expect(expands.map((node) => node.outputs[0])).toEqual([dx, dbias]);
  const results = interpret(graph, {
    x: floats(Array(24).fill(1), [2, 3, 4]),
    bias: floats([1, 2, 3], [3, 1]),
  });
  expect(difference(results.dx!, Array(24).fill(-1 / 24))).toBeLessThan(1e-12);
  expect(difference(results.dbias!, Array(3).fill(1 / 3))).toBeLessThan(1e-12);
});

test("names of what is added begin with the node they belong to", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [2]);
  const before = graph.nodes.length;
  const loss = ops.ReduceSum(
    graph.scope("enc1", () => ops.Exp(x)),
    undefined,
    { keepdims: 0 },
  );
  gradients(loss, [x]);
  const added = graph.nodes.slice(before + 2).map((node) => node.name);
  expect(added.some((name) => name.startsWith("enc1/Exp_0_grad/"))).toBe(true);
});

test("all operators without a rule are named at once; those off the way do not matter", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [1, 1, 4]);
  const other = graph.input("other", "float32", [1, 1, 4]);
  // Gradients of gradients are not there.
  const pooled = (of: Value): Value =>
    graph.node("MaxPoolGradient", [of, of, of], { kernel_shape: [1] }, { domain: "pixelcal" })[0]!;
  const normal = (of: Value): Value =>
    graph.node(
      "BatchNormalizationGradient",
      [of, of, scale, scale, scale],
      { epsilon: 1 },
      { domain: "pixelcal" },
    )[0]!;
  const scale = graph.constant(floats([1]));
  const loss = ops.Mul(pooled(x), normal(other));
  const sum = ops.ReduceSum(ops.Mul(loss, normal(x)), undefined, { keepdims: 0 });
  const attempt = (of: readonly Value[]): unknown => gradients(sum, of);
  expect(() => attempt([x])).toThrow(UnsupportedOpError);
  expect(() => attempt([x])).toThrow(
    "no gradient rule for: pixelcal.BatchNormalizationGradient, pixelcal.MaxPoolGradient",
  );
  expect(() => attempt([other])).toThrow(/rule for: pixelcal.BatchNormalizationGradient$/);
  expect(() => gradients(ops.Reshape(ops.ReduceSum(other), []), [other, x])).not.toThrow();
});

const rejected: readonly [string, (graph: Graph) => unknown, string][] = [
  [
    "a loss of several elements",
    (g) => gradients(g.input("x", "float32", [2]), []),
    "x: expected a loss of one element, got [2]",
  ],
  [
    "a value of another graph",
    (g) => gradients(g.input("loss", "float32", []), [new Graph().input("x", "float32", [])]),
    "x: belongs to a different graph than the loss",
  ],
  [
    "a gradient by integers",
    (g) => gradients(g.input("loss", "float32", []), [g.input("x", "int32", [])]),
    "x: expected a value of a float type, got int32",
  ],
];

test.each(rejected)("rejects %s", (_, build, message) => {
  expect(() => build(new Graph())).toThrow(GraphError);
  expect(() => build(new Graph())).toThrow(message);
});
