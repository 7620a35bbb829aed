import { expect, test } from "vitest";
import { Graph, GraphError, ops, UnsupportedOpError } from "./index.js";
import { floats } from "./testing/index.js";

test("names are unique, scoped where generated and kept where given", () => {
  const graph = new Graph("net");
  const x = graph.input("x", "float32", [2, 3]);
  const first = ops.Relu(x);
  const inner = graph.scope("block", () => graph.scope("deep", () => ops.Relu(x)));
  const given = graph.scope(
    "block",
    () => graph.node("Relu", [x], {}, { name: "mine", outputs: ["out"] })[0]!,
  );
  expect([first.name, inner.name, given.name, given.node?.name]).toEqual([
    "Relu_0",
    "block/deep/Relu_0",
    "out",
    "mine",
  ]);
  expect(graph.nodes.map((node) => node.name)).toEqual(["Relu_0", "block/deep/Relu_0", "mine"]);
  expect(graph.value("out")).toBe(given);
  expect(graph.value("absent")).toBeUndefined();
});

test("automatic names avoid reserved ones and names of values", () => {
  const graph = new Graph("net", ["Relu_0"]);
  const x = graph.input("Relu_1", "float32", [1]);
  expect(ops.Relu(x).name).toBe("Relu_2");
});

test("small equal constants are one value; sign, type and dims tell them apart", () => {
  const graph = new Graph();
  const one = graph.constant(floats([1]));
  expect(graph.constant(floats([1]))).toBe(one);
  const others = [
    floats([1], []),
    floats([0]),
    floats([-0]),
    { ...floats([1]), type: "float64" as const, data: new Float64Array(1) },
  ];
  expect(new Set([one, ...others.map((tensor) => graph.constant(tensor))]).size).toBe(5);
  expect(graph.initializers.size).toBe(0);
  expect(graph.tensor(one)?.data).toEqual(new Float32Array([1]));
});

test("an output's value has the output's name", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [2]);
  const w = graph.initializer("w", floats([1, 2]));
  const y = ops.Add(x, w);
  graph.output("sum", y);
  graph.output("again", y);
  graph.output("copy", x);
  graph.output("weight", w);
  for (const [name, value] of graph.outputs) expect(value.name).toBe(name);
  expect(y.name).toBe("sum");
  expect(graph.value("sum")).toBe(y);
  expect(graph.nodes.map((node) => node.opType)).toEqual(["Add", "Identity", "Identity", "Identity"]);
});

test("numbers become scalars of the other operand's type", () => {
  const graph = new Graph();
  const x = graph.input("x", "int32", [2]);
  const sum = ops.Add(1, x);
  expect([sum.type, sum.dims]).toEqual(["int32", [2]]);
  expect(ops.Where(ops.Greater(x, 0), 1, 2).type).toBe("float32");
  expect(() => ops.Add(1, 2)).toThrow("Add: expected at least one value, got numbers only");
});

