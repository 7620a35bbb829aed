import type { DataType, Tensor } from "@pixelcal/core";
import { fromNumbers, onnxTypes } from "../data-types.js";
import { GraphError, graphError, UnsupportedOpError } from "../errors.js";
import { type Attribute, Graph, OPSET, type Value } from "../graph.js";
import { shapeRules } from "../shapes.js";
import { type ExternalReader, folderReader } from "./external-data.js";
import { fold, foldedOperators } from "./fold.js";
import { type InputShapes, inputDims, realInputs } from "./inputs.js";
import { meansTheSame, newestOpset, oldestOpset } from "./opsets.js";
import {
  type AttributeProto,
  attributeTypes,
  type GraphProto,
  type ModelProto,
  modelTable,
  type NodeProto,
} from "./schema.js";
import { parseTensor, type TensorOptions } from "./tensors.js";
import { decode } from "./wire.js";

export interface ParseOptions {
  /** Dims by input name; "" stands for the only input. Needed where the model leaves a dim open, and taken over what it declares. */
  readonly shapes?: InputShapes;
  /** Where weights outside of the model lie: its folder, or a function that reads them. Nothing is read without it. */
  readonly externalData?: string | ExternalReader;
  /** Told what was changed on the way, for example weights of 16 bits that became float32. */
  readonly onNote?: (note: string) => void;
}

const onnxBfloat16 = 16;

/** More nodes than any network has. */
const maxNodes = 200_000;

/**
 * The graph of an ONNX file. All shapes become static and are inferred anew. float16 and bfloat16 become float32. Throws UnsupportedOpError with
 * all operators that are unknown or of another meaning in the model's operator set, and GraphError for whatever else is wrong.
 */
export function parseModel(bytes: Uint8Array, options: ParseOptions = {}): Graph {
  const model = decode(modelTable, bytes) as ModelProto;
  const proto = model.graph;
  if (!proto) throw new GraphError("model", "not an ONNX file: it has no graph");
  checkOperators(model, proto);
  const widened = { float16: 0, bfloat16: 0 };
  const { externalData } = options;
  const tensors: TensorOptions = {
    external: typeof externalData === "string" ? folderReader(externalData) : externalData,
    widened: (_, from) => void widened[from]++,
  };
  const graph = build(proto, options, tensors);
  for (const [from, count] of Object.entries(widened)) {
    if (count > 0) options.onNote?.(`${count} ${from} tensor(s) became float32`);
  }
  return graph;
}

/** The strings kept in an ONNX file (metadata_props). */
export function modelMetadata(bytes: Uint8Array): Record<string, string> {
  const { metadata = [] } = decode(modelTable, bytes) as ModelProto;
  return Object.fromEntries(metadata.map(({ key = "", value = "" }) => [key, value]));
}

const standard = (domain = ""): boolean => domain === "" || domain === "ai.onnx";

function checkOperators({ opsets = [], functions = [] }: ModelProto, { nodes = [] }: GraphProto): void {
  if (nodes.length > maxNodes) throw graphError("model", `at most ${maxNodes} nodes`, nodes.length);
  const version = opsets.find(({ domain }) => standard(domain))?.version;
  if (version === undefined) throw new GraphError("model", "it does not say which operator set it uses");
  if (functions.length > 0) throw new GraphError("model", "functions inside of a model are not supported");
  const unknown = nodes.filter((node) => !isKnown(node)).map(nameOf);
  if (unknown.length > 0) throw new UnsupportedOpError(unknown, "model: unsupported operators");
  if (version === OPSET) return;
  const compared = version >= oldestOpset && version <= newestOpset;
  const changed = nodes.filter((node) => !compared || !meansTheSame(node, version)).map(nameOf);
  if (changed.length > 0) {
    throw new UnsupportedOpError(
      changed,
      `model: of operator set ${version}, not ${OPSET}, in which these mean something else`,
    );
  }
}

const isKnown = ({ opType = "", domain }: NodeProto): boolean =>
  standard(domain) &&
  (opType === "Constant" || foldedOperators.has(opType) || Object.hasOwn(shapeRules, opType));
const nameOf = ({ opType = "", domain }: NodeProto): string =>
  standard(domain) ? opType : `${domain}.${opType}`;

