import { describe, expect, test } from "vitest";
import { interpret, parseModel } from "../index.js";
import { model } from "./hand-made.test.helper.js";
import type { NodeProto, TensorProto } from "./onnx-proto.js";

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
    expect(() => parseModel(ranged(4e9))).toThrow(/at most 33554432 bytes of constants/);
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
      [ints("n", 5_000_000), node("Expand", ["w", "n"], "e"), node("Gather", ["x", "e"], "y")],
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
    expect(() => parseModel(bytes)).toThrow(/ConstantOfShape is supported with constant operands only/);
    const huge = model([ints("s", 1e6, 1e6), node("ConstantOfShape", ["s"], "c"), node("Relu", ["c"], "y")]);
    expect(() => parseModel(huge)).toThrow(/at most 33554432 bytes of constants/);
  });
});
