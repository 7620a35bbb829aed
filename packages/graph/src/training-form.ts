import { numberOf } from "./attributes.js";
import { graphError } from "./errors.js";
import type { Graph, Node, Value } from "./graph.js";
import { batchNormalization } from "./ops/composite.js";
import * as ops from "./ops.js";
import { rewrite } from "./rewrite.js";
import { sizeOf } from "./shapes/spec.js";
import { opKey } from "./shapes.js";

/** The output of a training form that holds the next value of a running mean or variance. */
export const updatedName = (buffer: string): string => `${buffer}.next`;

/**
 * A copy in which every BatchNormalization normalises by the statistics of the batch. The next running mean and variance
 * are outputs called `updatedName(buffer)`: running * momentum + batch * (1 - momentum), with the unbiased variance
 * of the batch as in PyTorch. Throws when a batch has one element per channel, whose variance is not defined.
 */
export function trainingForm(graph: Graph): Graph {
  const updates = new Map<string, Value>();
  const result = rewrite(graph, {
    node: (node, inputs) => {
      // A node that an exporter put in training mode normalises something else, such as a weight: it stays.
      const inference = opKey(node) === "BatchNormalization" && numberOf(node, "training_mode", 0) === 0;
      return inference ? byBatch(node, inputs as Value[], updates) : undefined;
    },
  });
  for (const [name, value] of updates) result.output(name, value);
  return result;
}

function byBatch(node: Node, inputs: readonly Value[], updates: Map<string, Value>): readonly Value[] {
  const [x, scale, bias, runningMean, runningVariance] = inputs as [Value, Value, Value, Value, Value];
  const each = sizeOf(x.dims) / x.dims[1]!;
  if (each < 2) throw graphError(node.name, "more than one element per channel to train on", x.dims);
  const [y, mean, variance] = batchNormalization(x, scale, bias, numberOf(node, "epsilon", 1e-5));
  const momentum = numberOf(node, "momentum", 0.9);
  const update = (running: Value, batch: Value): void => {
    const name = updatedName(running.name);
    if (updates.has(name))
      throw graphError(node.name, "its own running statistics", `${running.name} of another node`);
    updates.set(name, ops.Add(ops.Mul(running, momentum), ops.Mul(batch, 1 - momentum)));
  };
  update(runningMean, mean!);
  update(runningVariance, ops.Mul(variance!, each / (each - 1)));
  return [y!];
}
