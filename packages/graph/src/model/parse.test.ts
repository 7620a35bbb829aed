import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  GraphError,
  interpret,
  modelMetadata,
  parseModel,
  serializeModel,
  UnsupportedOpError,
} from "../index.js";
import {
  type ModelProto,
  modelTable,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./schema.js";
import { encode } from "./wire-writer.js";

const folder = new URL("../../test/golden/", import.meta.url).pathname;
const golden = (name: string): Uint8Array => readFileSync(join(folder, name));
interface Plain {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}
const expected: Record<string, { feeds: Record<string, Plain>; outputs: Record<string, Plain> }> = JSON.parse(
  readFileSync(join(folder, "models.json"), "utf8"),
);

/** The bytes of a model made by hand: an input x and an output y, both [2], unless said otherwise. */
function model(
  nodes: readonly NodeProto[],
  change: Omit<Partial<ModelProto>, "graph"> & { graph?: object; opset?: number } = {},
): Uint8Array {
  const { graph, opset = 18, ...rest } = change;
  const info = (name: string): ValueInfoProto => ({
    name,
    type: { tensor: { elementType: 1, shape: { dims: [{ value: 2 }] } } },
  });
  const proto: ModelProto = {
    irVersion: 8,
    graph: { nodes, name: "g", inputs: [info("x")], outputs: [info("y")], ...graph },
    opsets: [{ version: opset }],
    ...rest,
  };
  return Buffer.concat(encode(modelTable, proto));
}
const relu: NodeProto = { opType: "Relu", inputs: ["x"], outputs: ["y"] };
const weight = (change: Partial<TensorProto> = {}): TensorProto => ({
  name: "w",
  dims: [2],
  dataType: 1,
  rawData: new Uint8Array(8),
  ...change,
});
const add: NodeProto = { opType: "Add", inputs: ["x", "w"], outputs: ["y"] };
const addModel = (change: Partial<TensorProto>): Uint8Array =>
  model([add], { graph: { initializers: [weight(change)] } });

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

  test("weights are views of the file where they lie straight", () => {
    const bytes = serializeModel(parseModel(golden("network.onnx"), { shapes: { "": [1, 1, 4, 4] } }));
    const aligned = [0, 1, 2, 3].flatMap((shift) => {
      const moved = Buffer.concat([new Uint8Array(shift), bytes]).subarray(shift);
      return [...parseModel(moved).initializers.values()].filter(({ data }) => data.buffer === moved.buffer);
    });
    expect(aligned.length).toBe(8);
  });
});

