import { elementCount, zeros } from "@pixelcal/core";
import type { Graph, Value } from "@pixelcal/graph";

const bytesOf = ({ type, dims }: Pick<Value, "type" | "dims">): number =>
  zeros(type, [0]).data.BYTES_PER_ELEMENT * elementCount(dims);

/**
 * Returns the most bytes that are in use at once when a graph's nodes run in order: inputs, weights and
 * constants throughout, every other value from its node to its last use, outputs to the end. A runtime may
 * need more for an operator's own work and less where it writes in place.
 */
export function peakBytes(graph: Graph): number {
  const last = new Map<Value, number>();
  for (const [at, node] of graph.nodes.entries()) {
    for (const input of node.inputs) if (input !== undefined) last.set(input, at);
  }
  for (const value of graph.outputs.values()) last.set(value, graph.nodes.length);
  const ending = new Map<number, number>();
  for (const [value, at] of last) {
    if (value.node !== undefined) ending.set(at, (ending.get(at) ?? 0) + bytesOf(value));
  }
  let alive = graph.inputs.reduce((sum, value) => sum + bytesOf(value), 0);
  for (const arrays of [graph.initializers, graph.constants]) {
    for (const array of arrays.values()) alive += bytesOf(array);
  }
  let most = alive;
  for (const [at, node] of graph.nodes.entries()) {
    for (const output of node.outputs) if (last.has(output)) alive += bytesOf(output);
    most = Math.max(most, alive);
    alive -= ending.get(at) ?? 0;
  }
  return most;
}
