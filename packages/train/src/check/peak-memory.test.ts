import { tensor } from "@pixelcal/core";
import { Graph, ops } from "@pixelcal/graph";
import { expect, test } from "vitest";
import { peakBytes } from "./peak-memory.js";

test("what is alive at once: inputs and weights always, values until their last use, outputs to the end", () => {
  const graph = new Graph("graph");
  const x = graph.input("x", "float32", [1000]);
  const w = graph.initializer("w", tensor("float32", new Float32Array(1000), [1000]));
  const a = ops.Relu(ops.Add(x, w));
  const b = ops.Neg(ops.Sqrt(a));
  graph.output("y", ops.Add(a, b));
  // x and w, beside them at most three of: sum, a, root, b, y.
  expect(peakBytes(graph)).toBe(4000 * 5);
  const kept = new Graph("kept");
  const z = kept.input("z", "float32", [1000]);
  kept.output("one", ops.Relu(z));
  kept.output("two", ops.Cast(z, "uint8"));
  expect(peakBytes(kept)).toBe(4000 + 4000 + 1000);
});
