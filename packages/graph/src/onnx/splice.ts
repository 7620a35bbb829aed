import { GraphError, graphError } from "../errors.js";
import type { Graph } from "../ir.js";
import { writtenInSet } from "./older-sets.js";
import { OnnxFile } from "./onnx-file.js";
import {
  type GraphProto,
  graphTable,
  modelTable,
  type NodeProto,
  type ValueInfoProto,
} from "./onnx-proto.js";
import { versionOf } from "./opsets.js";
import { nodeProtos } from "./serialize.js";
import { rewriteFields } from "./wire-rewriter.js";
import { encode } from "./wire-writer.js";

// Numbers of the fields of onnx.proto's messages.
const inModel = { graph: 7, metadata: 14 } as const;
const inGraph = { node: 1, output: 12 } as const;
const inNode = { output: 2 } as const;

/** A graph to insert behind one value of a model. */
export interface Splice {
  /** The value whose readers take the graph's output instead; a node of the main graph makes it. */
  readonly value: string;
  /**
   * One input and one output of the value's type and shape, in standard operators that do not depend on the
   * sizes the graph was laid out for.
   */
  readonly graph: Graph;
  /** The first part, before a slash, of every name that is added. */
  readonly prefix: string;
  /** An extra output for the value as it was, with the dims to declare; a string names an open size. */
  readonly keep?: {
    readonly name: string;
    readonly elementType: number;
    readonly dims: readonly (number | string)[];
  };
}

/**
 * Inserts graphs into a model file: the readers of each value, the model's outputs among them, take what the
 * graph makes of it. Everything else keeps its bytes: weights, open sizes, operators of other domains. The
 * nodes are written in the model's own operator set. Returns the file in pieces; `withoutSplices` undoes it.
 */
export function spliceModel(
  file: Uint8Array | OnnxFile,
  splices: readonly Splice[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const { bytes, proto } = OnnxFile.of(file);
  const graph = proto.graph ?? {};
  const version = versionOf(proto);
  const byNode = new Map<number, Splice[]>();
  for (const splice of splices) {
    const at = producerOf(graph, splice);
    byNode.set(at, [...(byNode.get(at) ?? []), splice]);
  }
  const kept = splices.flatMap(({ keep }) => (keep === undefined ? [] : [keptOutput(keep)]));
  const spliced = (payload: Uint8Array): Uint8Array[] => [
    ...rewriteFields(
      payload,
      (field, node, index) => {
        const here = field === inGraph.node ? byNode.get(index) : undefined;
        return here && rewriteFields(node, renamedOutputs(graph.nodes![index]!, here));
      },
      (field, index) => {
        const here = field === inGraph.node ? byNode.get(index) : undefined;
        return here?.flatMap((splice) => encode(graphTable, { nodes: insertedNodes(splice, version) }));
      },
    ),
    ...encode(graphTable, { outputs: kept }),
  ];
  const entries = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  return [
    ...rewriteFields(bytes, (field, payload) => (field === inModel.graph ? spliced(payload) : undefined)),
    ...encode(modelTable, { metadata: entries }),
  ];
}

/** The name that a value has once something is spliced behind it. */
const rawName = (prefix: string, value: string): string => `${prefix}/raw/${value}`;

function producerOf({ nodes = [], outputs = [] }: GraphProto, { value, keep, prefix }: Splice): number {
  if (nodes.some(({ name = "" }) => name.startsWith(`${prefix}/`)))
    throw new GraphError(value, `nodes named ${prefix}/ exist already`);
  const at = nodes.findIndex((node) => node.outputs?.includes(value));
  if (at < 0) throw graphError("value", "a value that a node of the main graph makes", value);
  if (keep !== undefined && outputs.some(({ name }) => name === keep.name))
    throw graphError("keep", "the name of a new output", keep.name);
  return at;
}

const renamedOutputs =
  ({ outputs = [] }: NodeProto, splices: readonly Splice[]) =>
  (field: number, _: Uint8Array, index: number): readonly Uint8Array[] | undefined => {
    const splice = field === inNode.output && splices.find(({ value }) => value === outputs[index]);
    return splice ? [Buffer.from(rawName(splice.prefix, splice.value))] : undefined;
  };

function insertedNodes({ graph, prefix, value, keep }: Splice, version: number): readonly NodeProto[] {
  const [input] = graph.inputs;
  const [output] = graph.outputs.values();
  const raw = rawName(prefix, value);
  const renamed = (name: string): string => {
    if (name === "") return name;
    return name === input!.name ? raw : name === output!.name ? value : `${prefix}/${value}/${name}`;
  };
  const nodes = writtenInSet(nodeProtos(graph), version).map((node) => ({
    ...node,
    name: `${prefix}/${value}/${node.name}`,
    inputs: node.inputs?.map(renamed),
    outputs: node.outputs?.map(renamed),
  }));
  if (keep === undefined) return nodes;
  const copy = { opType: "Identity", name: `${prefix}/keep/${value}`, inputs: [raw], outputs: [keep.name] };
  return [copy, ...nodes];
}

function keptOutput({ name, elementType, dims }: NonNullable<Splice["keep"]>): ValueInfoProto {
  const sizes = dims.map((size) => (typeof size === "string" ? { param: size } : { value: size }));
  return { name, type: { tensor: { elementType, shape: { dims: sizes } } } };
}

/**
 * Returns a model file without what `spliceModel` inserted under this prefix, and without the metadata whose
 * keys begin with it: the bytes from before. A file without splices is returned as it is.
 */
export function withoutSplices(file: Uint8Array | OnnxFile, prefix: string): Uint8Array {
  const { bytes, proto } = OnnxFile.of(file);
  const { nodes = [] } = proto.graph ?? {};
  const isOurs = ({ name = "" }: NodeProto): boolean => name.startsWith(`${prefix}/`);
  if (!nodes.some(isOurs)) return bytes;
  const kept = new Set(
    nodes.filter(({ name = "" }) => name.startsWith(`${prefix}/keep/`)).map(({ outputs }) => outputs![0]),
  );
  const raw = rawName(prefix, "");
  const restored = (payload: Uint8Array): Uint8Array[] =>
    rewriteFields(payload, (field, content, index) => {
      if (field === inGraph.output) {
        const { outputs = [] } = proto.graph!;
        return kept.has(outputs[index]!.name) ? null : undefined;
      }
      if (field !== inGraph.node) return undefined;
      const node = nodes[index]!;
      if (isOurs(node)) return null;
      if (!node.outputs?.some((name) => name.startsWith(raw))) return undefined;
      return rewriteFields(content, (inner, text) => {
        const name = inner === inNode.output ? Buffer.from(text).toString() : "";
        return name.startsWith(raw) ? [Buffer.from(name.slice(raw.length))] : undefined;
      });
    });
  return Buffer.concat(
    rewriteFields(bytes, (field, payload, index) => {
      if (field === inModel.graph) return restored(payload);
      const dropped =
        field === inModel.metadata && proto.metadata?.[index]?.key?.startsWith(`${prefix}.`) === true;
      return dropped ? null : undefined;
    }),
  );
}
