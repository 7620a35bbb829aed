import { numberOf } from "./attributes.js";
import { graphError } from "./errors.js";
import { type Graph, type Node, opKey, type Value } from "./ir.js";
import { batchNormalization } from "./operators/composite.js";
import * as ops from "./operators/ops.js";
import { sizeOf } from "./operators/spec.js";
import { rewrite } from "./rewrite.js";
import { weightRoles } from "./weight-roles.js";

/** Returns the name of the training form's output with the next value of a running mean or variance. */
export const updatedName = (buffer: string): string => `${buffer}.next`;

/**
 * Copies a graph so that every BatchNormalization normalises by the statistics of the batch. The next running
 * mean and variance are outputs called `updatedName(buffer)`: running * momentum + batch * (1 - momentum),
 * with the unbiased variance of the batch as in PyTorch. Throws when a batch has one element per channel,
 * whose variance is not defined.
 */
export function trainingForm(graph: Graph): Graph {
  const updates = new Map<string, Value>();
  const { buffers } = weightRoles(graph);
  const carried = new Set(buffers);
  const result = rewrite(graph, {
    node: (node, inputs) => {
      if (opKey(node) !== "BatchNormalization") return undefined;
      // Already in training mode: either the network was exported so, and its statistics are carried, or the
      // node normalises something else, such as a weight, and stays.
      const stays = numberOf(node, "training_mode", 0) !== 0 && !isCarried(node, carried);
      return stays ? undefined : byBatch(node, inputs as Value[], updates);
    },
  });
  for (const [name, value] of updates) result.output(name, value);
  return result;
}

/** Whether a node's statistics are buffers, or fed in place of them. */
const isCarried = ({ inputs: [, , , mean, variance] }: Node, buffers: ReadonlySet<string>): boolean =>
  [mean, variance].every(
    (value) => value !== undefined && (buffers.has(value.name) || value.graph.tensor(value) === undefined),
  );

function byBatch(node: Node, inputs: readonly Value[], updates: Map<string, Value>): readonly Value[] {
  const [x, scale, bias, runningMean, runningVariance] = inputs as [Value, Value, Value, Value, Value];
  const each = sizeOf(x.dims) / x.dims[1]!;
  if (each < 2) throw graphError(node.name, "more than one element per channel to train on", x.dims);
  const [y, mean, variance] = batchNormalization(x, scale, bias, numberOf(node, "epsilon", 1e-5));
  const momentum = numberOf(node, "momentum", 0.9);
  const update = (running: Value, batch: Value): void => {
    const name = updatedName(running.name);
    // A layer that is used several times sees several batches, one after the other.
    const before = updates.get(name) ?? running;
    updates.set(name, ops.Add(ops.Mul(before, momentum), ops.Mul(batch, 1 - momentum)));
  };
  update(runningMean, mean!);
  update(runningVariance, ops.Mul(variance!, each / (each - 1)));
  return [y!];
}
