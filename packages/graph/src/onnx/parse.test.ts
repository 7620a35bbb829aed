import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import {
  GraphError,
  interpret,
  modelMetadata,
  parseModel,
  serializeModel,
  UnsupportedOpError,
} from "../index.js";
import { onnxModel } from "../testing/onnx-model.js";
import { add, addModel, folder, golden, model, relu, weight } from "./hand-made.test.helper.js";
import type { NodeProto } from "./onnx-proto.js";

interface Plain {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}
const expected: Record<string, { feeds: Record<string, Plain>; outputs: Record<string, Plain> }> = JSON.parse(
  readFileSync(join(folder, "models.json"), "utf8"),
);

describe("files of the onnx library", () => {
  test("a network: names, attributes, open dims, an older operator set, values", () => {
    const { feeds, outputs } = expected.network!;
    const graph = parseModel(golden("network.onnx"), { shapes: { image: feeds.image!.dims } });
    expect(graph.nodes.map(({ name, opType }) => `${name}:${opType}`)).toEqual([
      "conv:Conv",
      "bn:BatchNormalization",
      "relu:LeakyRelu",
      "pool:MaxPool",
      "up:ConvTranspose",
      "clip:Clip",
      "cat:Concat",
    ]);
    expect([...graph.initializers.keys()]).toEqual([
      "enc.weight",
      "enc.bias",
      "bn.scale",
      "bn.bias",
      "bn.mean",
      "bn.var",
      "up.weight",
      "six",
    ]);
    expect(graph.nodes[5]!.inputs[1]).toBeUndefined();
    expect(graph.outputs.get("logits")!.dims).toEqual([2, 3, 4, 6]);
    expect(modelMetadata(golden("network.onnx"))).toEqual({ author: "golden", classes: "3" });
    for (const same of [graph, parseModel(serializeModel(graph))]) {
      const image = {
        type: "float32",
        dims: feeds.image!.dims,
        data: Float32Array.from(feeds.image!.data),
      } as const;
      const { logits } = interpret(same, { image });
      outputs.logits!.data.forEach((value, i) => void expect(logits!.data[i]).toBeCloseTo(value, 5));
    }
    // "" stands for the only input; other sizes are laid out anew.
    expect(
      parseModel(golden("network.onnx"), { shapes: { "": [1, 1, 8, 8] } }).outputs.get("logits")!.dims,
    ).toEqual([1, 3, 8, 8]);
  });

  test("every form of a tensor", () => {
    const notes: string[] = [];
    const graph = parseModel(golden("forms.onnx"), { onNote: (note) => notes.push(note) });
    const stored = Object.fromEntries([...graph.initializers, ...graph.constants]);
    const values: Record<string, readonly [string, readonly (number | bigint)[]]> = {
      raw: ["float32", [1.5, -2]],
      float_data: ["float32", [1.5, -2]],
      double_data: ["float64", [1.5, -2]],
      int64_data: ["int64", [-(2n ** 62n), 7n]],
      uint64_data: ["uint64", [2n ** 63n, 7n]],
      uint32_data: ["uint32", [2 ** 32 - 1, 7]],
      int32_data: ["int32", [-5, 7]],
      int16_data: ["int16", [-5, 7]],
      uint16_data: ["uint16", [65535, 7]],
      int8_data: ["int8", [-5, 7]],
      uint8_data: ["uint8", [255, 7]],
      bool_data: ["bool", [1, 0]],
      half_data: ["float32", [1.5, -(2 ** -24)]],
      half_raw: ["float32", [65504, Number.POSITIVE_INFINITY]],
      bfloat_data: ["float32", [1.5, -2]],
      cf: ["float32", [0.25]],
      cfs: ["float32", [0.25, 0.5]],
      ci: ["int64", [-3n]],
      cis: ["int64", [3n, 2n ** 40n]],
      ct: ["int32", [9]],
    };
    for (const [name, [type, data]] of Object.entries(values)) {
      expect([name, stored[name]?.type, [...(stored[name]?.data ?? [])]]).toEqual([name, type, data]);
    }
    expect(stored.cf!.dims).toEqual([]);
    expect(stored.ct!.dims).toEqual([1, 1]);
    expect(notes.sort()).toEqual([
      "1 bfloat16 tensor(s) became float32",
      "2 float16 tensor(s) became float32",
    ]);
  });

  test("16-bit models become float32 throughout", () => {
    const graph = parseModel(golden("half.onnx"));
    const y = interpret(graph, { x: { type: "float32", dims: [2], data: Float32Array.of(1, 3) } }).y!;
    expect([...y.data]).toEqual([1, 8]);
  });

  test("nodes in any order, those of branches too", () => {
    const node = (opType: string, input: string, output: string): NodeProto => ({
      ...relu,
      opType,
      inputs: [input],
      outputs: [output],
    });
    const branch = (nodes: readonly NodeProto[]) => ({ nodes, outputs: [{ name: "branch" }] });
    const scattered = [
      node("Neg", "b", "y"),
      {
        opType: "If",
        inputs: ["yes"],
        outputs: ["b"],
        attributes: [
          { name: "then_branch", g: branch([node("Abs", "t", "branch"), node("Exp", "a", "t")]), type: 5 },
          { name: "else_branch", g: branch([node("Identity", "a", "branch")]), type: 5 },
        ],
      },
      node("Relu", "x", "a"),
      { opType: "Cast", inputs: ["one"], outputs: ["yes"], attributes: [{ name: "to", i: 9, type: 2 }] },
      { opType: "Constant", outputs: ["one"], attributes: [{ name: "value_int", i: 1, type: 2 }] },
    ];
    const opTypes = parseModel(model(scattered)).nodes.map(({ opType }) => opType);
    expect(opTypes).toEqual(["Relu", "Exp", "Abs", "Neg"]);
  });

  test("a long chain of nodes from its end", () => {
    const chain = Array.from({ length: 4000 }, (_, i) => ({
      ...relu,
      inputs: [i === 0 ? "x" : `v${i - 1}`],
      outputs: [i === 3999 ? "y" : `v${i}`],
    }));
    expect(parseModel(model(chain.toReversed())).nodes.length).toBe(chain.length);
  });

  test("weights are views of the file where they lie straight", () => {
    const bytes = serializeModel(parseModel(golden("network.onnx"), { shapes: { "": [1, 1, 4, 4] } }));
    const aligned = [0, 1, 2, 3].flatMap((shift) => {
      const moved = Buffer.concat([new Uint8Array(shift), bytes]).subarray(shift);
      return [...parseModel(moved).initializers.values()].filter(({ data }) => data.buffer === moved.buffer);
    });
    expect(aligned.length).toBe(8);
  });
});

