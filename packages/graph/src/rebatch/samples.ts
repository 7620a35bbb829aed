import type { Graph, Node, Value } from "../ir.js";
import { Expand, Reshape, Tile, Transpose } from "../operators/movement.js";
import { Concat, Slice } from "../operators/slicing.js";

/**
 * An operand of a node in a graph of several samples. `dims` are those of one sample; the samples of a value
 * with an `axis` lie one after the other along it, a value without one is the same for all.
 */
export interface Operand {
  readonly value: Value;
  readonly dims: readonly number[];
  readonly axis?: number;
}

/** An operand that differs by sample. */
export type Samples = Operand & { readonly axis: number };

export const hasSamples = (operand: Operand | undefined): operand is Samples => operand?.axis !== undefined;

/** A node of one sample's graph, with its operands in the graph of several. */
export interface Visit {
  readonly node: Node;
  readonly operands: readonly (Operand | undefined)[];
  readonly target: Graph;
  /** The number of samples. */
  readonly count: number;
}

/** The results of a node for all samples: their values, and the axis of each that the samples are along. */
export interface Results {
  readonly values: readonly Value[];
  readonly axis: number;
}

/** Carries an operator over several samples; undefined where it has to be run for each by itself. */
export type Rule = (visit: Visit) => Results | undefined;

/** Returns the dims of all samples of a value of these dims. */
export const longer = (dims: readonly number[], axis: number, count: number): number[] =>
  dims.with(axis, dims[axis]! * count);

/** Returns the samples one after the other along another axis. */
export function movedTo({ value, dims, axis }: Samples, to: number, count: number): Value {
  if (axis === to) return value;
  const apart = Reshape(value, dims.toSpliced(axis, 0, count));
  const others = apart.dims.map((_, at) => at).toSpliced(axis, 1);
  return Reshape(Transpose(apart, others.toSpliced(to, 0, axis)), longer(dims, to, count));
}

/** Returns the value once for every sample along an axis. */
export const repeated = ({ value, dims }: Operand, axis: number, count: number): Value =>
  Tile(
    value,
    dims.map((_, at) => (at === axis ? count : 1)),
  );

/** Returns samples of size 1 along their axis broadcast to `size` each. */
export function spread({ value, dims, axis }: Samples, size: number, count: number): Value {
  const apart = Reshape(value, dims.toSpliced(axis, 0, count));
  const wide = dims.with(axis, size);
  return Reshape(Expand(apart, wide.toSpliced(axis, 0, count)), longer(wide, axis, count));
}

/** Returns the axis of the samples if it is not among `taken`, else the first that is not, if any. */
export function freeAxis({ dims, axis }: Samples, taken: readonly number[]): number | undefined {
  if (!taken.includes(axis)) return axis;
  const free = dims.findIndex((_, at) => !taken.includes(at));
  return free < 0 ? undefined : free;
}

/**
 * Adds the node with other inputs, as another operator where `opType` is given. Results keep their names, but
 * for outputs of the graph, whose names are for values with the samples along the first axis.
 */
export function again(
  { node, target }: Visit,
  inputs: readonly (Value | undefined)[],
  opType: string = node.opType,
): readonly Value[] {
  const { name, domain } = node;
  const attributes = opType === node.opType ? node.attributes : {};
  const outputs = node.outputs.map((value) => (value.graph.outputs.has(value.name) ? "" : value.name));
  return target.node(opType, inputs, attributes, { name, domain, outputs });
}

/** Returns the results of a node that is run for every sample by itself; the slow form of any operator. */
export function oneByOne({ node, operands, target, count }: Visit): readonly Value[] {
  const runs = Array.from({ length: count }, (_, sample) => {
    const inputs = operands.map((operand) => {
      if (!hasSamples(operand)) return operand?.value;
      const size = operand.dims[operand.axis]!;
      return Slice(operand.value, [sample * size], [(sample + 1) * size], [operand.axis]);
    });
    const { opType, attributes, domain, outputs } = node;
    return target.node(opType, inputs, attributes, { domain, outputs: outputs.length });
  });
  return node.outputs.map((_, index) =>
    Concat(
      runs.map((run) => run[index]!),
      0,
    ),
  );
}
