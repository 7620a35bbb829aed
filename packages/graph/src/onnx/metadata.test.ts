import { expect, test } from "vitest";
import { Graph, modelMetadata, ops, serializeModel } from "../index.js";
import { withMetadata } from "./metadata.js";

const file = (metadata: Record<string, string>): Uint8Array => {
  const graph = new Graph("net");
  graph.output("y", ops.Relu(graph.input("x", "float32", [1, 2])));
  return serializeModel(graph, { metadata });
};

test("adds strings, replaces those of the same key and leaves every other byte", () => {
  const bytes = file({ owner: "clinic", scheme: "old" });
  const changed = Buffer.concat(withMetadata(bytes, { scheme: "new", more: "é" }));
  expect(modelMetadata(changed)).toEqual({ owner: "clinic", scheme: "new", more: "é" });
  const plain = file({ owner: "clinic" });
  expect(changed.subarray(0, plain.length)).toEqual(Buffer.from(plain));
  expect(Buffer.concat(withMetadata(changed, { scheme: "new", more: "é" }))).toEqual(changed);
});

test("a key that objects inherit replaces nothing", () => {
  const bytes = file({ constructor: "kept" });
  expect(modelMetadata(Buffer.concat(withMetadata(bytes, { a: "1" })))).toMatchObject({
    constructor: "kept",
    a: "1",
  });
});
