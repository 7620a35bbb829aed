import type { DataType } from "@pixelcal/core";
import { fromNumbers } from "../data-types.js";
import { GraphError } from "../errors.js";
import type { Attribute, Graph, NodeOptions, Value } from "../ir.js";

/** A value, or a number that becomes a scalar constant of the other operands' type. */
export type Operand = Value | number;

/** Returns the graph of the first operand that is a value. */
export function graphOf(opType: string, operands: readonly (Operand | undefined)[]): Graph {
  for (const operand of operands) if (typeof operand === "object") return operand.graph;
  throw new GraphError(opType, "expected at least one value, got numbers only");
}

/** Adds a scalar constant. */
export function scalar(graph: Graph, type: DataType, value: number): Value {
  return graph.constant(fromNumbers(type, [value], []));
}

/** Adds a constant list of integers, the form of axes, starts and shapes. */
export function integers(graph: Graph, list: readonly number[]): Value {
  return graph.constant(fromNumbers("int64", list, [list.length]));
}

type Options = Readonly<Record<string, Attribute | undefined>>;

/** Adds a node, leaving out attributes that are undefined. */
export function emitAll(
  opType: string,
  inputs: readonly (Value | undefined)[],
  attributes: Options = {},
  options?: NodeOptions,
): readonly Value[] {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return graphOf(opType, inputs).node(
    opType,
    inputs,
    Object.fromEntries(given) as Record<string, Attribute>,
    options,
  );
}

/** Adds a node of one output and returns that, as `emitAll` does. */
export function emit(opType: string, inputs: readonly (Value | undefined)[], attributes?: Options): Value {
  return emitAll(opType, inputs, attributes, { outputs: 1 })[0]!;
}

/** Makes numbers among the operands scalars of the type of the first value. */
export function promote(opType: string, operands: readonly Operand[]): readonly Value[] {
  const graph = graphOf(opType, operands);
  const type = operands.find((operand) => typeof operand === "object")?.type ?? "float32";
  return operands.map((operand) => (typeof operand === "object" ? operand : scalar(graph, type, operand)));
}
