import { fromNumbers, toNumbers } from "../data-types.js";
import { Graph } from "../graph.js";
import { interpret } from "../interpret/interpret.js";
import type { Node, Value } from "../ir.js";
import { sizeOf } from "../operators/spec.js";
import { copy, rewrite } from "../rewrite.js";

/** Larger results stay expressions: the model would grow, and the runtime folds them when it loads. */
const largest = 1 << 16;

/**
 * Replaces what is computed from constants alone by its value. Weights are no constants: they may be trained.
 */
export function fold(source: Graph): Graph {
  return rewrite(source, {
    node: (node, inputs, target) => {
      const constant = inputs.every((input) => input === undefined || target.constants.has(input.name));
      const small = node.outputs.every((output) => sizeOf(output.dims) <= largest);
      return node.domain === "" && constant && small ? evaluated(node, inputs, target) : undefined;
    },
  });
}

function evaluated(node: Node, inputs: readonly (Value | undefined)[], target: Graph): readonly Value[] {
  const alone = new Graph(node.name);
  const own = inputs.map((input) => input && alone.constant(target.constants.get(input.name)!, input.name));
  for (const [index, value] of copy(node, own, alone).entries()) alone.output(`${index}`, value);
  const results = interpret(alone);
  return node.outputs.map(({ type, dims }, index) =>
    target.constant(fromNumbers(type, toNumbers(results[index]!), dims)),
  );
}