describe("data in other files", () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "external-"));
    await mkdir(join(place, "model"));
    await writeFile(join(place, "secret"), new Uint8Array(8));
    await writeFile(join(place, "model", "data"), new Uint8Array(16).fill(1));
    await symlink(join(place, "secret"), join(place, "model", "link"));
    await symlink(place, join(place, "model", "up"));
    await symlink(join(place, "model", "data"), join(place, "model", "inner"));
    await mkdir(join(place, "model", "..data"));
    await writeFile(join(place, "model", "..data", "d"), new Uint8Array(8));
  });
  afterAll(() => rm(place, { recursive: true }));

  test("of the onnx library", () => {
    const graph = parseModel(golden("external.onnx"), { externalData: folder });
    expect([...graph.initializers.get("w")!.data]).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect([...graph.initializers.get("v")!.data]).toEqual(Array.from({ length: 600 }, (_, i) => i / 8));
    expect(() => parseModel(golden("external.onnx"))).toThrow(
      /w: its data lies in another file: give externalData/,
    );
  });

  test("by a function", () => {
    const asked: unknown[] = [];
    const read = (...range: readonly unknown[]): Uint8Array => {
      asked.push(range);
      return new Uint8Array(range[2] as number);
    };
    parseModel(golden("external.onnx"), { externalData: read });
    expect(asked).toEqual([
      ["external.data", 0, 1200],
      ["external.data", 1200, 2400],
    ]);
  });

  const at = (entries: Record<string, string>): Uint8Array =>
    addModel({
      rawData: undefined,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const parse = (entries: Record<string, string>) => () =>
    parseModel(at(entries), { externalData: join(place, "model") });

  test.each([
    { location: "data", length: "8" },
    { location: "data", offset: "8" },
    { location: "./data", offset: "4", length: "8" },
    { location: "inner", offset: "8", length: "8" },
    { location: "..data/d" },
  ])("%j is read", (entries) => {
    expect(parse(entries as Record<string, string>)().initializers.get("w")!.dims).toEqual([2]);
  });

  const refused: readonly [Record<string, string>, RegExp][] = [
    [{}, /a file name inside of the model's folder/],
    [{ location: "/etc/passwd", length: "8" }, /a file name inside/],
    [{ location: "../secret", length: "8" }, /a file name inside/],
    [{ location: "a/../../secret" }, /a file name inside/],
    [{ location: "..\\secret" }, /a file name inside/],
    [{ location: "C:\\secret" }, /a file name inside/],
    [{ location: "da\0ta" }, /a file name inside/],
    [{ location: "link", length: "8" }, /a file inside of the model's folder, got link, a link to/],
    [{ location: "up/secret", length: "8" }, /a file inside of the model's folder/],
    [{ location: "." }, /a plain file|EISDIR/],
    [{ location: "none" }, /none: ENOENT/],
    [{ location: "data", offset: "12", length: "8" }, /data of at least 20 bytes, got 16/],
    [{ location: "data", offset: "99" }, /at least 99 bytes, got 16/],
    [{ location: "data" }, /w: expected 8 bytes of float32, got 16/],
    [{ location: "data", offset: "-4" }, /w\.offset: expected a whole number/],
    [{ location: "data", length: "1e1" }, /w\.length: expected a whole number/],
    [{ location: "data", length: "99999999999999" }, /at least 99999999999999 bytes/],
  ];
  test.each(refused)("%j is refused", (entries, message) => {
    expect(parse(entries)).toThrow(GraphError);
    expect(parse(entries)).toThrow(message);
  });
});

describe("what is refused", () => {
  const dims = (...sizes: readonly object[]): object => ({
    inputs: [{ name: "x", type: { tensor: { elementType: 1, shape: { dims: sizes } } } }],
  });
  const cases: readonly [string, () => Uint8Array, RegExp][] = [
    ["nothing", () => new Uint8Array(0), /not an ONNX file: it has no graph/],
    ["text", () => Buffer.from("#!/bin/sh\necho no model at all"), /not an ONNX file/],
    ["no operator set", () => model([relu], { opsets: [] }), /which operator set/],
    ["functions", () => model([relu], { functions: [{}] }), /functions inside of a model/],
    ["sparse weights", () => model([relu], { graph: { sparseInitializers: [{}] } }), /sparse weights/],
    ["no outputs", () => model([relu], { graph: { outputs: [] } }), /no outputs/],
    [
      "a circle",
      () =>
        model([
          { ...relu, inputs: ["b"], outputs: ["a"] },
          { ...relu, inputs: ["a"], outputs: ["b"] },
        ]),
      /uses b, which nothing before it makes/,
    ],
    ["a node of itself", () => model([{ ...relu, inputs: ["y"] }]), /uses y, which nothing before it makes/],
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
      /there is a value y already/,
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
      /a: it is there twice/,
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
      /shapes: these inputs leave dims open, give them whole numbers: x \[N, 3, \?\]/,
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

describe("arithmetic on shapes is done while reading", () => {
  const ints = (name: string, ...values: number[]): NodeProto => ({
    opType: "Constant",
    outputs: [name],
    attributes: [{ name: "value_ints", ints: values, type: 7 }],
  });
  const node = (
    opType: string,
    inputs: string[],
    output: string,
    attributes: NodeProto["attributes"] = [],
  ): NodeProto => ({
    opType,
    inputs,
    outputs: [output],
    attributes,
  });

  test("as exporters write a Reshape", () => {
    // [1, -1] of x's own size, by way of Shape, Gather, Unsqueeze, Concat and a filled vector.
    const bytes = model([
      node("Shape", ["x"], "s"),
      ints("zero", 0),
      node("Gather", ["s", "zero"], "g", [{ name: "axis", i: 0, type: 2 }]),
      ints("one", 1),
      node("Concat", ["one", "g"], "shape", [{ name: "axis", i: 0, type: 2 }]),
      node("Reshape", ["x", "shape"], "r"),
      node("ConstantOfShape", ["shape"], "c", [
        {
          name: "value",
          t: { dims: [1], dataType: 1, rawData: new Uint8Array(Float32Array.of(3).buffer) },
          type: 4,
        },
      ]),
      node("Add", ["r", "c"], "y"),
    ]);
    const graph = parseModel(bytes, { shapes: { x: [5] } });
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Reshape", "Add"]);
    expect(graph.outputs.get("y")!.dims).toEqual([1, 5]);
    const x = { type: "float32", dims: [5], data: new Float32Array(5) } as const;
    expect([...interpret(graph, { x }).y!.data]).toEqual([3, 3, 3, 3, 3]);
  });

  test("Range", () => {
    const scalar = (name: string, value: number): NodeProto => ({
      opType: "Constant",
      outputs: [name],
      attributes: [{ name: "value_int", i: value, type: 2 }],
    });
    const ranged = (limit: number): Uint8Array =>
      model([
        scalar("a", 1),
        scalar("b", limit),
        scalar("d", 2),
        node("Range", ["a", "b", "d"], "r"),
        node("Gather", ["x", "r"], "y"),
      ]);
    const graph = parseModel(ranged(6), { shapes: { x: [9] } });
    expect([...graph.constants.get("r")!.data]).toEqual([1n, 3n, 5n]);
    expect(() => parseModel(ranged(4e9))).toThrow(/Range of more than 65536 elements/);
  });

  test("weights stay, as they may be trained; large results stay", () => {
    const w = (dims: number[], dataType: number, rawData: Uint8Array): TensorProto => ({
      name: "w",
      dims,
      dataType,
      rawData,
    });
    const float = model([node("Neg", ["w"], "n"), node("Add", ["x", "n"], "y")], {
      graph: { initializers: [w([2], 1, new Uint8Array(8))] },
    });
    expect(parseModel(float).nodes.map(({ opType }) => opType)).toEqual(["Neg", "Add"]);
    const large = model(
      [ints("n", 70_000), node("Expand", ["w", "n"], "e"), node("Gather", ["x", "e"], "y")],
      {
        graph: { initializers: [w([1], 7, new Uint8Array(8))] },
      },
    );
    expect(parseModel(large).nodes.map(({ opType }) => opType)).toEqual(["Expand", "Gather"]);
  });

  test("operators that must be folded and cannot be", () => {
    const bytes = model([
      node("Cast", ["x"], "i", [{ name: "to", i: 7, type: 2 }]),
      node("ConstantOfShape", ["i"], "c"),
      node("Relu", ["c"], "y"),
    ]);
    expect(() => parseModel(bytes)).toThrow(
      /expected constant operands of ConstantOfShape, got computed ones/,
    );
    const huge = model([ints("s", 1e6, 1e6), node("ConstantOfShape", ["s"], "c"), node("Relu", ["c"], "y")]);
    expect(() => parseModel(huge)).toThrow(/at most 65536 elements/);
  });
});

describe("other operator sets", () => {
  const attributes = (name: string): NodeProto["attributes"] => [{ name, ints: [0], type: 7 }];
  const cases: readonly [NodeProto, number, boolean][] = [
    [relu, 7, true],
    [relu, 28, true],
    [relu, 6, false],
    [relu, 29, false],
    [{ ...relu, opType: "Softmax" }, 12, false],
    [{ ...relu, opType: "Softmax" }, 13, true],
    [{ ...relu, opType: "ReduceMean", attributes: attributes("axes") }, 17, false],
    [{ ...relu, opType: "HardSwish" }, 13, false],
    [{ ...relu, domain: "ai.onnx" }, 17, true],
  ];
  test.each(cases)("%j in set %i: %s", (node, opset, accepted) => {
    const parse = (): unknown => parseModel(model([node], { opset }));
    if (accepted) expect(parse).not.toThrow();
    else
      expect(parse).toThrow(
        new RegExp(`operator set ${opset}, not 18, in which these mean something else: ${node.opType}`),
      );
  });
});

describe("damage never hangs or crashes", () => {
  const safe = (bytes: Uint8Array): void => {
    try {
      parseModel(bytes, { shapes: { "": [1, 1, 4, 4] } });
    } catch (error) {
      if (!(error instanceof GraphError) && !(error instanceof UnsupportedOpError)) throw error;
    }
  };

  test("a network cut at every byte", () => {
    const bytes = golden("network.onnx");
    for (let length = 0; length < bytes.length; length++) safe(bytes.subarray(0, length));
  });

  test("forms cut at every byte", () => {
    const bytes = golden("forms.onnx");
    for (let length = 0; length < bytes.length; length++) safe(bytes.subarray(0, length));
  });

  test.each(["network.onnx", "forms.onnx", "half.onnx"])("mutations of %s", (name) => {
    const seed = golden(name);
    const edits = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at] = value;
        safe(bytes);
      }),
      { numRuns: 4000, seed: 4 },
    );
  });

  test("messages nested without end", () => {
    let bytes = Buffer.alloc(0);
    // Each level is an attribute's graph with one node with one attribute.
    for (let depth = 0; depth < 400; depth++) {
      for (const tag of [0x32, 0x2a, 0x0a]) {
        const size = bytes.length;
        const length =
          size < 128
            ? [size]
            : size < 16384
              ? [(size & 127) | 128, size >> 7]
              : [(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14];
        bytes = Buffer.concat([Buffer.from([tag, ...length]), bytes]);
      }
    }
    const size = bytes.length;
    const all = Buffer.concat([
      Buffer.from(
        [0x3a, (size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14].slice(
          0,
          3 + Number(size >> 14 > 0),
        ),
      ),
      bytes,
    ]);
    expect(() => parseModel(all)).toThrow(/nested deeper than 64|not an ONNX file/);
  });
});
