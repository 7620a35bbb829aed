import { expect } from "vitest";
import { GraphError, parseModel } from "../index.js";
import { model } from "./hand-made.test.helper.js";
import type { AttributeProto, NodeProto, TensorProto } from "./onnx-proto.js";

type Given = Readonly<Record<string, number | string | readonly number[]>>;

const attributesOf = (given: Given): AttributeProto[] =>
  Object.entries(given).map(([name, value]) => {
    if (typeof value === "string") return { name, s: Buffer.from(value), type: 3 };
    if (typeof value === "object") return { name, ints: value, type: 7 };
    return Number.isInteger(value) ? { name, i: value, type: 2 } : { name, f: value, type: 1 };
  });

/** An input of the node that the model stores: float weights by their dims, integers by their values. */
type Stored = { readonly dims: readonly number[] } | readonly number[] | "";

function stored(name: string, value: Stored): TensorProto | undefined {
  if (value === "") return undefined;
  if ("dims" in value) {
    const count = value.dims.reduce((product, size) => product * size, 1);
    return { name, dims: value.dims, dataType: 1, rawData: new Uint8Array(4 * count) };
  }
  const data = BigInt64Array.from(value, BigInt);
  return { name, dims: [value.length], dataType: 7, rawData: new Uint8Array(data.buffer) };
}

export interface Case {
  readonly op: string;
  readonly x?: readonly number[];
  readonly with?: readonly Stored[];
  readonly attributes?: Given;
  readonly opset?: number;
  readonly outputs?: number;
  readonly says: string;
}

export const w = (...dims: number[]): Stored => ({ dims });
/** An image, as most cases have it. */
const image: readonly number[] = [1, 2, 4, 4];
export const axis: string = "expected an axis from -4 to 3, got 99";

/** Expects a model of the one node to be refused. */
export function refuses({ op, x = image, attributes = {}, opset = 18, says, ...rest }: Case): void {
  const tensors = (rest.with ?? []).map((value, index) => stored(`i${index}`, value));
  const node: NodeProto = {
    opType: op,
    name: "n",
    inputs: ["x", ...tensors.map((tensor) => tensor?.name ?? "")],
    outputs: ["y"],
    attributes: attributesOf(attributes),
  };
  const value = (name: string, dims: readonly number[]) => ({
    name,
    type: { tensor: { elementType: 1, shape: { dims: dims.map((size) => ({ value: size })) } } },
  });
  const bytes = model([node], {
    opset,
    graph: { inputs: [value("x", x)], initializers: tensors.filter((tensor) => tensor !== undefined) },
  });
  const parse = (): unknown => parseModel(bytes);
  expect(parse).toThrow(GraphError);
  expect(parse).toThrow(says);
}
