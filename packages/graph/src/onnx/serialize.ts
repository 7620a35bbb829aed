import type { Tensor } from "@pixelcal/core";
import { floatAttributes } from "../attributes.js";
import { isFloat, onnxTypes } from "../data-types.js";
import { GraphError, graphError, UnsupportedOpError } from "../errors.js";
import { type Attribute, type Graph, IR_VERSION, type Node, OPSET, opKey, type Value } from "../ir.js";
import { blockedDomain } from "../operators/blocked.js";
import {
  type AttributeProto,
  attributeTypes,
  type GraphProto,
  type ModelProto,
  modelTable,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./onnx-proto.js";
import { encode } from "./wire-writer.js";

export interface SerializeOptions {
  /** Strings to keep in the file (ONNX metadata_props). */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Dims to declare for inputs and outputs in place of the graph's own; a string names an axis that may have
   * any size, for runtimes that allow it. The operators must then not depend on that size, which is not
   * checked.
   */
  readonly dims?: Readonly<Record<string, readonly (number | string)[]>>;
}

/** Protocol Buffers' limit on one message. */
const maxBytes = 2 ** 31 - 1;

/**
 * Returns the bytes of an ONNX file (opset `OPSET`, weights as raw data): the same graph gives the same
 * bytes. Throws UnsupportedOpError for operators that only exist before `lower`, GraphError for a model over
 * 2 GiB (see `externalModel`).
 */
export function serializeModel(graph: Graph, options: SerializeOptions = {}): Uint8Array {
  const chunks = modelChunks(graph, options);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Returns the bytes of `serializeModel` in pieces that refer to the weights instead of copying them, for
 * writing to a file.
 */
export function modelChunks(graph: Graph, options: SerializeOptions = {}): Uint8Array[] {
  const chunks = encode(modelTable, modelProto(graph, options, tensorProto));
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (total > maxBytes) {
    throw graphError("model", "at most 2 GiB in one file, the rest as external data", `${total} bytes`);
  }
  return chunks;
}

export interface ExternalOptions extends SerializeOptions {
  /** Name of the data file, beside the model's. */
  readonly location: string;
  /** Weights of fewer bytes stay in the model; 1024 by default. */
  readonly threshold?: number;
}

/**
 * Writes a model whose larger weights lie in a second file: returns the model's bytes, and that file's in
 * pieces that are not copies.
 */
export function externalModel(
  graph: Graph,
  options: ExternalOptions,
): { readonly model: Uint8Array; readonly data: readonly Uint8Array[] } {
  const { location, threshold = 1024 } = options;
  if (!/^[^/\\\0]+$/.test(location) || location === "." || location === "..") {
    throw graphError("location", "the plain name of a file", location);
  }
  const data: Uint8Array[] = [];
  let end = 0;
  const toFile = (tensor: Tensor, name?: string): TensorProto => {
    const proto = tensorProto(tensor, name);
    const { rawData, ...rest } = proto;
    // Integers may be shapes, which runtimes need before they open a data file.
    const stays =
      name === undefined || !isFloat(tensor.type) || (rawData?.length ?? 0) < Math.max(threshold, 1);
    if (stays || rawData === undefined) return proto;
    // Page by page, so that runtimes can map the file into memory.
    const gap = (4096 - (end % 4096)) % 4096;
    if (gap > 0) data.push(new Uint8Array(gap));
    const offset = end + gap;
    data.push(rawData);
    end = offset + rawData.length;
    const place = { location, offset: String(offset), length: String(rawData.length) };
    const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
    return { ...rest, dataLocation: 1, externalData };
  };
  const chunks = encode(modelTable, modelProto(graph, options, toFile));
  return { model: Buffer.concat(chunks), data };
}

type WriteTensor = (tensor: Tensor, name?: string) => TensorProto;

function modelProto(graph: Graph, options: SerializeOptions, write: WriteTensor): ModelProto {
  const foreign = new Set<string>();
  collectForeign(graph, foreign);
  if (foreign.size > 0) throw new UnsupportedOpError(foreign, "not ONNX operators (lower the graph first)");
  const blocks = graph.nodes.some(({ domain }) => domain === blockedDomain);
  const metadata = Object.entries(options.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    irVersion: IR_VERSION,
    producerName: "PixelCal",
    graph: graphProto(graph, options, write),
    opsets: [{ domain: "", version: OPSET }, ...(blocks ? [{ domain: blockedDomain, version: 1 }] : [])],
    metadata: metadata.map(([key, value]) => ({ key, value })),
  };
}

function collectForeign(graph: Graph, found: Set<string>): void {
  for (const node of graph.nodes) {
    if (node.domain !== "" && node.domain !== blockedDomain) found.add(opKey(node));
  }
}

/** Returns the nodes of a graph in order, its constants first. */
export function nodeProtos(graph: Graph, write: WriteTensor = tensorProto): readonly NodeProto[] {
  const constants = [...graph.constants].map(
    ([name, tensor]): NodeProto => ({
      outputs: [name],
      name,
      opType: "Constant",
      attributes: [{ name: "value", t: write(tensor), type: attributeTypes.tensor }],
    }),
  );
  return [...constants, ...graph.nodes.map((node) => nodeProto(node, write))];
}

function graphProto(graph: Graph, options: SerializeOptions, write: WriteTensor): GraphProto {
  const declared = (value: Value): ValueInfoProto =>
    valueInfo(value, new Map(Object.entries(options.dims ?? {})).get(value.name));
  return {
    nodes: nodeProtos(graph, write),
    name: graph.name,
    initializers: [...graph.initializers].map(([name, tensor]) => write(tensor, name)),
    inputs: graph.inputs.map(declared),
    outputs: [...graph.outputs.values()].map(declared),
  };
}

function valueInfo(value: Value, dims: readonly (number | string)[] = value.dims): ValueInfoProto {
  if (dims.length !== value.dims.length)
    throw graphError(`dims.${value.name}`, `${value.dims.length} dims`, dims);
  const shape = { dims: dims.map((size) => (typeof size === "string" ? { param: size } : { value: size })) };
  return { name: value.name, type: { tensor: { elementType: onnxTypes[value.type], shape } } };
}

function nodeProto(node: Node, write: WriteTensor): NodeProto {
  const inputs = node.inputs.map((input) => input?.name ?? "");
  while (inputs.at(-1) === "") inputs.pop();
  return {
    inputs,
    outputs: node.outputs.map(({ name }) => name),
    name: node.name,
    opType: node.opType,
    ...(node.domain === "" ? {} : { domain: node.domain }),
    attributes: Object.entries(node.attributes)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => attributeProto(node, name, value, write)),
  };
}

function attributeProto(node: Node, name: string, value: Attribute, write: WriteTensor): AttributeProto {
  const float = floatAttributes.has(name);
  const whole = (item: number): number => {
    if (!float && !Number.isInteger(item)) throw graphError(`${node.name}.${name}`, "a whole number", item);
    return item;
  };
  if (typeof value === "number") {
    return float
      ? { name, f: value, type: attributeTypes.float }
      : { name, i: whole(value), type: attributeTypes.int };
  }
  if (typeof value === "string") return { name, s: Buffer.from(value, "utf8"), type: attributeTypes.string };
  if (isList(value)) {
    if (value.length > 0 && typeof value[0] === "string") {
      return { name, strings: value as readonly string[], type: attributeTypes.strings };
    }
    const numbers = (value as readonly number[]).map(whole);
    return float
      ? { name, floats: numbers, type: attributeTypes.floats }
      : { name, ints: numbers, type: attributeTypes.ints };
  }
  if ("data" in value) return { name, t: write(value), type: attributeTypes.tensor };
  throw new GraphError(`${node.name}.${name}`, "graphs inside operators cannot be written");
}

const isList = (value: Attribute): value is readonly number[] | readonly string[] => Array.isArray(value);

/** Returns a tensor as raw data, which is not copied. */
export function tensorProto({ type, dims, data }: Tensor, name?: string): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dims, dataType: onnxTypes[type], name, rawData };
}
