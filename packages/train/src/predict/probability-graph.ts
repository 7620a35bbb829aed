import { type Graph, ops, prune, rewrite } from "@pixelcal/graph";

/** The function that makes probabilities of logits: over the classes of a pixel, or of each channel alone. */
export type Activation = "softmax" | "sigmoid";

/**
 * Returns a copy of a canonical model that outputs the probabilities [N, classes, ...spatial] of its first
 * output, under a name of its own or `output`.
 */
export function withProbabilities(model: Graph, activation: Activation = "softmax", output?: string): Graph {
  const [first] = model.outputs.keys();
  const rewritten = rewrite(model, {
    output: (name, logits) => {
      if (name !== first) return [];
      const probabilities = activation === "sigmoid" ? ops.Sigmoid(logits) : ops.Softmax(logits, 1);
      return [[output ?? `${name}/probabilities`, probabilities]];
    },
  });
  return prune(rewritten);
}
