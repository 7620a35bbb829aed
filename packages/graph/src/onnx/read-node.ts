import type { Tensor } from "@pixelcal/core";
import { isFloat, onnxBfloat16, onnxTypes, toNumbers } from "../data-types.js";
import { GraphError, graphError, UnsupportedOpError } from "../errors.js";
import type { Attribute, Graph, Value } from "../ir.js";
import { checkAttributes } from "../operators/attribute-kinds.js";
import { StopGradient } from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";
import { attributesOf, constantOf } from "./attributes.js";
import type { Budget } from "./budget.js";
import type { Call } from "./call.js";
import { convertToOpset } from "./convert-opset.js";
import { expansions } from "./expansions.js";
import { fold } from "./fold.js";
import { orderNodes } from "./node-order.js";
import type { GraphProto, NodeProto } from "./onnx-proto.js";
import { parseTensor, type TensorOptions } from "./read-tensor.js";
import { type Sequences, sequenceOperators, sequenceResult } from "./sequences.js";
import type { TiedWeights } from "./tied-weights.js";

/** A model while its nodes are added to a graph, one after the other. */
export interface Reading {
  readonly graph: Graph;
  /** The model's operator set. */
  readonly version: number;
  readonly tensors: TensorOptions;
  readonly tied: TiedWeights;
  /** Names of Constant nodes that hold weights. */
  readonly weights: ReadonlySet<string>;
  /** Names of the model's outputs. */
  readonly results: ReadonlySet<string>;
  /** Values that the graph has under another name than the model. */
  readonly aliases: Map<string, Value>;
  readonly sequences: Sequences;
  /** Names of values through which no gradient flows. */
  readonly stopped: ReadonlySet<string>;
  readonly budget: Budget;
  /** Values that follow from constants alone and are left to the runtime. */
  readonly unfolded: Set<Value>;
  /** Decoded lists and tensors of attributes; the nodes of a function called twice share them. */
  readonly values: Map<object, Attribute>;
  readonly note: (note: string) => void;
}

/** Returns the value that a model calls `name`. */
export function lookUp({ graph, aliases, stopped }: Reading, name: string, where: string): Value {
  const value = aliases.get(name) ?? graph.value(name);
  if (value) return stopped.has(name) && isFloat(value.type) ? StopGradient(value) : value;
  throw new GraphError(
    where,
    `uses ${name || "a value without a name"}, which no earlier node makes (it is missing, or nodes form a circle)`,
  );
}

