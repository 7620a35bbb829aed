import type { Tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { Graph, GraphError, inspectModel, ops, parseModel, serializeModel } from "../index.js";
import { add, addModel, folder, golden, model, weight } from "./hand-made.test.helper.js";
import { replaceWeights, type Weights } from "./replace-weights.js";

const floats = (dims: readonly number[], value: (i: number) => number): Tensor<"float32"> => ({
  type: "float32",
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
});
const join = (chunks: readonly Uint8Array[]): Buffer => Buffer.concat(chunks);
const replaced = (bytes: Uint8Array, weights: Weights): Buffer => join(replaceWeights(bytes, weights).model);
const weightsOf = (bytes: Uint8Array): Weights =>
  Object.fromEntries(parseModel(bytes).initializers) as Weights;

/** Counts the bytes in which two files of one length differ. */
const distance = (a: Uint8Array, b: Uint8Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((count, byte, i) => count + (byte === b[i] ? 0 : 1), 0);
};

describe("new weights in an ONNX file", () => {
  test("change their own bytes alone", () => {
    const graph = new Graph("g");
    const x = graph.input("x", "float32", [1, 2, 4, 4]);
    const w = graph.initializer(
      "w",
      floats([2, 2, 1, 1], (i) => i),
    );
    graph.initializer(
      "unused",
      floats([3], (i) => i),
    );
    graph.output("y", ops.Relu(ops.Conv(x, w, undefined, {})));
    const bytes = serializeModel(graph, { metadata: { made: "by hand" } });
    expect(replaced(bytes, {}).equals(bytes)).toBe(true);
    expect(replaced(bytes, weightsOf(bytes)).equals(bytes)).toBe(true);
    const values = floats([2, 2, 1, 1], (i) => 0.1 * i + 7);
    const result = replaced(bytes, { w: values });
    expect(weightsOf(result).w!.data).toEqual(values.data);
    expect(distance(result, bytes)).toBeLessThanOrEqual(16);
  });

  test.each<[string, Parameters<typeof addModel>[0]]>([
    ["raw data", {}],
    ["a list of floats", { rawData: undefined, floatData: new Float32Array(2) }],
  ])("as %s", (_, form) => {
    const bytes = addModel(form);
    const result = replaced(bytes, { w: floats([2], (i) => i + 1.25) });
    expect([...weightsOf(result).w!.data]).toEqual([1.25, 2.25]);
    expect(result.length).toBe(bytes.length);
  });

  test("as 16-bit floats, rounded to nearest", () => {
    const raw = addModel({ dataType: 10, rawData: new Uint8Array(4) });
    const list = addModel({ dataType: 10, rawData: undefined, int32Data: BigInt64Array.of(1n, 15360n) });
    const values = floats([2], (i) => (i === 0 ? 1 + 2 ** -11 : -65504));
    for (const bytes of [raw, list]) {
      expect([...weightsOf(replaced(bytes, { w: values })).w!.data]).toEqual([1, -65504]);
      expect(replaced(bytes, weightsOf(bytes)).equals(bytes)).toBe(true);
    }
    const bfloat = addModel({ dataType: 16, rawData: new Uint8Array(4) });
    expect([
      ...weightsOf(replaced(bfloat, { w: floats([2], (i) => 1 + 0.0078125 * 1.5 * i) })).w!.data,
    ]).toEqual([1, 1.015625]);
  });

  test("come back from the onnx library's own 16-bit file", () => {
    const bytes = golden("half.onnx");
    expect(replaced(bytes, weightsOf(bytes)).equals(bytes)).toBe(true);
  });

  test("in other files are told as patches of them", () => {
    const bytes = golden("external.onnx");
    const values = floats([300], (i) => -i);
    const { model: chunks, patches, locations } = replaceWeights(bytes, { w: values });
    expect(join(chunks).equals(bytes)).toBe(true);
    expect(locations).toEqual(["external.data"]);
    expect(patches.map(({ location, offset }) => [location, offset])).toEqual([["external.data", 0]]);
    expect(join([patches[0]!.bytes]).equals(Buffer.from(values.data.buffer))).toBe(true);
    expect([...parseModel(bytes, { externalData: folder }).initializers.keys()]).toContain("w");
  });

  const merged = (): Uint8Array =>
    model(
      [
        { opType: "Identity", inputs: ["w"], outputs: ["a"] },
        { opType: "Identity", inputs: ["a"], outputs: ["b"] },
        { opType: "Add", inputs: ["x", "a"], outputs: ["s"] },
        { opType: "Mul", inputs: ["s", "b"], outputs: ["y"] },
      ],
      { graph: { initializers: [weight()] } },
    );

  const asStored = { tiedWeights: "keep" } as const;

  test("that an exporter merged stay merged while they are equal", () => {
    const bytes = merged();
    const both = floats([2], (i) => i + 3);
    const graph = parseModel(replaced(bytes, { a: both, b: floats([2], (i) => i + 3) }), asStored);
    expect([...(graph.initializers.get("w")!.data as Float32Array)]).toEqual([3, 4]);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Identity", "Identity", "Add", "Mul"]);
  });

  test("that an exporter merged part where they differ", () => {
    const parted = replaced(merged(), { a: floats([2], () => 3), b: floats([2], () => 4) });
    const graph = parseModel(parted, asStored);
    expect([...graph.initializers].map(([name, { data }]) => [name, ...(data as Float32Array)])).toEqual([
      ["w", 3, 3],
      ["b", 4, 4],
    ]);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Identity", "Add", "Mul"]);
  });

  /**
   * Makes a model of which three layers take w, one of them twice, one through an Identity. A name that
   * untying would make up is taken.
   */
  const tied = (): Uint8Array =>
    model(
      [
        { opType: "Add", inputs: ["x", "w"], outputs: ["a"] },
        { opType: "Sum", inputs: ["w", "a", "w"], outputs: ["b"] },
        { opType: "Identity", inputs: ["w"], outputs: ["same"] },
        { opType: "Mul", inputs: ["b", "same"], outputs: ["w.3"] },
        { opType: "Mul", inputs: ["w.3", "w"], outputs: ["y"] },
      ],
      { graph: { initializers: [weight()] } },
    );

  test("that layers share are one, or one for each of them", () => {
    expect(Object.keys(weightsOf(tied()))).toEqual(["w", "same"]);
    const untied = parseModel(tied(), { tiedWeights: "untie" });
    expect([...untied.initializers.keys()]).toEqual(["w", "w.2", "w.3_", "same"]);
    const inputs = untied.nodes.map((node) => node.inputs.map((input) => input?.name));
    expect(inputs).toEqual([
      ["x", "w"],
      ["w.2", "a", "w.2"],
      ["b", "same"],
      ["w.3", "w.3_"],
    ]);
  });

  test("that layers share part where they differ, and stay shared where not", () => {
    const at = (value: number): Tensor<"float32"> => floats([2], () => value);
    const bytes = tied();
    const equal = replaced(bytes, { w: at(1), "w.2": at(1), same: at(1), "w.3_": at(1) });
    expect(equal.equals(replaced(bytes, { w: at(1) }))).toBe(true);
    const parted = replaced(bytes, { w: at(1), "w.2": at(2), same: at(1), "w.3_": at(3) });
    const graph = parseModel(parted, asStored);
    expect([...graph.initializers].map(([name, { data }]) => [name, ...(data as Float32Array)])).toEqual([
      ["w", 1, 1],
      ["w.2", 2, 2],
      ["w.3_", 3, 3],
    ]);
    expect(graph.nodes.map((node) => node.inputs.map((input) => input?.name))).toEqual([
      ["x", "w"],
      ["w.2", "a", "w.2"],
      ["w"],
      ["b", "same"],
      ["w.3", "w.3_"],
    ]);
    // The parts are found again, and none is made of what only one layer takes.
    expect([...parseModel(parted, { tiedWeights: "untie" }).initializers.keys()].sort()).toEqual([
      "same",
      "w",
      "w.2",
      "w.3_",
    ]);
    expect(() => replaced(bytes, { "w.4": at(1) })).toThrow(
      "weights: expected weights that the model stores",
    );
  });

  test("that an exporter merged part where a branch takes the other one", () => {
    const then = { nodes: [{ ...add, inputs: ["a", "w"] }], outputs: [{ name: "y" }] };
    const bytes = model(
      [
        { opType: "Identity", inputs: ["w"], outputs: ["a"] },
        {
          opType: "If",
          inputs: ["c"],
          outputs: ["y"],
          attributes: [{ name: "then_branch", type: 5, g: then }],
        },
      ],
      {
        graph: { initializers: [weight(), { name: "c", dims: [], dataType: 9, rawData: Uint8Array.of(1) }] },
      },
    );
    const { initializers } = parseModel(replaced(bytes, { a: floats([2], () => 3) }));
    expect([...(initializers.get("w")!.data as Float32Array)]).toEqual([0, 0]);
    expect([...(initializers.get("a")!.data as Float32Array)]).toEqual([3, 3]);
  });

  test("in Constant nodes", () => {
    const bytes = model([
      {
        opType: "Constant",
        outputs: ["c"],
        attributes: [{ name: "value", t: weight({ name: "" }), type: 4 }],
      },
      { opType: "Constant", outputs: ["d"], attributes: [{ name: "value_floats", floats: [1, 2], type: 6 }] },
      { opType: "Add", inputs: ["x", "c"], outputs: ["s"] },
      { opType: "Mul", inputs: ["s", "d"], outputs: ["y"] },
    ]);
    const { constants } = parseModel(
      replaced(bytes, { c: floats([2], () => 5), d: floats([2], (i) => i - 1) }),
    );
    expect([...constants].map(([name, { data }]) => [name, ...(data as Float32Array)])).toEqual([
      ["c", 5, 5],
      ["d", -1, 0],
    ]);
  });

  test("in a file that only a branch names are told of too", () => {
    const stored = weight({
      rawData: undefined,
      dataLocation: 1,
      externalData: [{ key: "location", value: "branch.data" }],
    });
    const branch = { name: "then_branch", type: 5, g: { nodes: [add], initializers: [stored] } };
    const bytes = model([{ opType: "If", inputs: ["x"], outputs: ["y"], attributes: [branch] }]);
    expect(replaceWeights(bytes, {}).locations).toEqual(["branch.data"]);
    expect(inspectModel(bytes).dataFiles).toEqual(["branch.data"]);
  });

  test.each<[string, Uint8Array, Weights]>([
    [
      "c: expected [2], got [3]",
      model([
        {
          opType: "Constant",
          outputs: ["c"],
          attributes: [{ name: "value", t: weight({ name: "" }), type: 4 }],
        },
      ]),
      { c: floats([3], () => 0) },
    ],
    [
      "d: expected [2], got [3]",
      model([
        {
          opType: "Constant",
          outputs: ["d"],
          attributes: [{ name: "value_floats", floats: [1, 2], type: 6 }],
        },
      ]),
      { d: floats([3], () => 0) },
    ],
    [
      "weights: expected weights that the model stores, got [v, z]",
      addModel({}),
      { v: floats([2], () => 0), z: floats([2], () => 0) },
    ],
    ["w: expected [2], got [1, 2]", addModel({}), { w: floats([1, 2], () => 0) }],
    [
      "w: expected float32, float16 or bfloat16, got data type 11",
      addModel({ dataType: 11, rawData: new Uint8Array(16) }),
      { w: floats([2], () => 0) },
    ],
    [
      "w: its data file has a checksum",
      addModel({
        rawData: undefined,
        dataLocation: 1,
        externalData: [
          { key: "location", value: "d" },
          { key: "checksum", value: "00" },
        ],
      }),
      { w: floats([2], () => 0) },
    ],
  ])("refuses: %s", (message, bytes, weights) => {
    expect(() => replaceWeights(bytes, weights)).toThrow(GraphError);
    expect(() => replaceWeights(bytes, weights)).toThrow(message);
  });
});
