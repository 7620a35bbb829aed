import type { Tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { Graph, ops, type Value, weightRoles } from "./index.js";
import { floats } from "./testing/index.js";

/** Builds a network of one image whose initializers are made as they are named. */
function network(
  build: (x: Value, store: (name: string, dims: readonly number[], value?: number) => Value) => Value,
): Graph {
  const graph = new Graph();
  const x = graph.input("x", "float32", [1, 4, 4, 4]);
  const store = (name: string, dims: readonly number[], value?: number): Value => {
    const count = dims.reduce((a, b) => a * b, 1);
    return graph.initializer(
      name,
      floats(
        Array.from({ length: count }, (_, i) => value ?? i + 0.5),
        dims,
      ),
    );
  };
  graph.output("y", build(x, store));
  return graph;
}

const cases: readonly [string, Graph, readonly string[], readonly string[]][] = [
  [
    "of a convolution whose weight is standardised",
    network((x, store) => {
      const w = store("w", [2, 4, 1, 1]);
      const centred = ops.Sub(w, ops.ReduceMean(w, [1, 2, 3]));
      return ops.Conv(x, ops.Mul(centred, store("gain", [2, 1, 1, 1])), store("b", [2]));
    }),
    ["w", "gain", "b"],
    [],
  ],
  [
    "of norms, with their statistics apart",
    network((x, store) => {
      const [scale, bias, mean, variance] = ["s", "b", "m", "v"].map((name) => store(name, [4]));
      return ops.BatchNormalization(x, scale!, bias!, mean!, variance!);
    }),
    ["s", "b"],
    ["m", "v"],
  ],
  [
    "that only look like weights: scalars, masks, settings, group norms' ones and zeros, what no output needs",
    network((x, store) => {
      store("unused", [3]);
      const grouped = ops.InstanceNormalization(
        ops.Reshape(x, [1, 2, -1]),
        store("ones", [2], 1),
        store("zeros", [2], 0),
      );
      const scaled = ops.Mul(ops.Reshape(grouped, x.dims), store("gamma", [1, 4, 1, 1]));
      const larger = x.graph.node("Resize", [scaled, undefined, store("scales", [4], 1)], {
        mode: "nearest",
      })[0]!;
      const table = store("/attn/Constant_3_output_0", [4, 4]);
      const masked = ops.Add(ops.Mul(larger, table), store("layers.0.attn_mask", [4, 4]));
      const sign = ops.Sign(ops.Mul(masked, store("behindSign", [4])));
      return ops.Mul(ops.Add(masked, sign), ops.Add(store("half", []), store("val_12", [1])));
    }),
    ["gamma"],
    [],
  ],
  [
    "of instance norms that begin with ones and zeros",
    network((x, store) => ops.InstanceNormalization(x, store("ones", [4], 1), store("zeros", [4], 0))),
    ["ones", "zeros"],
    [],
  ],
  [
    "without a name, of a layer of one channel, but no numbers of formulas or norms that have none",
    network((x, store) => {
      const one = ops.Conv(x, store("onnx::Conv_7", [1, 4, 1, 1]), store("onnx::Conv_8", [1]));
      const normal = ops.InstanceNormalization(x, store("val_1", [4], 1), store("val_2", [4], 0));
      const gated = ops.Mul(normal, ops.Sigmoid(one));
      const rows = ops.LayerNormalization(gated, store("val_3", [4], 1), store("val_4", [4], 0));
      return ops.Add(ops.Mul(rows, store("const_fold_opt__60", [1, 1, 1, 1])), store("onnx::Add_9", [1]));
    }),
    ["onnx::Conv_7", "onnx::Conv_8"],
    [],
  ],
  [
    "of a table that is added, but not of masks, which are compared, nor what they are made of",
    network((x, store) => {
      const made = ops.Sub(store("zeros", [1, 4]), ops.Mul(store("rows", [4, 1]), 2));
      const masked = [made, store("sub_383", [4, 4])].reduce((scores, mask) => {
        const open = ops.Equal(mask, 0);
        return ops.Add(scores, ops.Where(open, mask, -100));
      }, x);
      return ops.Add(masked, store("unsqueeze_2", [4, 4]));
    }),
    ["unsqueeze_2"],
    [],
  ],
];

test.each(cases)("%s", (_, graph, parameters, buffers) => {
  expect(weightRoles(graph)).toEqual({ parameters, buffers });
});

test("a mask is known by its values", () => {
  const masked = (mask: Tensor): readonly string[] => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [4]);
    graph.output("y", ops.Add(x, graph.initializer("m", mask)));
    return weightRoles(graph).parameters;
  };
  expect(masked(floats([0, -100, -100, 0]))).toEqual([]);
  expect(masked(floats([0, Number.NEGATIVE_INFINITY, 0, 0]))).toEqual([]);
  expect(masked(floats([0, -1, -100, 0]))).toEqual(["m"]);
  expect(masked(floats([0, 0, 0, 0]))).toEqual(["m"]);
});
