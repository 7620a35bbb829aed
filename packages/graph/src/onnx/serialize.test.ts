import { describe, expect, test } from "vitest";
import {
  externalModel,
  Graph,
  GraphError,
  modelChunks,
  modelMetadata,
  ops,
  parseModel,
  serializeModel,
  UnsupportedOpError,
} from "../index.js";
import { type ModelProto, modelTable } from "./onnx-proto.js";
import { decode } from "./wire.js";

/** Returns a graph with nodes, a weight, shared constants and attributes of every kind. */
function sample(size = 18): Graph {
  const graph = new Graph("sample");
  const image = graph.input("image", "float32", [1, 1, 4, 4]);
  const data = Float32Array.from({ length: size }, (_, i) => i / 8);
  const weight = graph.initializer("enc.weight", { type: "float32", dims: [size / 9, 1, 3, 3], data });
  const c = ops.Conv(image, weight, undefined, { pads: [1, 1, 1, 1], auto_pad: "NOTSET" });
  const s = ops.Slice(ops.LeakyRelu(ops.Mul(ops.Add(c, 0.5), 0.5), 0.1), [1], [3], [2]);
  graph.output("logits", ops.Softmax(s, 1));
  return graph;
}

test("a graph comes back as it was", () => {
  const graph = sample();
  const back = parseModel(serializeModel(graph));
  expect(back.name).toBe("sample");
  expect(back.inputs.map(({ name, type, dims }) => ({ name, type, dims }))).toEqual([
    { name: "image", type: "float32", dims: [1, 1, 4, 4] },
  ]);
  expect(back.initializers).toEqual(graph.initializers);
  expect(back.constants).toEqual(graph.constants);
  const shape = (g: Graph): unknown =>
    g.nodes.map(({ name, opType, inputs, outputs, attributes }) => ({
      name,
      opType,
      inputs: inputs.map((value) => value?.name),
      outputs: outputs.map(({ name, dims }) => ({ name, dims })),
      attributes: { ...attributes, alpha: Math.fround(Number(attributes.alpha ?? 0)) },
    }));
  expect(shape(back)).toEqual(shape(graph));
  expect([...back.outputs.keys()]).toEqual(["logits"]);
  expect(Buffer.compare(serializeModel(back), serializeModel(graph))).toBe(0);
});

test("the same graph gives the same bytes, whatever the order of the metadata", () => {
  const a = serializeModel(sample(), { metadata: { b: "2", a: "ä" } });
  const b = serializeModel(sample(), { metadata: { a: "ä", b: "2" } });
  expect(Buffer.compare(a, b)).toBe(0);
  expect(modelMetadata(a)).toEqual({ a: "ä", b: "2" });
  expect(modelMetadata(serializeModel(sample()))).toEqual({});
});

test("weights are referred to, not copied, by modelChunks", () => {
  const graph = sample(9 * 1024);
  const { data } = graph.initializers.get("enc.weight")!;
  const chunks = modelChunks(graph);
  expect(chunks.some((chunk) => chunk.buffer === data.buffer && chunk.byteLength === data.byteLength)).toBe(
    true,
  );
  expect(Buffer.concat(chunks).equals(serializeModel(graph))).toBe(true);
});

test("dims can be left open", () => {
  const dims = { image: ["N", 1, 4, 4], logits: ["N", 2, 2, 4] };
  const bytes = serializeModel(sample(), { dims });
  const { graph } = decode(modelTable, bytes) as ModelProto;
  expect(graph!.inputs![0]!.type!.tensor!.shape!.dims![0]).toEqual({ param: "N" });
  expect(graph!.outputs![0]!.type!.tensor!.shape!.dims![0]).toEqual({ param: "N" });
  expect(() => parseModel(bytes)).toThrow(/image \[N, 1, 4, 4\]/);
  expect(parseModel(bytes, { shapes: { "": [5, 1, 4, 4] } }).outputs.get("logits")!.dims).toEqual([
    5, 2, 2, 4,
  ]);
  expect(() => serializeModel(sample(), { dims: { image: ["N"] } })).toThrow(/dims\.image: expected 4 dims/);
});

describe("external data", () => {
  test("large float weights move to the file, aligned; the model reads them back", () => {
    const graph = sample(9 * 300);
    graph.output(
      "other",
      ops.Add(
        graph.initializer("b", { type: "float32", dims: [400], data: new Float32Array(400).fill(2) }),
        1,
      ),
    );
    const { model, data } = externalModel(graph, { location: "w.bin" });
    const file = Buffer.concat(data);
    expect(model.length).toBeLessThan(2000);
    expect(data[0]!.buffer).toBe(graph.initializers.get("enc.weight")!.data.buffer);
    const asked: number[] = [];
    const externalData = (location: string, offset: number, length = 0): Uint8Array => {
      expect(location).toBe("w.bin");
      asked.push(offset % 4096);
      return file.subarray(offset, offset + length);
    };
    expect(parseModel(model, { externalData }).initializers).toEqual(graph.initializers);
    expect(asked).toEqual([0, 0]);
  });

  test("all stays in the model below the threshold", () => {
    const { model, data } = externalModel(sample(), { location: "w.bin", threshold: 1e6 });
    expect(data).toEqual([]);
    expect(Buffer.compare(model, serializeModel(sample()))).toBe(0);
  });

  test.each(["", "..", "a/b", "a\\b"])("location %j is refused", (location) => {
    expect(() => externalModel(sample(), { location })).toThrow(
      /location: expected the plain name of a file/,
    );
  });
});

test("what ONNX cannot hold is refused", () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [2]);
  const [y] = graph.node("Identity", [x], { own: 0.5 });
  graph.output("y", y!);
  expect(() => serializeModel(graph)).toThrow(GraphError);
  expect(() => serializeModel(graph)).toThrow(/own: expected a whole number, got 0\.5/);
  const nested = new Graph("g");
  nested.output("y", nested.node("Identity", [nested.input("x", "float32", [2])], { body: graph })[0]!);
  expect(() => serializeModel(nested)).toThrow(/graphs inside operators/);
  const own = new Graph("g");
  const stopped = ops.StopGradient(own.input("x", "float32", [2]));
  own.output("y", stopped);
  if (stopped.node?.domain) expect(() => serializeModel(own)).toThrow(UnsupportedOpError);
});