describe("what is refused", () => {
  const dims = (...sizes: readonly object[]): object => ({
    inputs: [{ name: "x", type: { tensor: { elementType: 1, shape: { dims: sizes } } } }],
  });
  const cases: readonly [string, () => Uint8Array, RegExp][] = [
    ["nothing", () => new Uint8Array(0), /not an ONNX file: it has no graph/],
    ["text", () => Buffer.from("#!/bin/sh\necho no model at all"), /not an ONNX file/],
    ["no operator set", () => model([relu], { opsets: [] }), /does not name the operator set/],
    [
      "a function of itself",
      () =>
        model([{ ...relu, domain: "own" }], {
          functions: [
            {
              name: "Relu",
              domain: "own",
              inputs: ["x"],
              outputs: ["y"],
              nodes: [{ ...relu, domain: "own" }],
            },
          ],
        }),
      /functions are nested more than 16 deep/,
    ],
    ["sparse weights", () => model([relu], { graph: { sparseInitializers: [{}] } }), /sparse weights/],
    ["no outputs", () => model([relu], { graph: { outputs: [] } }), /no outputs/],
    [
      "a circle",
      () =>
        model([
          { ...relu, inputs: ["b"], outputs: ["a"] },
          { ...relu, inputs: ["a"], outputs: ["b"] },
        ]),
      /uses a, which no earlier node makes/,
    ],
    ["a node of itself", () => model([{ ...relu, inputs: ["y"] }]), /uses y, which no earlier node makes/],
    ["a missing output", () => model([{ ...relu, outputs: ["z"] }]), /the outputs: uses y/],
    ["one name twice", () => model([relu, relu]), /a value of this name already/],
    [
      "a weight twice",
      () => model([add], { graph: { initializers: [weight(), weight()] } }),
      /a value of this name already/,
    ],
    [
      "a constant over a value",
      () =>
        model([
          relu,
          { opType: "Constant", outputs: ["y"], attributes: [{ name: "value_float", f: 1, type: 1 }] },
        ]),
      /a value y already exists/,
    ],
    [
      "an attribute twice",
      () =>
        model([
          {
            ...relu,
            attributes: [
              { name: "a", i: 1, type: 2 },
              { name: "a", i: 1, type: 2 },
            ],
          },
        ]),
      /a: is given twice/,
    ],
    [
      "a graph attribute",
      () => model([{ ...relu, attributes: [{ name: "body", g: {}, type: 5 }] }]),
      /attribute type 5/,
    ],
    [
      "a constant without value",
      () => model([{ opType: "Constant", outputs: ["y"] }]),
      /one value of numbers/,
    ],
    [
      "a constant's numbers that are a text",
      () => {
        const attributes = [{ name: "value_floats", s: new Uint8Array(1), type: 3 }];
        return model([{ opType: "Constant", outputs: ["y"], attributes }]);
      },
      /value_floats: expected a number or numbers, got an attribute that is not numeric/,
    ],
    [
      "a constant's numbers that are texts",
      () => {
        const attributes = [{ name: "value_ints", strings: ["1"], type: 8 }];
        return model([{ opType: "Constant", outputs: ["y"], attributes }]);
      },
      /value_ints: expected a number or numbers, got an attribute that is not numeric/,
    ],
    [
      "short raw data",
      () => addModel({ rawData: new Uint8Array(7) }),
      /w: expected 8 bytes of float32, got 7/,
    ],
    ["no data", () => addModel({ rawData: undefined }), /w: expected 2 elements of float32, got 0/],
    [
      "data in another field",
      () => addModel({ rawData: undefined, int32Data: BigInt64Array.of(1n, 2n) }),
      /w: expected 2 elements of float32, got 0/,
    ],
    ["negative dims", () => addModel({ dims: [-2] }), /w: expected dims from 0/],
    [
      "dims that overflow",
      () => addModel({ dims: [2 ** 32, 2 ** 32, 2 ** 32] }),
      /w: expected fewer than 2\^33 elements/,
    ],
    ["many dims", () => addModel({ dims: new Array(17).fill(1) }), /at most 16 dims/],
    ["strings", () => addModel({ dataType: 8 }), /data type 8/],
    ["complex numbers", () => addModel({ dataType: 14 }), /data type 14/],
    ["no type", () => addModel({ dataType: undefined }), /data type 0/],
    [
      "shapes that do not fit",
      () => addModel({ dims: [3], rawData: new Uint8Array(12) }),
      /shapes that broadcast/,
    ],
    [
      "a sequence as input",
      () => model([relu], { graph: { inputs: [{ name: "x" }] } }),
      /x: expected a tensor as input/,
    ],
    [
      "strings as input",
      () =>
        model([relu], {
          graph: { inputs: [{ name: "x", type: { tensor: { elementType: 8, shape: { dims: [] } } } }] },
        }),
      /x: expected numbers or booleans/,
    ],
    [
      "open dims",
      () => model([relu], { graph: dims({ param: "N" }, { value: 3 }, {}) }),
      /shapes: give whole numbers for the open dims of x \[N, 3, \?\]/,
    ],
    [
      "an open rank",
      () => model([relu], { graph: { inputs: [{ name: "x", type: { tensor: { elementType: 1 } } }] } }),
      /x \[rank unknown\]/,
    ],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => parseModel(bytes())).toThrow(GraphError);
    expect(() => parseModel(bytes())).toThrow(message);
  });

  test.each([
    [{ image: [1, 1, 4] }, /shapes\.image: expected 4 dims/],
    [{ image: [1, 1, 4, 0] }, /shapes\.image: expected whole numbers of 1 or more/],
    [{ image: [1, 1, 4, 4.5] }, /shapes\.image/],
    [{ other: [1] }, /shapes: expected inputs of the model: image, got other/],
    [{ image: [1, 2, 4, 4] }, /conv/],
  ])("shapes %j", (shapes, message) => {
    expect(() => parseModel(golden("network.onnx"), { shapes: shapes as Record<string, number[]> })).toThrow(
      GraphError,
    );
    expect(() => parseModel(golden("network.onnx"), { shapes: shapes as Record<string, number[]> })).toThrow(
      message,
    );
  });

  test("values of inputs become constants, from which sizes follow", () => {
    const file = onnxModel(18, [{ op: "Expand", inputs: ["x", "size"] }], { x: [1], size: [2] });
    // Inputs of the file are float32 unless their types say otherwise.
    expect(() =>
      parseModel(file, { values: { size: tensor("int64", BigInt64Array.of(3n, 4n), [2]) } }),
    ).toThrow("values.size: expected float32, got int64");
    const cast = onnxModel(
      18,
      [
        { op: "Cast", inputs: ["size"], outputs: ["dims"], attributes: { to: 7 } },
        { op: "Expand", inputs: ["x", "dims"] },
      ],
      { x: [1], size: [2] },
    );
    const size = tensor("float32", Float32Array.of(3, 4), [2]);
    const graph = parseModel(cast, { values: { size } });
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(graph.outputs.get("y")!.dims).toEqual([3, 4]);
    expect(() => parseModel(cast)).toThrow();
    expect(() => parseModel(cast, { values: { other: size } })).toThrow(
      "inputs of the model: x, size, got other",
    );
    const wrong = tensor("float32", new Float32Array(2), [1, 2]);
    expect(() => parseModel(cast, { values: { size: wrong } })).toThrow("shapes.size: expected 1 dims");
  });

  test('"" with several inputs', () => {
    expect(() => parseModel(model([relu]), { shapes: { "": [3] } })).not.toThrow();
    const none = model(
      [{ opType: "Constant", outputs: ["y"], attributes: [{ name: "value_float", f: 1, type: 1 }] }],
      { graph: { inputs: [] } },
    );
    expect(() => parseModel(none, { shapes: { "": [3] } })).toThrow(/the model has 0 inputs/);
  });

  test("unknown operators, all at once", () => {
    const bytes = model([
      { ...relu, opType: "NonMaxSuppression", outputs: ["a"] },
      { ...relu, domain: "com.microsoft", opType: "Gelu" },
    ]);
    expect(() => parseModel(bytes)).toThrow(UnsupportedOpError);
    expect(() => parseModel(bytes)).toThrow(/unsupported operators: NonMaxSuppression, com\.microsoft\.Gelu/);
    expect(() => parseModel(model([{ ...relu, opType: "toString" }]))).toThrow(UnsupportedOpError);
  });
});

describe("other operator sets", () => {
  const attributes = (name: string): NodeProto["attributes"] => [{ name, ints: [0], type: 7 }];
  const cases: readonly [NodeProto, number, boolean][] = [
    [relu, 7, true],
    [relu, 28, true],
    [relu, 6, false],
    [relu, 29, false],
    [{ ...relu, opType: "Softmax", attributes: [{ name: "axis", i: 0, type: 2 }] }, 12, true],
    [{ ...relu, opType: "ReduceMean", attributes: attributes("axes") }, 17, true],
    [{ ...relu, opType: "DepthToSpace" }, 28, false],
    [{ ...relu, opType: "HardSwish" }, 13, false],
    [{ ...relu, opType: "Upsample" }, 18, false],
    [{ ...relu, domain: "ai.onnx" }, 17, true],
  ];
  test.each(cases)("%j in set %i: %s", (node, opset, accepted) => {
    const parse = (): unknown => parseModel(model([node], { opset }));
    if (accepted) expect(parse).not.toThrow();
    else
      expect(parse).toThrow(
        `operators that set ${opset} does not have${opset === 18 ? "" : ", or defines differently from set 18"}: ${node.opType}`,
      );
  });
});