/** Adds a node of the file to the graph: as it is, converted, folded to a constant or written in others. */
export function readNode(reading: Reading, proto: NodeProto): void {
  const { graph } = reading;
  const { opType = "", inputs = [], outputs = [] } = proto;
  const name = proto.name || `${opType} of ${outputs[0] ?? "nothing"}`;
  if (opType === "If") {
    addBranch(reading, proto, name);
    return;
  }
  const attributes = attributesOf(proto, name, reading.tensors, reading.values);
  if (opType === "Constant") {
    addConstant(reading, name, constantOf(attributes, name), outputs[0] ?? "");
    return;
  }
  const { sequences } = reading;
  const operands = inputs.map((input) =>
    input === "" || sequences.has(input) ? undefined : lookUp(reading, input, name),
  );
  if (opType === "Identity" && isWeight(reading, operands[0], outputs[0] ?? "")) {
    graph.initializer(outputs[0]!, graph.tensor(operands[0]!)!);
    return;
  }
  if (opType === "Dropout") reading.note(`${name} is left out: nothing is dropped`);
  const call = {
    name,
    opType,
    operands,
    attributes,
    outputs: outputs.length,
    version: reading.version,
    graph,
    budget: reading.budget,
  };
  try {
    checkAttributes(name, opType, attributes);
    if (sequenceOperators.has(opType)) addSequence(reading, call, proto);
    else addCall(reading, call, proto);
  } catch (error) {
    if (error instanceof UnsupportedOpError) throw error;
    if (error instanceof GraphError) throw atNode(error, name, opType);
    // A shape rule met numbers no one checks for, a length of -1 for example: the
    // model's fault, not the program's.
    throw new GraphError(
      name,
      `${opType} cannot be laid out: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Adds the node and its operator to an error of the nodes it is written in. */
function atNode(error: GraphError, name: string, opType: string): GraphError {
  const { where, message } = error;
  if (where === "model") return error;
  const text = message.slice(where.length + 2);
  const own = `${opType}.`;
  const place =
    where === opType
      ? name
      : where.startsWith(own)
        ? `${name}.${where.slice(own.length)}`
        : where === name || where.startsWith(`${name}.`)
          ? where
          : undefined;
  if (place === undefined) return message.includes(name) ? error : new GraphError(name, message);
  return new GraphError(place, message.includes(opType, where.length) ? text : `${text} (${opType})`);
}

function addCall(reading: Reading, original: Call, { name, outputs = [] }: NodeProto): void {
  const { graph } = reading;
  const call = convertToOpset(original);
  const folded = graph.scope(call.name, () => fold(call, build));
  if (folded) {
    for (const [i, output] of outputs.entries()) {
      const result = folded[i];
      if (output === "" || result === undefined) continue;
      if ("data" in result) addConstant(reading, call.name, result, output);
      else {
        reading.unfolded.add(result);
        reading.aliases.set(output, result);
      }
    }
    return;
  }
  const first = graph.nodes.length;
  const values = graph.scope(call.name, () => expanded(call));
  if (values === undefined) {
    const attributes = castable(call);
    graph.node(call.opType, call.operands, attributes, {
      name,
      where: call.name,
      outputs: outputs.slice(0, call.outputs),
    });
  }
  account(reading, call.name, first);
  if (values === undefined) return;
  for (const [index, output] of outputs.entries()) {
    const value = values[index];
    if (output === "" || value === undefined) continue;
    if (graph.value(output) !== undefined)
      throw new GraphError(output, "a value of this name already exists");
    if (value.node !== undefined && value.name.startsWith(`${call.name}/`)) graph.rename(value, output);
    else reading.aliases.set(output, value);
  }
}

/** Charges the nodes from `first` on, and the constants among their results. */
function account({ graph, budget, unfolded }: Reading, where: string, first: number): void {
  const isFixed = (value: Value): boolean => {
    if (unfolded.has(value)) return true;
    const tensor = graph.tensor(value);
    if (tensor === undefined) return false;
    return !(graph.initializers.has(value.name) && isFloat(tensor.type) && tensor.dims.length > 0);
  };
  budget.nodes(where, graph.nodes.length - first - 1);
  for (let at = first; at < graph.nodes.length; at++) {
    const { inputs, outputs } = graph.nodes[at]!;
    if (!inputs.every((input) => input === undefined || isFixed(input))) continue;
    for (const output of outputs) {
      unfolded.add(output);
      budget.keep(where, sizeOf(output.dims));
    }
  }
}

function addSequence(reading: Reading, call: Call, { inputs = [], outputs = [] }: NodeProto): void {
  const { graph, sequences, aliases } = reading;
  const first = graph.nodes.length;
  const result = graph.scope(call.name, () => sequenceResult(call, sequences, inputs));
  account(reading, call.name, first);
  const output = outputs[0] ?? "";
  if ("graph" in result) aliases.set(output, result);
  else sequences.set(output, result);
}

/** Returns the outputs of a node that is written in others; undefined where the graph has it as it is. */
const expanded = (call: Call): readonly Value[] | undefined =>
  Object.hasOwn(expansions, call.opType) ? expansions[call.opType]!(call) : undefined;

/** Builds the outputs of a node in a graph of its operands. */
function build(call: Call): readonly Value[] {
  return (
    expanded(call) ?? call.graph.node(call.opType, call.operands, castable(call), { outputs: call.outputs })
  );
}

/**
 * Returns the attributes with casts to 16-bit floats as casts to float32, which a graph has in their place.
 */
function castable({ opType, attributes }: Call): Readonly<Record<string, Attribute>> {
  const half = attributes.to === onnxTypes.float16 || attributes.to === onnxBfloat16;
  return opType === "Cast" && half ? { ...attributes, to: onnxTypes.float32 } : attributes;
}

/** Names that exporters make up where a module has no name for a tensor. */
const generic = /^(\d+|\/.*|onnx::.*|.*_output_\d+|Identity.*|val_\d+|input\.\d+)$/;

/** Whether an Identity's output is a weight of its own, see `TiedWeights`. */
function isWeight({ graph, tied, results }: Reading, operand: Value | undefined, output: string): boolean {
  if (operand === undefined || tied === "keep" || output === "" || results.has(output)) return false;
  const stored = graph.initializers.has(operand.name) && operand.dims.length > 0 && isFloat(operand.type);
  return stored && (tied === "untie" || !generic.test(output));
}

function addConstant(
  { graph, weights, results, aliases }: Reading,
  where: string,
  tensor: Tensor,
  output: string,
): void {
  if (graph.value(output) !== undefined || aliases.has(output))
    throw new GraphError(where, `a value ${output} already exists`);
  if (results.has(output)) {
    // The graph makes its outputs by nodes.
    aliases.set(output, graph.constant(tensor));
    return;
  }
  const weight = weights.has(output) && isFloat(tensor.type) && tensor.dims.length > 0;
  if (weight) graph.initializer(output, tensor);
  else graph.constant(tensor, output);
}

/** Adds the nodes of the branch that a constant condition chooses. */
function addBranch(
  reading: Reading,
  { inputs = [], outputs = [], attributes = [] }: NodeProto,
  name: string,
): void {
  const condition = lookUp(reading, inputs[0] ?? "", name);
  const tensor = reading.graph.tensor(condition);
  if (tensor === undefined)
    throw graphError(name, "a condition of If that depends on sizes alone", `the value ${condition.name}`);
  const chosen = toNumbers(tensor)[0] ? "then_branch" : "else_branch";
  const branch: GraphProto | undefined = attributes.find((attribute) => attribute.name === chosen)?.g;
  if (branch === undefined) throw graphError(name, chosen, undefined);
  // A value stored by a branch is no weight: the other branch may be taken next time.
  for (const stored of branch.initializers ?? [])
    addConstant(reading, name, parseTensor(stored, stored.name || name, reading.tensors), stored.name ?? "");
  for (const node of orderNodes(branch.nodes ?? [])) readNode(reading, node);
  for (const [index, output] of outputs.entries()) {
    const result = branch.outputs?.[index]?.name ?? "";
    if (output !== result) reading.aliases.set(output, lookUp(reading, result, name));
  }
}
