import { graphError } from "../errors.js";
import type { Graph } from "../graph.js";
import { type Node, opKey, type Value } from "../ir.js";
import { rewrite } from "../rewrite.js";
import { rules } from "./rules.js";
import {
  hasSamples,
  longer,
  movedTo,
  type Operand,
  oneByOne,
  type Results,
  repeated,
  type Visit,
} from "./samples.js";

/**
 * Returns a graph that does for `count` samples what `graph` does for one: its inputs and outputs are `count`
 * times as long along their first axis. Sizes that the graph was written with, such as a batch of 1 in a
 * Reshape, follow; no sample sees another but through batch norms in their training form. Throws GraphError
 * for inputs or outputs without an axis.
 */
export function rebatch(graph: Graph, count: number): Graph {
  if (!(Number.isSafeInteger(count) && count >= 1))
    throw graphError("count", "an integer of 1 or more", count);
  if (count === 1) return graph;
  /** The axis of the samples in values that differ by sample. */
  const axes = new Map<Value, number>();
  const operandOf = (source: Value, value: Value): Operand => {
    const axis = axes.get(value);
    return { value, dims: source.dims, ...(axis !== undefined && { axis }) };
  };
  return rewrite(graph, {
    input: ({ name, type, dims }, target) => {
      if (dims.length === 0) throw graphError(name, "an input with an axis for the batch", dims);
      const value = target.input(name, type, longer(dims, 0, count));
      axes.set(value, 0);
      return value;
    },
    node: (node, inputs, target) => {
      const operands = inputs.map((value, i) => value && operandOf(node.inputs[i]!, value));
      if (!operands.some(hasSamples)) return undefined;
      const { values, axis } = carried({ node, operands, target, count });
      for (const value of values) if (isLonger(node, values, value, axis, count)) axes.set(value, axis);
      return values;
    },
    output: (name, copy) => {
      const source = graph.outputs.get(name)!;
      if (source.dims.length === 0)
        throw graphError(name, "an output with an axis for the batch", source.dims);
      const operand = operandOf(source, copy);
      return [[name, hasSamples(operand) ? movedTo(operand, 0, count) : repeated(operand, 0, count)]];
    },
  });
}

function carried(visit: Visit): Results {
  const key = opKey(visit.node);
  const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
  const found = rule?.(visit);
  if (found !== undefined) return found;
  const { node } = visit;
  if (node.outputs.some(({ dims }) => dims.length === 0))
    throw graphError(node.name, "an axis that the images of a batch can go along", "a single number");
  return { values: oneByOne(visit), axis: 0 };
}

/** Tells a result of every sample from one that all share, such as a mean over the batch. */
function isLonger(node: Node, values: readonly Value[], value: Value, axis: number, count: number): boolean {
  const { dims } = node.outputs[values.indexOf(value)]!;
  return dims.length === value.dims.length && value.dims[axis] === dims[axis]! * count;
}
