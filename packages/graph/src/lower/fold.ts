import { fromNumbers, toNumbers } from "../data-types.js";
import { Graph } from "../graph.js";
import { interpret } from "../interpret/interpret.js";
import { workOf } from "../interpret/work.js";
import type { Node, Value } from "../ir.js";
import { sizeOf } from "../operators/spec.js";
import { copy, rewrite } from "../rewrite.js";

/** Larger results stay expressions: the model would grow, and the runtime folds them when it loads. */
const largest = 1 << 16;
/** Elements visited for all of them; arithmetic on few numbers is not counted. */
const mostWork = 1 << 22;
const freeWork = 256;

/** Replaces values that are computed from constants alone. Weights are not constants: they may be trained. */
export function fold(source: Graph): Graph {
  let left = mostWork;
  return rewrite(source, {
    node: (node, inputs, target) => {
      const constant = inputs.every((input) => input === undefined || target.constants.has(input.name));
      const small = node.outputs.every((output) => sizeOf(output.dims) <= largest);
      if (node.domain !== "" || !constant || !small) return undefined;
      const alone = new Graph(node.name);
      const own = inputs.map(
        (input) => input && alone.constant(target.constants.get(input.name)!, input.name),
      );
      for (const [index, value] of copy(node, own, alone).entries()) alone.output(`${index}`, value);
      const work = workOf(alone, left + freeWork);
      if (work > freeWork) {
        if (work > left) return undefined;
        left -= work;
      }
      return evaluated(node, alone, target);
    },
  });
}

function evaluated(node: Node, alone: Graph, target: Graph): readonly Value[] {
  const results = interpret(alone);
  return node.outputs.map(({ type, dims }, index) =>
    target.constant(fromNumbers(type, toNumbers(results[index]!), dims)),
  );
}
