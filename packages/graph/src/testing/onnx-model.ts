import type { Tensor } from "@pixelcal/core";
import { type AttributeProto, attributeTypes, modelTable, type NodeProto } from "../onnx/onnx-proto.js";
import { tensorProto } from "../onnx/serialize.js";
import { encode } from "../onnx/wire-writer.js";

/** Whole numbers are integers to ONNX unless they are written as `{ float }`. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | Tensor
  | { readonly float: number | readonly number[] };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** Makes the bytes of an ONNX file of these nodes, the last of which makes the output y. */
export function onnxModel(
  opset: number,
  nodes: readonly OnnxNode[],
  inputs: Readonly<Record<string, readonly number[]>>,
  stored: Readonly<Record<string, Tensor>> = {},
): Uint8Array {
  const graph = {
    name: "made",
    nodes: nodes.map(
      ({ op, inputs, outputs = ["y"], attributes = {} }): NodeProto => ({
        opType: op,
        inputs,
        outputs,
        attributes: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
      }),
    ),
    initializers: Object.entries(stored).map(([name, tensor]) => tensorProto(tensor, name)),
    inputs: Object.entries(inputs).map(([name, dims]) => ({
      name,
      type: { tensor: { elementType: 1, shape: { dims: dims.map((value) => ({ value })) } } },
    })),
    outputs: [{ name: "y", type: { tensor: { elementType: 1 } } }],
  };
  return Buffer.concat(encode(modelTable, { irVersion: 8, graph, opsets: [{ version: opset }] }));
}

function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "number") return { name, i: value, type: attributeTypes.int };
  if (typeof value === "string") return { name, s: Buffer.from(value), type: attributeTypes.string };
  if ("data" in value) return { name, t: tensorProto(value), type: attributeTypes.tensor };
  if (!("float" in value)) return { name, ints: value, type: attributeTypes.ints };
  const { float } = value;
  return typeof float === "number"
    ? { name, f: float, type: attributeTypes.float }
    : { name, floats: float, type: attributeTypes.floats };
}
