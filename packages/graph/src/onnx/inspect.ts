import { dataType, onnxBfloat16 } from "../data-types.js";
import { GraphError } from "../errors.js";
import { sizeOf } from "../operators/spec.js";
import { realInputs } from "./inputs.js";
import { OnnxFile } from "./onnx-file.js";
import type { ModelProto, TensorProto, ValueInfoProto } from "./onnx-proto.js";
import { standard } from "./opsets.js";
import { dataFiles } from "./read-tensor.js";

/** An input or output as a file declares it. */
export interface DeclaredValue {
  readonly name: string;
  /** "unknown" for types that are not numbers or booleans. */
  readonly type: string;
  /** A name stands for a size that is open; undefined where not even the rank is declared. */
  readonly dims: readonly (number | string)[] | undefined;
}

/** The description an ONNX file gives of itself. */
export interface ModelFacts {
  readonly graph: string;
  readonly producer: string;
  readonly irVersion: number;
  /** Version by domain; "" is ai.onnx. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly inputs: readonly DeclaredValue[];
  readonly outputs: readonly DeclaredValue[];
  /** Stored arrays, their elements and bytes by data type. */
  readonly weights: Readonly<
    Record<string, { readonly arrays: number; readonly elements: number; readonly bytes: number }>
  >;
  /** Files that hold weights beside the model. */
  readonly dataFiles: readonly string[];
}

/** Returns the strings kept in an ONNX file (metadata_props). */
export const modelMetadata = (file: Uint8Array | OnnxFile): Record<string, string> =>
  metadataOf(OnnxFile.of(file).proto);

const metadataOf = ({ metadata = [] }: ModelProto): Record<string, string> =>
  Object.fromEntries(metadata.map(({ key = "", value = "" }) => [key, value]));

/** Returns the width of a type, by the number of bits in its name. */
const widthOf = (type: string): number => Math.max(1, Number(/\d+$/.exec(type)?.[0] ?? 8) / 8);

/**
 * Reads the description that an ONNX file gives of itself, whether or not it can be parsed. Throws GraphError
 * for any other file.
 */
export function inspectModel(file: Uint8Array | OnnxFile): ModelFacts {
  const model = OnnxFile.of(file).proto;
  const { graph } = model;
  if (graph === undefined) throw new GraphError("model", "not an ONNX file: it has no graph");
  const { nodes = [], initializers = [], outputs = [] } = graph;
  const constants = nodes.flatMap(({ opType, attributes = [] }) =>
    opType === "Constant" ? attributes.flatMap(({ t }) => (t === undefined ? [] : [t])) : [],
  );
  const domains = (model.opsets ?? []).map(({ domain = "", version = 0 }) => [
    standard(domain) ? "" : domain,
    version,
  ]);
  const { producerName = "", producerVersion = "" } = model;
  return {
    graph: graph.name ?? "",
    producer: `${producerName} ${producerVersion}`.trim(),
    irVersion: model.irVersion ?? 0,
    opsets: Object.fromEntries(domains),
    metadata: metadataOf(model),
    inputs: realInputs(graph).map(declared),
    outputs: outputs.map(declared),
    weights: weightsOf([...initializers, ...constants]),
    dataFiles: dataFiles(graph),
  };
}

/**
 * Returns the types of values by name: of inputs, outputs and annotated values, and of the outputs of nodes
 * of the main graph if the file holds no floats but float32.
 */
export function valueTypes(file: Uint8Array | OnnxFile): ReadonlyMap<string, string> {
  const { graph = {} } = OnnxFile.of(file).proto;
  const { inputs = [], outputs = [], valueInfo = [], nodes = [] } = graph;
  const annotated = [...inputs, ...outputs, ...valueInfo].map(declared);
  const types = new Map(annotated.map(({ name, type }) => [name, type]));
  const halves = [
    ...types.values(),
    ...(graph.initializers ?? []).map(({ dataType: code = 0 }) => typeName(code)),
  ];
  const known = !halves.some((type) => type === "float16" || type === "bfloat16");
  for (const name of known ? nodes.flatMap((node) => node.outputs ?? []) : [])
    if (!types.has(name)) types.set(name, "float32");
  return types;
}

function declared({ name = "", type }: ValueInfoProto): DeclaredValue {
  const { elementType = 0, shape } = type?.tensor ?? {};
  const dims = shape && (shape.dims ?? []).map(({ value, param }) => value ?? (param || "?"));
  return { name, type: typeName(elementType), dims };
}

const typeName = (code: number): string =>
  code === onnxBfloat16 ? "bfloat16" : (dataType(code) ?? "unknown");

function weightsOf(tensors: readonly TensorProto[]): ModelFacts["weights"] {
  const sums: Record<string, { arrays: number; elements: number; bytes: number }> = {};
  for (const { dataType: code = 0, dims = [] } of tensors) {
    const type = typeName(code);
    const elements = sizeOf(Array.from(dims, Number));
    const sum = (sums[type] ??= { arrays: 0, elements: 0, bytes: 0 });
    sum.arrays += 1;
    sum.elements += elements;
    sum.bytes += elements * widthOf(type);
  }
  return sums;
}