function build(proto: GraphProto, options: ParseOptions, tensors: TensorOptions): Graph {
  const { initializers = [], nodes = [], outputs = [] } = proto;
  if (proto.sparseInitializers?.length) throw new GraphError("model", "sparse weights are not supported");
  const names = new Set([
    ...nodes.flatMap(({ name, outputs = [] }) => [name ?? "", ...outputs]),
    ...initializers.map(({ name }) => name ?? ""),
  ]);
  const graph = new Graph(proto.name || "graph", names);
  for (const { name, type, dims } of inputDims(realInputs(proto), options.shapes ?? {})) {
    if (type === "float16") tensors.widened(name, "float16");
    graph.input(name, type === "float16" ? "float32" : type, dims);
  }
  for (const initializer of initializers) {
    graph.initializer(
      initializer.name ?? "",
      parseTensor(initializer, initializer.name || "initializer", tensors),
    );
  }
  const results = new Set(outputs.map(({ name }) => name));
  for (const node of nodes) addNode(graph, node, tensors, results);
  if (outputs.length === 0) throw new GraphError("model", "it has no outputs");
  for (const { name = "" } of outputs) graph.output(name, defined(graph, name, "the outputs"));
  return graph;
}

function defined(graph: Graph, name: string, where: string): Value {
  const value = graph.value(name);
  if (value) return value;
  throw new GraphError(
    where,
    `uses ${name || "a value without a name"}, which nothing before it makes (nodes in a circle, or out of order)`,
  );
}

function addNode(
  graph: Graph,
  proto: NodeProto,
  tensors: TensorOptions,
  results: ReadonlySet<string | undefined>,
): void {
  const { opType = "", inputs = [], outputs = [] } = proto;
  const name = proto.name || `${opType} of ${outputs[0] ?? "nothing"}`;
  const attributes = attributesOf(proto, name, tensors);
  if (opType === "Constant") {
    addConstant(graph, name, constantOf(attributes, name), outputs[0] ?? "");
    return;
  }
  if (opType === "Cast" && (attributes.to === onnxTypes.float16 || attributes.to === onnxBfloat16))
    attributes.to = onnxTypes.float32;
  const operands = inputs.map((input) => (input === "" ? undefined : defined(graph, input, name)));
  // The graph makes its outputs by nodes.
  const isResult = outputs.some((output) => results.has(output));
  const folded = isResult ? undefined : fold(graph, name, opType, operands, attributes);
  if (folded) {
    for (const [i, output] of outputs.entries()) {
      if (output !== "" && folded[i]) addConstant(graph, name, folded[i], output);
    }
    return;
  }
  try {
    graph.node(opType, operands, attributes, { name: proto.name, outputs });
  } catch (error) {
    if (error instanceof GraphError || error instanceof UnsupportedOpError) throw error;
    // A shape rule met numbers no one checks for, a length of -1 for example: the model's fault, not the program's.
    throw new GraphError(
      name,
      `${opType} cannot be laid out: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function addConstant(graph: Graph, where: string, tensor: Tensor, output: string): void {
  const value = graph.constant(tensor, output);
  if (value.name !== output) throw new GraphError(where, `there is a value ${output} already`);
}

function attributesOf(
  { attributes = [] }: NodeProto,
  where: string,
  tensors: TensorOptions,
): Record<string, Attribute> {
  const values: Record<string, Attribute> = Object.create(null);
  for (const attribute of attributes) {
    const { name = "" } = attribute;
    if (name in values) throw new GraphError(`${where}.${name}`, "it is there twice");
    values[name] = attributeValue(attribute, `${where}.${name}`, tensors);
  }
  return values;
}

const utf8 = new TextDecoder();

// Which field holds the value follows from the type; absent numbers are 0 and absent lists empty, as Protocol Buffers has it.
function attributeValue(attribute: AttributeProto, where: string, tensors: TensorOptions): Attribute {
  switch (attribute.type) {
    case attributeTypes.float:
      return attribute.f ?? 0;
    case attributeTypes.int:
      return attribute.i ?? 0;
    case attributeTypes.string:
      return utf8.decode(attribute.s);
    case attributeTypes.tensor:
      return parseTensor(attribute.t ?? {}, where, tensors);
    case attributeTypes.floats:
      return Array.from(attribute.floats ?? []);
    case attributeTypes.ints:
      return Array.from(attribute.ints ?? [], Number);
    case attributeTypes.strings:
      return attribute.strings ?? [];
    default:
      throw graphError(
        where,
        "a number, a text, a tensor or a list of them",
        `attribute type ${attribute.type}`,
      );
  }
}

function constantOf(attributes: Readonly<Record<string, Attribute>>, where: string): Tensor {
  const entries = Object.entries(attributes);
  const [name, value] = entries[0] ?? ["", 0];
  const forms: Readonly<Record<string, DataType>> = {
    value_float: "float32",
    value_floats: "float32",
    value_int: "int64",
    value_ints: "int64",
  };
  if (entries.length === 1 && name === "value" && typeof value === "object" && "data" in value) return value;
  const type = forms[name];
  if (entries.length !== 1 || type === undefined)
    throw graphError(
      where,
      "one value of numbers",
      entries.map(([key]) => key),
    );
  const numbers = (typeof value === "number" ? [value] : value) as readonly number[];
  return fromNumbers(type, numbers, typeof value === "number" ? [] : [numbers.length]);
}
