import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ModelProto,
  modelTable,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./onnx-proto.js";
import { encode } from "./wire-writer.js";

/** Where the models of the onnx library lie. */
export const folder: string = fileURLToPath(new URL("../../test/golden/", import.meta.url));
export const golden = (name: string): Uint8Array => readFileSync(join(folder, name));

/** Makes the bytes of a model by hand: an input x and an output y, both [2], unless said otherwise. */
export function model(
  nodes: readonly NodeProto[],
  change: Omit<Partial<ModelProto>, "graph"> & { graph?: object; opset?: number } = {},
): Uint8Array {
  const { graph, opset = 18, ...rest } = change;
  const info = (name: string): ValueInfoProto => ({
    name,
    type: { tensor: { elementType: 1, shape: { dims: [{ value: 2 }] } } },
  });
  const proto: ModelProto = {
    irVersion: 8,
    graph: { nodes, name: "g", inputs: [info("x")], outputs: [info("y")], ...graph },
    opsets: [{ version: opset }],
    ...rest,
  };
  return Buffer.concat(encode(modelTable, proto));
}
export const relu: NodeProto = { opType: "Relu", inputs: ["x"], outputs: ["y"] };
export const weight = (change: Partial<TensorProto> = {}): TensorProto => ({
  name: "w",
  dims: [2],
  dataType: 1,
  rawData: new Uint8Array(8),
  ...change,
});
export const add: NodeProto = { opType: "Add", inputs: ["x", "w"], outputs: ["y"] };
export const addModel = (change: Partial<TensorProto>): Uint8Array =>
  model([add], { graph: { initializers: [weight(change)] } });