const rejected: readonly [string, (graph: Graph) => unknown, string][] = [
  [
    "a name in use",
    (g) => [g.input("x", "float32", [1]), g.initializer("x", floats([1]))],
    "x: a value of this name already exists",
  ],
  ["an empty name", (g) => g.input("", "float32", [1]), "value: expected a name, got an empty string"],
  [
    "dims that are no sizes",
    (g) => g.input("x", "float32", [-1, 2]),
    "x: expected dims that are whole numbers, got [-1, 2]",
  ],
  [
    "a value of another graph",
    (g) => g.node("Relu", [new Graph().input("x", "float32", [1])]),
    "Relu_0: x belongs to another graph",
  ],
  [
    "an output name in use",
    (g) => [0, 1].map(() => g.output("y", ops.Relu(g.constant(floats([1]))))),
    "y: an output of this name already exists",
  ],
  [
    "too many outputs",
    (g) => g.node("Relu", [g.input("x", "float32", [1])], {}, { outputs: 2 }),
    "Relu_0: expected at most 1 outputs of Relu, got 2",
  ],
  [
    "a missing input",
    (g) => g.node("Add", [g.input("x", "float32", [1])]),
    "Add_0: expected 2 inputs of Add, got 1",
  ],
  [
    "shapes that do not broadcast",
    (g) => ops.Add(g.input("a", "float32", [2, 3]), g.input("b", "float32", [2])),
    "Add_0: expected shapes that broadcast, got [2, 3] and [2]",
  ],
  [
    "types that differ",
    (g) => ops.Add(g.input("a", "float32", [2]), g.input("b", "int32", [2])),
    "Add_0: expected b of type float32, got int32",
  ],
  [
    "an operator on the wrong type",
    (g) => ops.Exp(g.input("a", "int32", [2])),
    "Exp_0: expected a of a float type, got int32",
  ],
  [
    "logic on floats",
    (g) => ops.Not(g.input("a", "float32", [2])),
    "Not_0: expected a of type bool, got float32",
  ],
  [
    "an axis out of range",
    (g) => ops.ReduceSum(g.input("a", "float32", [2]), [1]),
    "ReduceSum_0.axes: expected an axis from -1 to 0, got 1",
  ],
  [
    "an axis twice",
    (g) => ops.ReduceSum(g.input("a", "float32", [2, 2]), [1, -1]),
    "ReduceSum_0.axes: expected each axis once, got [1, -1]",
  ],
  [
    "a shape of another size",
    (g) => ops.Reshape(g.input("a", "float32", [2, 3]), [4, -1]),
    "Reshape_0.shape: expected a shape of 6 elements, as [2, 3] has, got [4, -1]",
  ],
  [
    "no permutation",
    (g) => ops.Transpose(g.input("a", "float32", [2, 3]), [0, 0]),
    "Transpose_0.perm: expected a permutation of 2 axes, got [0, 0]",
  ],
  [
    "squeezing an axis that is not 1",
    (g) => ops.Squeeze(g.input("a", "float32", [2, 1]), [0]),
    "Squeeze_0.axes: expected axes of size 1 in [2, 1], got [0]",
  ],
  [
    "split sizes that do not add up",
    (g) => ops.Split(g.input("a", "float32", [4]), [1, 2]),
    "Split_0.split: expected sizes that add up to 4, got [1, 2]",
  ],
  [
    "a step of 0",
    (g) => ops.Slice(g.input("a", "float32", [4]), [0], [4], [0], [0]),
    "Slice_0.steps: expected steps other than 0, got [0]",
  ],
  [
    "pads of the wrong number",
    (g) => ops.Pad(g.input("a", "float32", [4]), [1]),
    "Pad_0.pads: expected 2 whole numbers, got [1]",
  ],
  [
    "reflection of one element",
    (g) => ops.Pad(g.input("a", "float32", [1]), [1, 0], { mode: "reflect" }),
    "Pad_0: expected axes longer than 1 to pad by reflect, got [1]",
  ],
  [
    "concatenation of unlike shapes",
    (g) => ops.Concat([g.input("a", "float32", [1, 2]), g.input("b", "float32", [1, 3])], 0),
    "Concat_0: expected b to match [1, 2] except on axis 0, got [1, 3]",
  ],
  [
    "inner sizes that differ",
    (g) => ops.MatMul(g.input("a", "float32", [2, 3]), g.input("b", "float32", [2, 3])),
    "MatMul_0: expected inner sizes that agree, got [2, 3] x [2, 3]",
  ],
  [
    "a weight for other channels",
    (g) => ops.Conv(g.input("x", "float32", [1, 3, 5, 5]), g.input("w", "float32", [4, 2, 3, 3])),
    "Conv_0: expected 2 channels for the weight [4, 2, 3, 3], got 3",
  ],
  [
    "a weight of another rank",
    (g) => ops.Conv(g.input("x", "float32", [1, 3, 5, 5]), g.input("w", "float32", [4, 3, 3])),
    "Conv_0: expected w of rank 4, got [4, 3, 3]",
  ],
  [
    "groups that do not divide",
    (g) =>
      ops.Conv(g.input("x", "float32", [1, 4, 5]), g.input("w", "float32", [3, 2, 3]), undefined, {
        group: 2,
      }),
    "Conv_0.group: expected a divisor of 4 and 3 channels, got 2",
  ],
  [
    "a kernel larger than the input",
    (g) => ops.Conv(g.input("x", "float32", [1, 1, 2]), g.input("w", "float32", [1, 1, 3])),
    "Conv_0: expected at least 3 along spatial axis 0, padding included, got 2",
  ],
  [
    "negative pads",
    (g) =>
      ops.Conv(g.input("x", "float32", [1, 1, 4]), g.input("w", "float32", [1, 1, 3]), undefined, {
        pads: [-1, 0],
      }),
    "Conv_0.pads: expected 0 or more, got [-1, 0]",
  ],
  [
    "a stride of 0",
    (g) => ops.MaxPool(g.input("x", "float32", [1, 1, 4]), { kernel_shape: [2], strides: [0] }),
    "MaxPool_0.strides: expected 1 or more, got [0]",
  ],
  [
    "an unknown auto_pad",
    (g) =>
      g.node("Conv", [g.input("x", "float32", [1, 1, 4]), g.input("w", "float32", [1, 1, 3])], {
        auto_pad: "LEFT",
      }),
    "Conv_0.auto_pad: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER, got LEFT",
  ],
  [
    "pooling pads as large as the kernel",
    (g) => ops.MaxPool(g.input("x", "float32", [1, 1, 4]), { kernel_shape: [2], pads: [2, 0] }),
    "MaxPool_0.pads: expected less than the kernel, got [2, 0]",
  ],
  [
    "batch norm statistics of another size",
    (g) => {
      const c = g.input("c", "float32", [2]);
      return ops.BatchNormalization(g.input("x", "float32", [1, 3, 4]), c, c, c, c);
    },
    "BatchNormalization_0: expected c [3], got [2]",
  ],
  [
    "a resize without sizes",
    (g) => ops.Resize(g.input("x", "float32", [1, 1, 4]), {}),
    "Resize_0.scales: expected 3 scales or 3 sizes, got neither",
  ],
  [
    "axes that are not constant",
    (g) => g.node("ReduceSum", [g.input("x", "float32", [2]), g.input("axes", "int64", [1])]),
    "ReduceSum_0: expected input 1 of ReduceSum to be a constant, got the value axes",
  ],
  [
    "indices that name no axis",
    (g) => {
      const x = g.input("x", "float32", [2, 3]);
      return ops.ScatterND(x, g.input("i", "int64", [1, 0]), g.input("u", "float32", [1, 2, 3]));
    },
    "ScatterND_0: expected indices of 1 to 2 columns, got [1, 0]",
  ],
  [
    "more than there is to pick",
    (g) => ops.TopK(g.input("x", "float32", [2]), 3),
    "TopK_0.k: expected a whole number from 0 to 2, got 3",
  ],
];

test.each(rejected)("rejects %s", (_, build, message) => {
  const call = (): unknown => build(new Graph());
  expect(call).toThrow(GraphError);
  expect(call).toThrow(message);
});

test("ai.onnx is the domain without a name", () => {
  const x = new Graph().input("x", "float32", [1]);
  expect(x.graph.node("Relu", [x], {}, { domain: "ai.onnx" })[0]!.node!.domain).toBe("");
});

test("an unknown operator is refused by name", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [1]);
  expect(() => graph.node("MMCVPSAMask", [x], {}, { domain: "mmcv" })).toThrow(UnsupportedOpError);
  expect(() => graph.node("toString", [x])).toThrow("toString_0: unsupported operator: toString");
});
