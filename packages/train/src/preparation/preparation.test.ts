import { Graph, ops, serializeModel } from "@pixelcal/graph";
import { expect, test } from "vitest";
import { type Preparation, preparationMetadata, preparationOf } from "./preparation.js";

const file = (metadata: Record<string, string>): Uint8Array => {
  const graph = new Graph("net");
  graph.output("y", ops.Relu(graph.input("x", "float32", [1, 2])));
  return serializeModel(graph, { metadata });
};

test("a file carries its preparation, or none", () => {
  const preparation: Preparation = {
    normalization: [
      { scheme: "none" },
      { scheme: "z-score" },
      { scheme: "percentile", low: 1, high: 99 },
      { scheme: "range", low: -1, high: 1 },
      { scheme: "ct", low: -100, high: 300, mean: 1 / 3, sd: 50 },
    ],
  };
  expect(preparationOf(file({ ...preparationMetadata(preparation) }))).toEqual(preparation);
  expect(preparationOf(file({ other: "1" }))).toBeUndefined();
});

test.each([
  ["{", "pixelcal.preparation: is not JSON"],
  ['{"normalization":[]}', "pixelcal.preparation.normalization: Too small"],
  [
    '{"normalization":[{"scheme":"ct","low":0,"high":1}]}',
    "pixelcal.preparation.normalization.0: Invalid input",
  ],
  ['{"normalization":[{"scheme":"range","low":1,"high":1}]}', "pixelcal.preparation.normalization.0"],
  ['{"normalization":[{"scheme":"none"}],"mask":1}', 'pixelcal.preparation: Unrecognized key: "mask"'],
])("%s is refused", (text, message) => {
  expect(() => preparationOf(file({ "pixelcal.preparation": text }))).toThrow(message);
});
