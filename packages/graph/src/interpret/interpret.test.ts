import type { Tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { type Attributes, evaluate, fromNumbers, Graph, GraphError, interpret, ops } from "../index.js";
import { difference, floats, numbers } from "../testing/index.js";
import { erf } from "./elementwise.js";

const int64 = (values: readonly number[]): Tensor<"int64"> => fromNumbers("int64", values, [values.length]);
const row = floats([1, 2, 3, 4]);

// Examples of the ONNX operator descriptions, or worked out by hand.
const known: readonly [string, readonly (Tensor | undefined)[], Attributes, readonly number[]][] = [
  ["Round", [floats([0.5, 1.5, 2.5, -0.5, -1.5, 0.4])], {}, [0, 2, 2, 0, -2, 0]],
  ["Mod", [int64([-4, 7, 5, 4]), int64([2, -3, 8, -3])], {}, [0, -2, 5, -2]],
  ["Mod", [floats([-4.5, 7, 5]), floats([2, -3, 8])], { fmod: 1 }, [-0.5, 1, 5]],
  ["Div", [int64([-7, 7]), int64([2, 2])], {}, [-3, 3]],
  ["Cast", [floats([-1.7, 1.7, 0])], { to: 6 }, [-1, 1, 0]],
  ["Cast", [floats([-1.7, 0.1, 0])], { to: 9 }, [1, 1, 0]],
  ["CumSum", [row, int64([0])], { exclusive: 1, reverse: 1 }, [9, 7, 4, 0]],
  ["Gather", [row, int64([-1, 0])], {}, [4, 1]],
  ["ArgMax", [floats([2, 3, 3, 1])], {}, [1]],
  ["ArgMax", [floats([2, 3, 3, 1])], { select_last_index: 1 }, [2]],
  ["Pad", [row, int64([2, 1])], { mode: "reflect" }, [3, 2, 1, 2, 3, 4, 3]],
  ["Pad", [row, int64([2, 1])], { mode: "wrap" }, [3, 4, 1, 2, 3, 4, 1]],
  ["Pad", [row, int64([-1, 2])], { mode: "edge" }, [2, 3, 4, 4, 4]],
  ["Slice", [row, int64([-1]), int64([-1000]), int64([0]), int64([-2])], {}, [4, 2]],
  ["Shape", [floats([1, 2], [1, 2, 1])], { start: 1 }, [2, 1]],
  ["HardSigmoid", [floats([-3, 0, 3])], {}, [0, 0.5, 1]],
  [
    "Resize",
    [floats([1, 2], [1, 1, 2]), undefined, floats([1, 1, 2])],
    { mode: "linear" },
    [1, 1.25, 1.75, 2],
  ],
  [
    "Resize",
    [floats([1, 4], [1, 1, 2]), undefined, undefined, int64([1, 1, 4])],
    { mode: "linear", coordinate_transformation_mode: "align_corners" },
    [1, 2, 3, 4],
  ],
  ["MaxPool", [floats([1, 3, 2, 5], [1, 1, 4])], { kernel_shape: [3], strides: [2], ceil_mode: 1 }, [3, 5]],
  ["AveragePool", [floats([1, 3, 2], [1, 1, 3])], { kernel_shape: [3], pads: [1, 1] }, [2, 2, 2.5]],
  [
    "AveragePool",
    [floats([1, 3, 2], [1, 1, 3])],
    { kernel_shape: [3], pads: [1, 1], count_include_pad: 1 },
    [4 / 3, 2, 5 / 3],
  ],
  ["ScatterND", [row, fromNumbers("int64", [1, 3], [2, 1]), floats([9, 8])], {}, [1, 9, 3, 8]],
  ["GatherND", [floats([0, 1, 2, 3], [2, 2]), fromNumbers("int64", [0, 0, 1, 1], [2, 2])], {}, [0, 3]],
  ["ReduceMax", [floats([3, 7, 5], [3, 1])], {}, [7]],
];

test.each(known)("%s of known result", (opType, inputs, attributes, expected) => {
  const result = evaluate(opType, inputs, attributes)[0]!;
  expect(difference(result, expected)).toBeLessThan(1e-6);
});

test("the error function is right to 14 digits", () => {
  for (const [x, value] of [
    [0.1, 0.1124629160182849],
    [1, 0.8427007929497149],
    [2.5, 0.999593047982555],
    [-5, -0.9999999999984626],
  ] as const) {
    expect(Math.abs(erf(x) - value)).toBeLessThan(2e-15);
  }
  expect([erf(0), erf(8), erf(-8)]).toEqual([0, 1, -1]);
  expect(erf(Number.NaN)).toBeNaN();
});

test("floats come in double precision, everything else in its own type; several outputs and unused ones work", () => {
  const graph = new Graph();
  const x = graph.input("x", "float32", [3]);
  const [values, indices] = ops.TopK(x, 2);
  graph.output("values", values);
  graph.output("indices", indices);
  graph.output("large", ops.Greater(x, 1));
  graph.output("third", ops.Div(x, 3));
  const results = interpret(graph, { x: floats([1, 3, 2]) });
  expect(results.values).toEqual({ type: "float64", dims: [2], data: new Float64Array([3, 2]) });
  expect(results.indices).toEqual({ type: "int64", dims: [2], data: new BigInt64Array([1n, 2n]) });
  expect(results.large).toEqual({ type: "bool", dims: [3], data: new Uint8Array([0, 1, 1]) });
  expect(numbers(results.third!)[0]).toBe(1 / 3);
});

test("double feeds stand for single ones", () => {
  const graph = new Graph();
  graph.output("y", ops.Mul(graph.input("x", "float32", [1]), 2));
  const third = { type: "float64", dims: [1], data: new Float64Array([1 / 3]) } as const;
  expect(numbers(interpret(graph, { x: third }).y!)).toEqual([2 / 3]);
});

test.each([
  ["nothing", {}, "x: missing; expected float32 [2]"],
  ["a wrong shape", { x: floats([1]) }, "x: expected float32 [2], got float32 [1]"],
  ["a wrong type", { x: int64([1, 2]) }, "x: expected float32 [2], got int64 [2]"],
  ["an unknown name", { x: floats([1, 2]), z: floats([1]) }, "z: the graph has no input of this name"],
] as const)("refuses to be fed %s", (_, feeds, message) => {
  const graph = new Graph();
  graph.output("y", ops.Exp(graph.input("x", "float32", [2])));
  const run = (): unknown => interpret(graph, feeds as Record<string, Tensor>);
  expect(run).toThrow(GraphError);
  expect(run).toThrow(message);
});

test("an index outside its axis is an error", () => {
  expect(() => evaluate("Gather", [row, int64([4])])).toThrow(
    "indices from -4 to 3 along axis 0 of Gather, got 4",
  );
});
