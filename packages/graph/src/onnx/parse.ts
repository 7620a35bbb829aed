import type { Tensor } from "@pixelcal/core";
import { GraphError, graphError } from "../errors.js";
import { Graph } from "../graph.js";
import type { Value } from "../ir.js";
import { Budget } from "./budget.js";
import { constantWeights } from "./constant-weights.js";
import { type ExternalReader, folderReader } from "./external-data.js";
import { inlineFunctions } from "./inline-functions.js";
import { type InputShapes, inputDims, realInputs } from "./inputs.js";
import { checkOperators } from "./known-operators.js";
import { orderNodes } from "./node-order.js";
import { OnnxFile } from "./onnx-file.js";
import type { GraphProto } from "./onnx-proto.js";
import { versionOf } from "./opsets.js";
import { lookUp, type Reading, readNode } from "./read-node.js";
import { parseTensor, type TensorOptions } from "./read-tensor.js";
import { type TiedWeights, untieWeights } from "./tied-weights.js";

export interface ParseOptions {
  /**
   * Dims by input name; "" stands for the only input. Needed where the model leaves a dim open, and
   * taken over what it declares.
   */
  readonly shapes?: InputShapes;
  /** Values of inputs by name: they become constants, from which sizes may follow. */
  readonly values?: Readonly<Record<string, Tensor>>;
  /**
   * The source of weights outside the model: its folder, or a function that reads them. Without it none are
   * read.
   */
  readonly externalData?: string | ExternalReader;
  /** The treatment of weights that several layers share; "named" by default. */
  readonly tiedWeights?: TiedWeights;
  /** Names of values through which no gradient flows: ONNX does not say what was trained without one. */
  readonly stopGradients?: readonly string[];
  /** Called with each change made on the way, for example weights of 16 bits that became float32. */
  readonly onNote?: (note: string) => void;
}

/**
 * Reads the graph of an ONNX file. All shapes become static and are inferred anew. float16 and bfloat16
 * become float32. Throws UnsupportedOpError with all operators that are unknown or of another meaning in the
 * model's operator set, and GraphError for whatever else is wrong.
 */
export function parseModel(file: Uint8Array | OnnxFile, options: ParseOptions = {}): Graph {
  const { bytes, proto: stored } = OnnxFile.of(file);
  if (!stored.graph) throw new GraphError("model", "not an ONNX file: it has no graph");
  const { tiedWeights = "named" } = options;
  if (!["named", "untie", "keep"].includes(tiedWeights))
    throw graphError("tiedWeights", "named, untie or keep", tiedWeights);
  const budget = new Budget(bytes.length);
  const model = inlineFunctions(tiedWeights === "untie" ? untieWeights(stored) : stored, budget);
  const proto = model.graph!;
  checkOperators(model);
  const widened = { float16: 0, bfloat16: 0 };
  const { externalData } = options;
  const tensors: TensorOptions = {
    external: typeof externalData === "string" ? folderReader(externalData) : externalData,
    widened: (_, from) => void widened[from]++,
  };
  const graph = build(proto, versionOf(model), { ...options, tiedWeights }, tensors, budget);
  for (const [from, count] of Object.entries(widened)) {
    if (count > 0) options.onNote?.(`${count} ${from} tensor(s) became float32`);
  }
  return graph;
}

function build(
  proto: GraphProto,
  version: number,
  options: ParseOptions & { readonly tiedWeights: TiedWeights },
  tensors: TensorOptions,
  budget: Budget,
): Graph {
  const { initializers = [], nodes = [], outputs = [] } = proto;
  if (proto.sparseInitializers?.length) throw new GraphError("model", "sparse weights are not supported");
  const names = new Set([
    ...nodes.flatMap(({ name, outputs = [] }) => [name ?? "", ...outputs]),
    ...initializers.map(({ name }) => name ?? ""),
  ]);
  const graph = new Graph(proto.name || "graph", names);
  const values = new Map(Object.entries(options.values ?? {}));
  const shapes = {
    ...options.shapes,
    ...Object.fromEntries([...values].map(([name, { dims }]) => [name, dims])),
  };
  for (const { name, type: stored, dims } of inputDims(realInputs(proto), shapes)) {
    const type = stored === "float16" ? "float32" : stored;
    if (stored === "float16") tensors.widened(name, "float16");
    const value = values.get(name);
    if (value === undefined) graph.input(name, type, dims);
    else if (value.type === type) graph.constant(value, name);
    else throw graphError(`values.${name}`, type, value.type);
  }
  for (const initializer of initializers) {
    graph.initializer(
      initializer.name ?? "",
      parseTensor(initializer, initializer.name || "initializer", tensors),
    );
  }
  const reading: Reading = {
    graph,
    version,
    tensors,
    tied: options.tiedWeights,
    weights: constantWeights(nodes),
    results: new Set(outputs.map(({ name }) => name ?? "")),
    aliases: new Map<string, Value>(),
    sequences: new Map(),
    stopped: new Set(options.stopGradients),
    budget,
    unfolded: new Set(),
    values: new Map(),
    note: options.onNote ?? (() => {}),
  };
  for (const node of orderNodes(nodes)) readNode(reading, node);
  const unknown = [...reading.stopped].filter((name) => !names.has(name));
  if (unknown.length > 0) throw graphError("stopGradients", "names of values", unknown);
  if (outputs.length === 0) throw new GraphError("model", "has no outputs");
  for (const { name = "" } of outputs) graph.output(name, lookUp(reading, name, "the outputs"));
  return graph;
}
