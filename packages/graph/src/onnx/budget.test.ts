import { describe, expect, test } from "vitest";
import { interpret, parseModel } from "../index.js";
import { model } from "./hand-made.test.helper.js";
import type { AttributeProto, FunctionProto, NodeProto } from "./onnx-proto.js";

const node = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly AttributeProto[] = [],
): NodeProto => ({ opType, inputs, outputs, attributes });
const int = (name: string, i: number): AttributeProto => ({ name, i, type: 2 });
const list = (name: string, ...values: number[]): AttributeProto => ({ name, ints: values, type: 7 });
const ints = (name: string, ...values: number[]): NodeProto =>
  node("Constant", [], [name], [list("value_ints", ...values)]);
const count = (name: string, value: number): NodeProto =>
  node("Constant", [], [name], [int("value_int", value)]);
const floats = (name: string, ...values: number[]): NodeProto =>
  node("Constant", [], [name], [{ name: "value_floats", floats: values, type: 6 }]);
const each = (times: number, make: (i: number) => readonly NodeProto[]): NodeProto[] =>
  Array.from({ length: times }, (_, i) => make(i)).flat();
/** Makes y = x + the sum of the value called `name`. */
const used = (name: string): NodeProto[] => [
  node("Cast", [name], ["used"], [int("to", 1)]),
  node("ReduceSum", ["used"], ["total"], [int("keepdims", 0)]),
  node("Add", ["x", "total"], ["y"]),
];
/** Makes [rows, columns] of zeros. */
const zeros = (name: string, ...dims: number[]): NodeProto[] => [
  ints(`${name}_shape`, ...dims),
  node("ConstantOfShape", [`${name}_shape`], [name]),
];

const calls = (name: string, called: string, times: number, length = 1): FunctionProto => ({
  name,
  domain: "d",
  inputs: ["i"],
  outputs: ["o"],
  opsets: [{ version: 18 }],
  nodes: Array.from({ length: times }, (_, at) => ({
    opType: called,
    domain: called === "Relu" ? "" : "d",
    name: "n".repeat(length),
    inputs: [at === 0 ? "i" : `t${at - 1}`],
    outputs: [at === times - 1 ? "o" : `t${at}`],
  })),
});
const nested = (depth: number, times: number, length = 1): Uint8Array =>
  model([{ ...node("f0", ["x"], ["y"]), domain: "d" }], {
    functions: Array.from({ length: depth }, (_, at) =>
      calls(`f${at}`, at === depth - 1 ? "Relu" : `f${at + 1}`, times, length),
    ),
  });

