import type { Node, Value } from "@pixelcal/graph";
import { activationAt } from "./find-logits.js";
import { movingOperators } from "./image-and-logits.js";

/** Operators whose results are probabilities, or are made of probabilities, where their first operand is. */
export const keeping: ReadonlySet<string> = new Set([
  ...movingOperators,
  "Resize",
  "Clip",
  "Relu",
  "Slice",
  "Split",
  "Gather",
  "GatherElements",
  "Pad",
  "Expand",
  "Tile",
  "DepthToSpace",
  "SpaceToDepth",
  "AveragePool",
  "MaxPool",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceSum",
  "Round",
  "Floor",
  "Ceil",
  "Sqrt",
]);

/** Operators whose results are made of probabilities where all operands that depend on the image are. */
const combining: ReadonlySet<string> = new Set([
  "Concat",
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Mean",
  "Sum",
  "Max",
  "Min",
  "Pow",
]);

/** Operators whose results are never logits. */
export const decided: Readonly<Record<string, string>> = {
  HardSigmoid: "HardSigmoid",
  ArgMax: "ArgMax",
  ArgMin: "ArgMin",
  Greater: "threshold",
  GreaterOrEqual: "threshold",
  Less: "threshold",
  LessOrEqual: "threshold",
  Equal: "threshold",
};

/** Depth beyond which operators after an activation belong to the network, not to post-processing. */
const mostDepth = 64;

/**
 * Names the source of an output that holds probabilities or decisions from which no logits can be recovered:
 * "softmax", "sigmoid", "HardSigmoid", "ArgMax" and so on; undefined for logits and their logarithms of a
 * softmax.
 */
export function probabilitiesIn(output: Value): string | undefined {
  const known = new Map<Value, string | undefined>();
  const visit = (value: Value | undefined, depth: number): string | undefined => {
    if (value?.node === undefined || depth > mostDepth) return undefined;
    if (known.has(value)) return known.get(value);
    known.set(value, undefined);
    const found = kindOf(value, value.node, (operand) => visit(operand, depth + 1));
    known.set(value, found);
    return found;
  };
  return visit(output, 0);
}

type Visit = (value: Value | undefined) => string | undefined;

function kindOf(value: Value, node: Node, visit: Visit): string | undefined {
  const { opType, inputs } = node;
  const activation = activationAt(value)?.activation;
  if (activation !== undefined) return activation === "log-softmax" ? undefined : activation;
  if (Object.hasOwn(decided, opType)) return decided[opType];
  if (keeping.has(opType)) return visit(inputs[0]);
  if (opType === "Log") {
    // The softmax of a softmax's logarithm is that softmax; channels of a sigmoid are no distribution.
    const inner = visit(inputs[0]);
    return inner === "softmax" ? undefined : inner;
  }
  if (opType === "Not" || opType === "And" || opType === "Or" || opType === "Xor") return "threshold";
  if (opType === "Where") return ofAll(inputs.slice(1), visit) ?? decidedBy(inputs, visit);
  return combining.has(opType) ? (scaledTanh(node) ?? ofAll(inputs, visit)) : undefined;
}

/** Returns the source of the operands that depend on the image, if all have one; that of the first. */
function ofAll(operands: readonly (Value | undefined)[], visit: Visit): string | undefined {
  const kinds = operands.filter((value) => value !== undefined && !isFixed(value)).map(visit);
  return kinds.includes(undefined) ? undefined : kinds[0];
}

/** Tells whether a condition chooses among constants. */
const decidedBy = (
  [condition, ...branches]: readonly (Value | undefined)[],
  visit: Visit,
): string | undefined =>
  branches.every((value) => value !== undefined && isFixed(value)) ? visit(condition) : undefined;

/** Matches a sigmoid written as (1 + tanh(x / 2)) / 2. */
function scaledTanh({ opType, inputs }: Node): string | undefined {
  const half = inputs.some((value) => value !== undefined && isNumber(value, opType === "Div" ? 2 : 0.5));
  const other = inputs.find((value) => value !== undefined && !isFixed(value))?.node;
  if (!half || other === undefined) return undefined;
  const scales = opType === "Mul" || opType === "Div";
  const inner =
    scales && other.opType === "Add" ? 1 : opType === "Add" && other.opType === "Mul" ? 0.5 : undefined;
  if (inner === undefined || !other.inputs.some((value) => value !== undefined && isNumber(value, inner)))
    return undefined;
  return other.inputs.some((value) => value?.node?.opType === "Tanh") ? "sigmoid" : undefined;
}

function isNumber(value: Value, number: number): boolean {
  const data = value.graph.tensor(value)?.data;
  return data?.length === 1 && Number(data[0]) === number;
}

/** Tells whether a value does not depend on the image: a stored array, or computed from such. */
function isFixed(value: Value, depth = 0): boolean {
  if (value.graph.tensor(value) !== undefined) return true;
  if (value.node === undefined || depth > 8) return false;
  return value.node.inputs.every((input) => input === undefined || isFixed(input, depth + 1));
}
