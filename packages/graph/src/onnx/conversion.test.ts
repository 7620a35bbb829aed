import type { Tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import {
  GraphError,
  gradients,
  interpret,
  modelOperators,
  ops,
  parseModel,
  UnsupportedOpError,
  weightRoles,
} from "../index.js";
import { floats, numbers, type OnnxNode, onnxModel } from "../testing/index.js";
import { model, relu } from "./hand-made.test.helper.js";
import type { GraphProto, NodeProto } from "./onnx-proto.js";

const ints = (...values: number[]): Tensor => ({
  type: "int64",
  dims: [values.length],
  data: BigInt64Array.from(values.map(BigInt)),
});
const scalar = (value: number): Tensor => ({ ...ints(value), dims: [] });
const truth = (value: boolean): Tensor => ({ type: "bool", dims: [], data: Uint8Array.of(Number(value)) });

/** Runs a model of one input x and returns the numbers of its output y. */
function run(bytes: Uint8Array, x: Tensor): number[] {
  const graph = parseModel(bytes, { shapes: { x: x.dims } });
  return numbers(interpret(graph, { x }).y!);
}

describe("weights that an exporter merged", () => {
  const nodes: readonly OnnxNode[] = [
    { op: "Identity", inputs: ["ones"], outputs: ["norm.weight"] },
    { op: "Identity", inputs: ["norm.weight"], outputs: ["other.weight"] },
    { op: "Identity", inputs: ["ones"], outputs: ["/layer/Identity_output_0"] },
    { op: "Mul", inputs: ["x", "norm.weight"], outputs: ["a"] },
    { op: "Add", inputs: ["a", "other.weight"], outputs: ["b"] },
    { op: "Mul", inputs: ["b", "/layer/Identity_output_0"], outputs: ["c"] },
    { op: "Add", inputs: ["c", "ones"] },
  ];
  const bytes = onnxModel(17, nodes, { x: [2] }, { ones: floats([1, 1]) });

  test("are weights of their own by name; those without a name are shared", () => {
    const { parameters } = weightRoles(parseModel(bytes));
    expect([...parameters].sort()).toEqual(["norm.weight", "ones", "other.weight"]);
  });

  test("or as the caller says", () => {
    const always = weightRoles(parseModel(bytes, { tiedWeights: "untie" })).parameters;
    expect([...always].sort()).toEqual(["/layer/Identity_output_0", "norm.weight", "ones", "other.weight"]);
    expect(parseModel(bytes, { tiedWeights: "keep" }).initializers.size).toBe(1);
    expect(() => parseModel(bytes, { tiedWeights: "always" as "untie" })).toThrow(
      "tiedWeights: expected named, untie or keep, got always",
    );
  });
});

test("weights in Constant nodes are weights; constants of a group norm and masks are none", () => {
  const constant = (name: string, value: Tensor): OnnxNode => ({
    op: "Constant",
    inputs: [],
    outputs: [name],
    attributes: { value },
  });
  const bytes = onnxModel(
    11,
    [
      constant("w", floats([1, 2, 3, 4], [2, 2])),
      constant("kernel", floats([1, 2, 3], [3, 1, 1, 1])),
      { op: "Transpose", inputs: ["w"], outputs: ["turned"], attributes: { perm: [1, 0] } },
      { op: "MatMul", inputs: ["x", "turned"], outputs: ["a"] },
      { op: "Conv", inputs: ["a", "kernel"], outputs: ["b"] },
      constant("shape", ints(1, 3, -1)),
      { op: "Reshape", inputs: ["b", "shape"], outputs: ["c"] },
      constant("ones", floats([1, 1, 1])),
      constant("zeros", floats([0, 0, 0])),
      { op: "InstanceNormalization", inputs: ["c", "ones", "zeros"], outputs: ["d"] },
      constant("scale", floats([1, 2, 3])),
      constant("bias", floats([0, 0, 1])),
      { op: "InstanceNormalization", inputs: ["c", "scale", "bias"], outputs: ["e"] },
      { op: "Add", inputs: ["d", "e"] },
    ],
    { x: [1, 1, 2, 2] },
  );
  const { parameters } = weightRoles(parseModel(bytes));
  expect([...parameters].sort()).toEqual(["bias", "kernel", "scale", "w"]);
});

test("a batch norm of five outputs, as sets before 14 write it, normalises by the batch", () => {
  const stored = { s: floats([2]), b: floats([1]), m: floats([5]), v: floats([9]) };
  const outputs = ["y", "m.next", "v.next", "saved.mean", "saved.variance"];
  const bytes = onnxModel(
    13,
    [
      {
        op: "BatchNormalization",
        inputs: ["x", "s", "b", "m", "v"],
        outputs,
        attributes: { epsilon: { float: 0 } },
      },
    ],
    { x: [4, 1] },
    stored,
  );
  const deviation = Math.sqrt(5);
  const expected = [-3, -1, 1, 3].map((value) => (value / deviation) * 2 + 1);
  for (const [at, value] of run(bytes, floats([2, 4, 6, 8], [4, 1])).entries())
    expect(value).toBeCloseTo(expected[at]!);
  expect(weightRoles(parseModel(bytes))).toEqual({ parameters: ["s", "b"], buffers: ["m", "v"] });
});

describe("lists of values are taken apart", () => {
  const pieces = (size: Tensor): Uint8Array =>
    onnxModel(
      13,
      [
        { op: "SplitToSequence", inputs: ["x", "size"], outputs: ["list"], attributes: { axis: 1 } },
        { op: "SequenceAt", inputs: ["list", "last"], outputs: ["b"] },
        { op: "SequenceAt", inputs: ["list", "first"], outputs: ["a"] },
        { op: "SequenceConstruct", inputs: ["b", "a"], outputs: ["other"] },
        { op: "ConcatFromSequence", inputs: ["other"], attributes: { axis: -1 } },
      ],
      { x: [1, 5] },
      { size, last: scalar(-1), first: scalar(0) },
    );
  const x = floats([1, 2, 3, 4, 5], [1, 5]);

  test("into pieces of one size or of their own", () => {
    expect(run(pieces(scalar(2)), x)).toEqual([5, 1, 2]);
    expect(run(pieces(ints(3, 2)), x)).toEqual([4, 5, 1, 2, 3]);
    expect(run(pieces(ints(0, 5)), x)).toEqual([1, 2, 3, 4, 5]);
    expect(() => run(pieces(ints(3, 3)), x)).toThrow(GraphError);
    expect(() => run(pieces(scalar(0)), x)).toThrow("expected 1 to 4096 pieces, got 5 elements by 0");
  });
});

describe("If on a condition that follows from the size", () => {
  const branch = (op: string): GraphProto => ({
    nodes: [{ opType: op, inputs: ["x"], outputs: [`${op}.out`] }],
    outputs: [{ name: `${op}.out` }],
  });
  const chosen: NodeProto = {
    opType: "If",
    inputs: ["large"],
    outputs: ["chosen"],
    attributes: [
      { name: "then_branch", g: branch("Neg"), type: 5 },
      { name: "else_branch", g: branch("Abs"), type: 5 },
    ],
  };
  const constant = (name: string, value: number): NodeProto => ({
    opType: "Constant",
    outputs: [name],
    attributes: [{ name: "value_int", i: value, type: 2 }],
  });
  const sized = model([
    { opType: "Size", inputs: ["x"], outputs: ["size"] },
    constant("two", 2),
    { opType: "Greater", inputs: ["size", "two"], outputs: ["large"] },
    chosen,
    { opType: "Exp", inputs: ["chosen"], outputs: ["y"] },
  ]);

  test("takes one branch", () => {
    expect(parseModel(sized, { shapes: { x: [3] } }).nodes.map(({ opType }) => opType)).toEqual([
      "Neg",
      "Exp",
    ]);
    expect(parseModel(sized, { shapes: { x: [2] } }).nodes.map(({ opType }) => opType)).toEqual([
      "Abs",
      "Exp",
    ]);
  });

  test("is refused when it depends on the image, and operators of branches are looked at", () => {
    const computed = model([
      { opType: "Cast", inputs: ["x"], outputs: ["large"], attributes: [{ name: "to", i: 9, type: 2 }] },
      { ...chosen, outputs: ["y"] },
    ]);
    expect(() => parseModel(computed)).toThrow(/a condition of If that depends on sizes alone/);
    const loop = { name: "then_branch", g: branch("Loop"), type: 5 };
    const inside = model([constant("large", 1), { ...chosen, outputs: ["y"], attributes: [loop] }]);
    expect(() => parseModel(inside)).toThrow(/unsupported operators: Loop$/);
  });
});

test("a part in the middle has a size for every axis", () => {
  const bytes = onnxModel(
    18,
    [{ op: "CenterCropPad", inputs: ["x", "shape"] }],
    { x: [4, 3] },
    { shape: ints(2) },
  );
  expect(() => parseModel(bytes)).toThrow("expected 2 sizes, got [2]");
});

test("functions of a model are written out, one in the other", () => {
  const own = (opType: string, inputs: string[], outputs: string[]): NodeProto => ({
    opType,
    inputs,
    outputs,
    domain: "own",
  });
  const scaled = {
    name: "Scaled",
    domain: "own",
    inputs: ["v"],
    outputs: ["w"],
    nodes: [
      {
        opType: "LeakyRelu",
        inputs: ["v"],
        outputs: ["t"],
        attributes: [{ name: "alpha", reference: "slope", type: 1 }],
      },
      { opType: "Neg", inputs: ["t"], outputs: ["w"] },
    ],
  };
  const twice = {
    name: "Twice",
    domain: "own",
    inputs: ["v"],
    outputs: ["w"],
    nodes: [
      { ...own("Scaled", ["v"], ["t"]), attributes: [{ name: "slope", f: 0.5, type: 1 }] },
      { ...own("Scaled", ["t"], ["w"]), attributes: [{ name: "slope", f: 0.25, type: 1 }] },
    ],
  };
  const bytes = model([own("Twice", ["x"], ["t"]), { opType: "Abs", inputs: ["t"], outputs: ["y"] }], {
    functions: [scaled, twice],
  });
  expect(run(bytes, floats([2, -2]))).toEqual([0.5, 1]);
});

test("no gradient flows through the values that are named", () => {
  const nodes: readonly OnnxNode[] = [
    { op: "Exp", inputs: ["x"], outputs: ["e"] },
    { op: "Mul", inputs: ["x", "e"] },
  ];
  const bytes = onnxModel(17, nodes, { x: [1] });
  const slope = (stopGradients?: readonly string[]): number => {
    const graph = parseModel(bytes, { stopGradients });
    const loss = ops.ReduceSum(graph.outputs.get("y")!, undefined, { keepdims: 0 });
    graph.output("dx", gradients(loss, [graph.inputs[0]!])[0]!);
    return numbers(interpret(graph, { x: floats([1]) }).dx!)[0]!;
  };
  expect(slope()).toBeCloseTo(2 * Math.E);
  expect(slope(["e"])).toBeCloseTo(Math.E);
  expect(() => slope(["f"])).toThrow("stopGradients: expected names of values, got [f]");
});

test("the operators of a file, also of one that cannot be read", () => {
  const bytes = model([
    relu,
    { ...relu, opType: "Gelu", outputs: ["g"] },
    { ...relu, opType: "Loop", outputs: ["l"] },
    { ...relu, opType: "Attention", domain: "com.microsoft", outputs: ["m"] },
    { ...relu, outputs: ["r"] },
  ]);
  expect(() => parseModel(bytes)).toThrow(UnsupportedOpError);
  const none = { count: 1, known: false, gradient: false };
  expect(modelOperators(bytes)).toEqual({
    opset: 18,
    operators: [
      { name: "Gelu", count: 1, known: true, gradient: true },
      { name: "Loop", ...none },
      { name: "Relu", count: 2, known: true, gradient: true },
      { name: "com.microsoft.Attention", ...none },
    ],
  });
});

test("the operators of a file are those of its functions, and lists of values have gradients", () => {
  const call: NodeProto = { opType: "F", domain: "own", inputs: ["x"], outputs: ["l"] };
  const body: NodeProto = { opType: "SplitToSequence", inputs: ["a"], outputs: ["b"] };
  const f = { name: "F", domain: "own", inputs: ["a"], outputs: ["b"] };
  const end: NodeProto = {
    opType: "ConcatFromSequence",
    inputs: ["l"],
    outputs: ["y"],
    attributes: [{ name: "axis", i: 0, type: 2 }],
  };
  const known = { count: 1, known: true, gradient: true };
  const bytes = model([call, end], { functions: [{ ...f, nodes: [body] }] });
  expect(() => parseModel(bytes)).not.toThrow();
  expect(modelOperators(bytes).operators).toEqual([
    { name: "ConcatFromSequence", ...known },
    { name: "SplitToSequence", ...known },
  ]);
  const circle = model([call, end], { functions: [{ ...f, nodes: [call] }] });
  expect(modelOperators(circle).operators).toContainEqual({
    name: "own.F",
    count: 1,
    known: false,
    gradient: false,
  });
});

describe("sizes that no machine holds are refused at once", () => {
  const huge = ints(100_000, 100_000);
  const bombs: readonly (readonly [string, readonly OnnxNode[], Readonly<Record<string, Tensor>>])[] = [
    [
      "ConstantOfShape",
      [
        { op: "ConstantOfShape", inputs: ["n"], outputs: ["c"] },
        { op: "Add", inputs: ["x", "c"] },
      ],
      { n: huge },
    ],
    [
      "Range",
      [
        { op: "Range", inputs: ["a", "b", "d"], outputs: ["c"] },
        { op: "Gather", inputs: ["x", "c"] },
      ],
      { a: scalar(0), b: scalar(1e12), d: scalar(1) },
    ],
    ["Expand", [{ op: "Expand", inputs: ["x", "n"] }], { n: ints(100_000, 100_000, 2) }],
    [
      "Expand of a constant",
      [
        { op: "Expand", inputs: ["one", "n"], outputs: ["c"] },
        { op: "Add", inputs: ["x", "c"] },
      ],
      { n: huge, one: ints(1) },
    ],
    ["Tile", [{ op: "Tile", inputs: ["x", "n"] }], { n: ints(4e9) }],
    ["Pad", [{ op: "Pad", inputs: ["x", "n"] }], { n: ints(0, 4e9) }],
    ["Resize", [{ op: "Resize", inputs: ["x", "", "", "n"] }], { n: ints(4e9) }],
    ["OneHot", [{ op: "OneHot", inputs: ["x", "n", "v"] }], { n: scalar(4e9), v: floats([0, 1]) }],
    ["Reshape", [{ op: "Reshape", inputs: ["x", "n"] }], { n: huge }],
    [
      "MatMul",
      [
        { op: "Unsqueeze", inputs: ["x", "one"], outputs: ["c"] },
        { op: "Expand", inputs: ["c", "n"], outputs: ["e"] },
        { op: "MatMul", inputs: ["e", "x"] },
      ],
      { one: ints(1), n: ints(2, 4e9) },
    ],
    [
      "GroupNormalization",
      [{ op: "GroupNormalization", inputs: ["x", "v", "v"], attributes: { num_groups: 4e9 } }],
      { v: floats([0, 1]) },
    ],
    [
      "a chain of constants",
      Array.from(
        { length: 40 },
        (_, i): OnnxNode => ({ op: "ConstantOfShape", inputs: ["n"], outputs: [i === 39 ? "y" : `c${i}`] }),
      ),
      { n: ints(4_000_000) },
    ],
  ];

  test.each(bombs)("%s", (_, nodes, stored) => {
    expect(() => parseModel(onnxModel(21, nodes, { x: [2] }, stored))).toThrow(GraphError);
  });

  test("If nested in If without end", () => {
    let inner: GraphProto = { nodes: [{ ...relu, outputs: ["b0"] }], outputs: [{ name: "b0" }] };
    for (let depth = 1; depth < 60; depth++) {
      inner = {
        nodes: [
          {
            opType: "If",
            inputs: ["c"],
            outputs: [`b${depth}`],
            attributes: [{ name: "then_branch", g: inner, type: 5 }],
          },
        ],
        outputs: [{ name: `b${depth}` }],
      };
    }
    const { data, ...one } = truth(true);
    const bytes = model(
      [
        {
          opType: "If",
          inputs: ["c"],
          outputs: ["y"],
          attributes: [{ name: "then_branch", g: inner, type: 5 }],
        },
      ],
      {
        graph: {
          initializers: [{ name: "c", dims: one.dims as number[], dataType: 9, rawData: data as Uint8Array }],
        },
      },
    );
    expect(() => parseModel(bytes)).toThrow(/nested deeper than 64/);
  });
});
