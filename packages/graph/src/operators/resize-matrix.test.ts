import { expect, test } from "vitest";
import { Graph, GraphError, gradients, interpret, lower, ops } from "../index.js";
import { floats, numbers } from "../testing/index.js";

test("an axis that is kept may be longer than a matrix can be", () => {
  const rows = 1 << 14;
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [1, 1, rows, 1]);
  const y = ops.Resize(x, {
    sizes: [1, 1, rows, 3],
    mode: "linear",
    coordinate_transformation_mode: "half_pixel_symmetric",
  });
  graph.output("y", y);
  graph.output("dx", gradients(ops.ReduceSum(y), [x])[0]!);
  const feeds = { x: floats([...Array(rows).keys()], x.dims) };
  for (const each of [graph, lower(graph)]) {
    const results = interpret(each, feeds);
    expect(numbers(results.y!).slice(-4)).toEqual([rows - 2, rows - 1, rows - 1, rows - 1]);
    expect(numbers(results.dx!).every((value) => value === 3)).toBe(true);
  }
});

test("no axis becomes empty, whatever its aspect ratio", () => {
  const x = new Graph("g").input("x", "float32", [1, 1, 8, 2]);
  const resized = () =>
    ops.Resize(x, { sizes: [1, 1], axes: [2, 3], keep_aspect_ratio_policy: "not_larger" });
  expect(resized).toThrow(GraphError);
  expect(resized).toThrow("expected sizes of 1 or more, got 0");
});
