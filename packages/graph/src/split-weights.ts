import type { Tensor } from "@pixelcal/core";
import { isFloat } from "./data-types.js";
import { Graph } from "./graph.js";
import type { Node, Value } from "./ir.js";
import { copy, liveNodes, prune, sourceNames } from "./rewrite.js";

/** A graph in two parts. */
export interface SplitWeights {
  /** Computes arrays from the weights alone: its inputs are initializers of the graph, under their names. */
  readonly weights: Graph;
  /** Returns the graph that takes the outputs of `weights` as initializers of their names. */
  rest(arrays: Readonly<Record<string, Tensor>>): Graph;
}

/**
 * Splits off what a graph computes from its initializers alone, such as weights in another layout; undefined
 * where there is nothing. Initializers that only that part needs are not in the rest.
 */
export function splitWeights(source: Graph): SplitWeights | undefined {
  const nodes = liveNodes(source);
  const outputs = new Set(source.outputs.values());
  // Values of constants alone are known, too, and computed where they are needed: masks may be larger than
  // all weights.
  const [known, fixed] = [new Set<Node>(), new Set<Node>()];
  const isFixed = ({ name, node }: Value): boolean =>
    node ? fixed.has(node) : source.initializers.has(name);
  const isKnown = (value: Value): boolean =>
    value.node ? known.has(value.node) : source.tensor(value) !== undefined;
  for (const node of nodes) {
    const inputs = node.inputs.filter((input) => input !== undefined);
    if (!inputs.every(isKnown) || node.outputs.some((output) => outputs.has(output))) continue;
    known.add(node);
    if (inputs.some(isFixed)) fixed.add(node);
  }
  const moving = nodes.filter((node) => !fixed.has(node));
  const isComputed = (value: Value | undefined): value is Value => !!value?.node && fixed.has(value.node);
  const wanted = new Set(moving.flatMap((node) => node.inputs).filter(isComputed));
  if (wanted.size === 0) return undefined;

  // Whole numbers may be sizes, which shapes depend on.
  const isWeight = ({ name, type }: Value): boolean => source.initializers.has(name) && isFloat(type);
  const weights = copied(source, [...known], (value, target) =>
    isWeight(value) ? target.input(value.name, value.type, value.dims) : undefined,
  );
  for (const value of wanted) weights.graph.output(value.name, weights.map(value));
  return {
    weights: prune(weights.graph),
    rest(arrays) {
      const { graph, map } = copied(source, moving, (value, target) =>
        wanted.has(value) ? target.initializer(value.name, arrays[value.name]!) : undefined,
      );
      for (const [name, value] of source.outputs) graph.output(name, map(value));
      return graph;
    },
  };
}

/**
 * Copies nodes to a new graph with the inputs of the source that they read; `given` may tell what takes the
 * place of another value that none of the nodes computes.
 */
function copied(
  source: Graph,
  nodes: readonly Node[],
  given: (value: Value, target: Graph) => Value | undefined,
): { readonly graph: Graph; readonly map: (value: Value) => Value } {
  const graph = new Graph(source.name, sourceNames(source));
  const copies = new Map<Value, Value>();
  const made = (value: Value): Value => {
    const replaced = given(value, graph);
    if (replaced !== undefined) return replaced;
    const constant = source.constants.get(value.name);
    if (constant !== undefined) return graph.constant(constant);
    const weight = source.initializers.get(value.name);
    if (weight !== undefined) return graph.initializer(value.name, weight);
    return graph.input(value.name, value.type, value.dims);
  };
  const map = (value: Value): Value => {
    const known = copies.get(value) ?? made(value);
    copies.set(value, known);
    return known;
  };
  for (const node of nodes) {
    const own = copy(
      node,
      node.inputs.map((input) => input && map(input)),
      graph,
    );
    for (const [index, output] of node.outputs.entries()) copies.set(output, own[index]!);
  }
  return { graph, map };
}