/** A few kilobytes each, that ask for hours or gigabytes. */
const bombs: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["functions that call each other", nested(16, 10), /more than \d+ nodes, too many for a file of this size/],
  [
    "functions that call themselves",
    model([{ ...node("f", ["x"], ["y"]), domain: "d" }], { functions: [calls("f", "f", 1)] }),
    /more than 16 deep/,
  ],
  ["long names of functions", nested(12, 3, 400), /names in its functions are too long|more than \d+ nodes/],
  [
    "constants of 4M",
    model([
      ...each(4, (i) => [
        ...zeros(`c${i}`, 2 ** 22),
        node("ReduceSum", [`c${i}`], [`q${i}`], [int("keepdims", 0)]),
        node("Add", [i === 0 ? "x" : `a${i - 1}`, `q${i}`], [`a${i}`]),
      ]),
      node("Relu", ["a3"], ["y"]),
    ]),
    /ConstantOfShape of c2: expected at most 33554432 bytes of constants/,
  ],
  [
    "a list that doubles",
    model([
      ints("z0", 1),
      ...each(60, (i) => [node("Concat", [`z${i}`, `z${i}`], [`z${i + 1}`], [int("axis", 0)])]),
      ...used("z60"),
    ]),
    /more than 268435456 elements from constants alone/,
  ],
  [
    "a filled one that is tiled",
    model([
      ...zeros("z0", 8),
      ints("twice", 2),
      ...each(60, (i) => [node("Tile", [`z${i}`, "twice"], [`z${i + 1}`])]),
      ...used("z60"),
    ]),
    /more than 268435456 elements from constants alone/,
  ],
  [
    "one that is expanded",
    model([
      ...zeros("one", 1),
      ...each(500, (i) => [
        ints(`s${i}`, 2 ** 20 + i),
        node("Expand", ["one", `s${i}`], [`e${i}`]),
        ...(i === 0 ? [node("Neg", ["e0"], ["sum0"])] : []),
      ]),
      ...used("sum0"),
    ]),
    /more than 268435456 elements from constants alone/,
  ],
  [
    "ranges",
    model([
      count("start", 0),
      count("limit", 2 ** 19),
      count("step", 1),
      ...each(40, (i) => [node("Range", ["start", "limit", "step"], [`r${i}`])]),
      ...used("r0"),
    ]),
    /Range of r4: expected at most 33554432 bytes/,
  ],
  [
    "a range without end",
    model([
      count("start", 0),
      count("limit", 9),
      count("step", 0),
      node("Range", ["start", "limit", "step"], ["r"]),
      ...used("r"),
    ]),
    /Range of r: expected a start, a limit and a delta other than 0 for Range/,
  ],
  [
    "places of what is not zero",
    model([
      ...zeros("z", 1024, 1024),
      ...each(99, (i) => [node("NonZero", ["z"], [`n${i}`])]),
      ...used("n0"),
    ]),
    /NonZero of n3: expected at most 33554432 bytes/,
  ],
  [
    "classes",
    model([
      count("depth", 2 ** 20),
      floats("values", 0, 1),
      node("Cast", ["x"], ["i"], [int("to", 7)]),
      ...each(50, (i) => [node("OneHot", ["i", "depth", "values"], [`h${i}`])]),
      ...used("h0"),
    ]),
    /OneHot of h4: expected at most 33554432 bytes/,
  ],
  [
    "lists of many values",
    model([
      ...zeros("long", 4096),
      ...each(50, (i) => [
        node("SplitToSequence", ["long"], [`l${i}`], [int("keepdims", 0)]),
        node("ConcatFromSequence", [`l${i}`], [`c${i}`], [int("axis", 0), int("new_axis", 1)]),
      ]),
      ...used("c0"),
    ]),
    /more than \d+ nodes, too many for a file of this size/,
  ],
  [
    "paddings of paddings",
    model([
      ...zeros("z0", 4),
      ...each(40, (i) => [ints(`p${i}`, 0, 4 << i), node("Pad", [`z${i}`, `p${i}`], [`z${i + 1}`])]),
      ...used("z40"),
    ]),
    /more than 268435456 elements|at most 2147483648 elements|cannot be laid out/,
  ],
  [
    "axes without end",
    model([
      ints("axes", ...Array.from({ length: 900 }, (_, i) => i)),
      node("Unsqueeze", ["x", "axes"], ["y"]),
    ]),
    /at most 16 dims, got 901/,
  ],
  [
    "a mask",
    model([...zeros("z", 2 ** 22, 64), node("Trilu", ["z"], ["t"]), ...used("t")]),
    /at most 33554432 bytes/,
  ],
];

