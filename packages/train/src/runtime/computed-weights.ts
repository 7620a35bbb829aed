import type { Tensor } from "@pixelcal/core";
import { type Graph, splitWeights } from "@pixelcal/graph";
import { createSession } from "./session.js";

/**
 * Returns a lowered graph with the arrays that it computes from its weights in their place. The runtime would
 * do so when it loads the graph, and hold every step of every weight meanwhile.
 */
export async function withComputedWeights(graph: Graph, threads?: number): Promise<Graph> {
  const split = splitWeights(graph);
  if (split === undefined) return graph;
  const session = await createSession(split.weights, { threads });
  try {
    const feeds: Record<string, Tensor> = {};
    for (const { name } of session.inputs) feeds[name] = graph.initializers.get(name)!;
    return split.rest(await session.run(feeds));
  } finally {
    await session.close();
  }
}
