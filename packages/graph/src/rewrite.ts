import type { Tensor } from "@pixelcal/core";
import { GraphError } from "./errors.js";
import { Graph } from "./graph.js";
import type { Node, Value } from "./ir.js";

export interface Rewriting {
  /**
   * Returns the replacement of a node: values for its outputs, made in `target` from its inputs there.
   * Undefined copies the node. Names of the nodes it adds begin with the node's name.
   */
  readonly node?: (
    node: Node,
    inputs: readonly (Value | undefined)[],
    target: Graph,
  ) => readonly (Value | undefined)[] | undefined;
  /** Returns the replacement of an initializer, such as an input of the same name; undefined copies it. */
  readonly initializer?: (name: string, tensor: Tensor, target: Graph) => Value | undefined;
  /** Returns the replacement of an input, such as one of another shape; undefined copies it. */
  readonly input?: (value: Value, target: Graph) => Value | undefined;
  /** Returns the outputs that replace one, by name, made from its copy; undefined keeps it. */
  readonly output?: (
    name: string,
    copy: Value,
    target: Graph,
  ) => readonly (readonly [string, Value])[] | undefined;
}

/**
 * Copies a graph, replacing what `rewriting` replaces. Nodes that no output needs are left out; inputs,
 * initializers and outputs keep their names and order. Tensors are shared, not copied.
 */
export function rewrite(source: Graph, rewriting: Rewriting = {}): Graph {
  const target = new Graph(source.name, sourceNames(source));
  const copies = new Map<Value, Value>();
  for (const input of source.inputs) {
    const copy = rewriting.input?.(input, target) ?? target.input(input.name, input.type, input.dims);
    copies.set(input, copy);
  }
  for (const [name, tensor] of source.initializers) {
    const copy = rewriting.initializer?.(name, tensor, target) ?? target.initializer(name, tensor);
    copies.set(source.value(name)!, copy);
  }
  const map = (value: Value): Value => {
    const known = copies.get(value);
    if (known !== undefined) return known;
    const tensor = source.constants.get(value.name);
    if (tensor === undefined) throw new GraphError(value.name, "its node was removed from the graph");
    const copy = target.constant(tensor);
    copies.set(value, copy);
    return copy;
  };
  for (const node of liveNodes(source)) {
    const inputs = node.inputs.map((input) => input && map(input));
    const made =
      target.scope(node.name, () => rewriting.node?.(node, inputs, target)) ?? copy(node, inputs, target);
    for (const [index, output] of node.outputs.entries()) {
      const value = made[index];
      if (value !== undefined) copies.set(output, value);
    }
  }
  for (const [name, value] of source.outputs) {
    const copy = map(value);
    for (const output of rewriting.output?.(name, copy, target) ?? [[name, copy] as const])
      target.output(...output);
  }
  return target;
}

/** Returns a copy without the nodes that no output needs. */
export const prune = (source: Graph): Graph => rewrite(source);

/** Adds a node like `node` with other inputs and the same names. */
export function copy(node: Node, inputs: readonly (Value | undefined)[], target: Graph): readonly Value[] {
  const { opType, attributes, name, domain } = node;
  const outputs = node.outputs.map((output) => output.name);
  return target.node(opType, inputs, attributes, { name, domain, outputs });
}

/**
 * Adds a copy of a graph to another: the values of `inputs` take the place of its inputs, in their order, and
 * the names of nodes and initializers begin with `prefix`. Returns the copies of its outputs, by name.
 */
export function addCopy(
  source: Graph,
  target: Graph,
  { inputs, prefix }: { readonly inputs: readonly Value[]; readonly prefix: string },
): ReadonlyMap<string, Value> {
  const copies = new Map(source.inputs.map((input, i) => [input, inputs[i]!]));
  const map = (value: Value): Value => {
    const known = copies.get(value);
    if (known !== undefined) return known;
    const tensor = source.tensor(value)!;
    const isConstant = source.constants.has(value.name);
    const made = isConstant ? target.constant(tensor) : target.initializer(prefix + value.name, tensor);
    copies.set(value, made);
    return made;
  };
  for (const node of liveNodes(source)) {
    const { opType, attributes, name, domain, outputs } = node;
    const names = { name: prefix + name, domain, outputs: outputs.map((output) => prefix + output.name) };
    const own = node.inputs.map((input) => input && map(input));
    const made = target.node(opType, own, attributes, names);
    for (const [i, output] of outputs.entries()) copies.set(output, made[i]!);
  }
  return new Map(Array.from(source.outputs, ([name, value]) => [name, map(value)]));
}

/** Returns the nodes that outputs need, in topological order. */
export function liveNodes(graph: Graph): readonly Node[] {
  const live = new Set<Node>();
  const wanted = [...graph.outputs.values()];
  for (let value = wanted.pop(); value !== undefined; value = wanted.pop()) {
    if (value.node === undefined || live.has(value.node)) continue;
    live.add(value.node);
    for (const input of value.node.inputs) if (input !== undefined) wanted.push(input);
  }
  return graph.nodes.filter((node) => live.has(node));
}

/** Returns the names that a copy of a graph keeps. */
export function sourceNames(graph: Graph): string[] {
  const names = [
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.outputs.keys(),
  ];
  for (const node of graph.nodes) names.push(node.name, ...node.outputs.map((output) => output.name));
  return names;
}