describe("what a file may cost", () => {
  test.each(bombs)("%s", (_, bytes, message) => {
    expect(bytes.length).toBeLessThan(40_000);
    expect(() => parseModel(bytes)).toThrow(message);
  });

  /** Small files with much arithmetic, which is left to the runtime. */
  test.each<readonly [string, readonly NodeProto[]]>([
    [
      "products",
      [
        ...zeros("m0", 100, 100),
        ...each(50, (i) => [node("MatMul", [`m${i}`, "m0"], [`m${i + 1}`])]),
        ...used("m50"),
      ],
    ],
    [
      "convolutions",
      [
        ...zeros("k0", 1, 1, 100, 100),
        ...zeros("w", 1, 1, 51, 51),
        ...each(30, (i) => [node("Conv", [`k${i}`, "w"], [`k${i + 1}`], [list("pads", 25, 25, 25, 25)])]),
        ...used("k30"),
      ],
    ],
    [
      "windows",
      [
        ...zeros("p0", 1, 1, 100, 100),
        ...each(30, (i) => [
          node(
            "AveragePool",
            [`p${i}`],
            [`p${i + 1}`],
            [list("kernel_shape", 99, 99), list("pads", 49, 49, 49, 49)],
          ),
        ]),
        ...used("p30"),
      ],
    ],
    [
      "interpolations",
      [
        ...zeros("r", 1, 1, 1, 8000),
        ints("sizes", 1, 1, 1, 16000),
        ...each(30, (i) => [
          node(
            "Resize",
            ["r", "", "", "sizes"],
            [`r${i}`],
            [{ name: "mode", s: Buffer.from("linear"), type: 3 }],
          ),
        ]),
        ...used("r0"),
      ],
    ],
    [
      "orders",
      [
        ...zeros("o", 2 ** 17),
        ints("k", 2 ** 17),
        ...each(60, (i) => [node("TopK", ["o", "k"], [`o${i}`, ""])]),
        ...used("o0"),
      ],
    ],
    [
      "pieces without an output",
      [
        ...zeros("long", 4096),
        ...each(50, (i) => [node("Split", ["long"], [`s${i}`], [int("num_outputs", 4096)])]),
        ...used("s0"),
      ],
    ],
    ["a triangle", [...zeros("z", 2048, 2048), node("Trilu", ["z"], ["t"]), ...used("t")]],
  ])("%s stay in the graph", (_, nodes) => {
    const graph = parseModel(model(nodes));
    expect(graph.nodes.length).toBeGreaterThan(0);
    expect(graph.outputs.get("y")!.dims).toEqual([2]);
  });

  test("outputs without names take no longer from node to node", () => {
    const nodes = Array.from({ length: 20_000 }, () => ({ ...node("Dropout", ["x"], [""]), name: "n" }));
    const split = Array.from({ length: 20_000 }, () => ({ ...node("Abs", ["x"], [""]), name: "n" }));
    expect(parseModel(model([...nodes, ...split, node("Relu", ["x"], ["y"])])).nodes).toHaveLength(20_001);
  });

  test("arithmetic on sizes is folded however much was folded before", () => {
    const nodes = [
      ...zeros("z0", 2 ** 19),
      ...each(20, (i) => [node("Neg", [`z${i}`], [`z${i + 1}`])]),
      node("Shape", ["x"], ["s"]),
      ...each(500, (i) => [
        node("Add", ["s", "s"], [`a${i}`]),
        node("Sub", [`a${i}`, "s"], [`b${i}`]),
        node("Expand", [i === 0 ? "x" : `x${i - 1}`, `b${i}`], [`x${i}`]),
      ]),
      node("Relu", ["x499"], ["y"]),
    ];
    const graph = parseModel(model(nodes));
    expect(graph.nodes.filter(({ opType }) => opType === "Expand")).toHaveLength(500);
    expect(graph.nodes.some(({ opType }) => opType === "Add")).toBe(false);
  });

  test("large fillings and triangles are what they are when they are small", () => {
    const nodes = (rows: number): NodeProto[] => [
      ints("shape", rows, 128),
      node(
        "ConstantOfShape",
        ["shape"],
        ["ones"],
        [
          {
            name: "value",
            t: { dims: [1], dataType: 1, rawData: new Uint8Array(Float32Array.of(1).buffer) },
            type: 4,
          },
        ],
      ),
      count("k", 3),
      node("Trilu", ["ones", "k"], ["t"], [int("upper", 0)]),
      node("Cast", ["t"], ["used"], [int("to", 1)]),
      node("ReduceSum", ["used"], ["total"], [int("keepdims", 0)]),
      node("Add", ["x", "total"], ["y"]),
    ];
    const x = { type: "float32", dims: [2], data: Float32Array.of(0, 1) } as const;
    for (const rows of [16, 10_000]) {
      let total = 0;
      for (let row = 0; row < rows; row++) total += Math.min(128, row + 4);
      expect([...interpret(parseModel(model(nodes(rows))), { x }).y!.data]).toEqual([total, total + 1]);
    }
  });

  test("the nodes of functions share what their attributes hold", () => {
    const data = new Uint8Array(4 * 50_000 + 1);
    const stored: NodeProto = node(
      "Constant",
      [],
      ["c"],
      [{ name: "value", t: { dims: [50_000], dataType: 1, rawData: data.subarray(1) }, type: 4 }],
    );
    const body = [
      stored,
      node("ReduceSum", ["c"], ["q"], [int("keepdims", 0)]),
      node("Add", ["i", "q"], ["o"]),
    ];
    const shared: FunctionProto = { name: "f", domain: "d", inputs: ["i"], outputs: ["o"], nodes: body };
    const bytes = model(
      [
        ...Array.from({ length: 2000 }, (_, i) => ({
          ...node("f", [i === 0 ? "x" : `v${i - 1}`], [i === 1999 ? "y" : `v${i}`]),
          domain: "d",
        })),
      ],
      { functions: [shared] },
    );
    const graph = parseModel(bytes);
    expect(new Set([...graph.constants.values()].map(({ data }) => data)).size).toBeLessThan(100);
  });
});
