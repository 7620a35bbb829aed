import { nameOf } from "./known-operators.js";
import { OnnxFile } from "./onnx-file.js";
import { graphTable } from "./onnx-proto.js";
import { rewriteFields } from "./wire-rewriter.js";
import { encode } from "./wire-writer.js";

/** The number of the graph's field in onnx.proto's model. */
const graphField = 7;

/** A node of a file's main graph as it is stored, whether or not the file can be parsed. */
export interface StoredNode {
  /** With its domain unless that is ai.onnx's. */
  readonly opType: string;
  /** The names of its operands; "" stands for one that is left out. */
  readonly inputs: readonly string[];
  /** The attribute `axis`, if it has one. */
  readonly axis: number | undefined;
}

/**
 * Yields the node of a file's main graph that makes a value, the one that makes the first operand of that
 * one, and so on, as far as nodes make them.
 */
export function* storedSources(file: Uint8Array | OnnxFile, value: string): Generator<StoredNode> {
  const { nodes = [] } = OnnxFile.of(file).proto.graph ?? {};
  const makers = new Map(nodes.flatMap((node) => (node.outputs ?? []).map((name) => [name, node] as const)));
  // A file may hold a circle.
  const seen = new Set<string>();
  for (let name = value; !seen.has(name) && makers.has(name); ) {
    seen.add(name);
    const node = makers.get(name)!;
    const { inputs = [], attributes = [] } = node;
    yield { opType: nameOf(node), inputs, axis: attributes.find((each) => each.name === "axis")?.i };
    name = inputs[0] ?? "";
  }
}

/**
 * Returns a model file, in pieces, with a value of its main graph as a further output of this element type;
 * everything else keeps its bytes. The caller gives a value that no output has the name of.
 */
export function withOutput(file: Uint8Array | OnnxFile, name: string, elementType: number): Uint8Array[] {
  const output = { name, type: { tensor: { elementType } } };
  return rewriteFields(OnnxFile.of(file).bytes, (field, graph) =>
    field === graphField ? [graph, ...encode(graphTable, { outputs: [output] })] : undefined,
  );
}
