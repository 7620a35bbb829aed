import { GraphError, UnsupportedOpError } from "../errors.js";
import { gradientRules } from "../gradients/gradients.js";
import { OPSET } from "../ir.js";
import { shapeRules } from "../operators/shapes.js";
import { Budget } from "./budget.js";
import { expansions } from "./expansions.js";
import { foldedOperators } from "./fold.js";
import { inlineFunctions } from "./inline-functions.js";
import { OnnxFile } from "./onnx-file.js";
import type { GraphProto, ModelProto, NodeProto } from "./onnx-proto.js";
import { meansTheSame, mostNodes, standard, versionOf } from "./opsets.js";
import { sequenceOperators } from "./sequences.js";

/**
 * Operators that no graph keeps: reading turns their outputs into constants, other names or a chosen branch.
 */
const resolved = new Set(["Constant", "If", "Upsample"]);

/** Whether the graph can hold the operator, or what it is written in. */
const isKnown = ({ opType = "", domain }: NodeProto): boolean =>
  standard(domain) &&
  (resolved.has(opType) ||
    sequenceOperators.has(opType) ||
    foldedOperators.has(opType) ||
    Object.hasOwn(expansions, opType) ||
    Object.hasOwn(shapeRules, opType));

/** Returns an operator's name, with its domain unless that is ai.onnx's. */
export const nameOf = ({ opType = "", domain }: NodeProto): string =>
  standard(domain) ? opType : `${domain}.${opType}`;

/** Yields the nodes of a graph and of the graphs inside its nodes. */
export function* allNodes({ nodes = [] }: GraphProto): Generator<NodeProto> {
  for (const node of nodes) {
    yield node;
    for (const { g } of node.attributes ?? []) if (g !== undefined) yield* allNodes(g);
  }
}

/** Throws UnsupportedOpError with all operators that cannot be read, those in branches included. */
export function checkOperators(model: ModelProto): void {
  const version = versionOf(model);
  const nodes: NodeProto[] = [];
  for (const node of allNodes(model.graph ?? {})) {
    nodes.push(node);
    if (nodes.length > mostNodes) throw new GraphError("model", `has more than ${mostNodes} nodes`);
  }
  const unknown = nodes.filter((node) => !isKnown(node)).map(nameOf);
  if (unknown.length > 0) throw new UnsupportedOpError(unknown, "model: unsupported operators");
  const changed = nodes.filter((node) => !meansTheSame(node, version)).map(nameOf);
  if (changed.length > 0) {
    const otherwise = version === OPSET ? "" : `, or defines differently from set ${OPSET}`;
    throw new UnsupportedOpError(changed, `model: operators that set ${version} does not have${otherwise}`);
  }
}

export interface OperatorUse {
  /** With its domain unless that is ai.onnx's. */
  readonly name: string;
  readonly count: number;
  /** Whether models with it can be read. */
  readonly known: boolean;
  /** Whether gradients go through it, or it has none because it is constant almost everywhere. */
  readonly gradient: boolean;
}

/**
 * Lists the contents of an ONNX file, whether or not the file can be trained: its operator set and every
 * operator by name. Operators inside functions are listed in place of the calls.
 */
export function modelOperators(file: Uint8Array | OnnxFile): {
  readonly opset: number;
  readonly operators: readonly OperatorUse[];
} {
  const { bytes, proto } = OnnxFile.of(file);
  const model = withoutFunctions(proto, bytes.length);
  const opset = versionOf(model);
  const uses = new Map<string, OperatorUse>();
  for (const node of allNodes(model.graph ?? {})) {
    const name = nameOf(node);
    const known = isKnown(node) && meansTheSame(node, opset);
    const gradient =
      known &&
      (Object.hasOwn(gradientRules, name) ||
        Object.hasOwn(expansions, name) ||
        [resolved, foldedOperators, sequenceOperators].some((names) => names.has(name)));
    const before = uses.get(name);
    uses.set(name, {
      name,
      count: (before?.count ?? 0) + 1,
      known: known && (before?.known ?? true),
      gradient: gradient && (before?.gradient ?? true),
    });
  }
  return { opset, operators: [...uses.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** Calls of functions that cannot be written out stay, as unknown operators. */
function withoutFunctions(model: ModelProto, size: number): ModelProto {
  try {
    return inlineFunctions(model, new Budget(size));
  } catch (error) {
    if (error instanceof GraphError) return model;
    throw error;
  }
}
