import { expect, test } from "vitest";
import { GraphError, inspectModel } from "../index.js";
import { golden, model, relu, weight } from "./hand-made.test.helper.js";

test("what a file says of itself, though it cannot be read", () => {
  const bytes = model([relu, { opType: "FusedConv", domain: "com.microsoft" }, relu], {
    producerName: "pytorch",
    producerVersion: "2.1",
    opset: 13,
    metadata: [{ key: "owner", value: "clinic" }],
    graph: {
      initializers: [weight(), weight({ dims: [4], dataType: 10 }), weight({ dims: [], dataType: 7 })],
      inputs: [
        {
          name: "x",
          type: { tensor: { elementType: 1, shape: { dims: [{ param: "N" }, { value: 3 }, {}] } } },
        },
        { name: "w", type: { tensor: { elementType: 1 } } },
      ],
      outputs: [{ name: "y", type: { tensor: { elementType: 10 } } }],
    },
  });
  expect(inspectModel(bytes)).toEqual({
    graph: "g",
    producer: "pytorch 2.1",
    irVersion: 8,
    opsets: { "": 13 },
    metadata: { owner: "clinic" },
    inputs: [{ name: "x", type: "float32", dims: ["N", 3, "?"] }],
    outputs: [{ name: "y", type: "float16", dims: undefined }],
    weights: {
      float32: { arrays: 1, elements: 2, bytes: 8 },
      float16: { arrays: 1, elements: 4, bytes: 8 },
      int64: { arrays: 1, elements: 1, bytes: 8 },
    },
    dataFiles: [],
  });
});

test("where the weights lie", () => {
  expect(inspectModel(golden("external.onnx"))).toMatchObject({
    dataFiles: ["external.data"],
    weights: { float32: { arrays: 2, elements: 900, bytes: 3600 } },
  });
  expect(() => inspectModel(new Uint8Array(4).fill(255))).toThrow(GraphError);
  expect(() => inspectModel(new Uint8Array(0))).toThrow("not an ONNX file");
});
