import { type Graph, ops, rewrite, type Value } from "@pixelcal/graph";

/** More outputs than any network with deep supervision has. */
const mostParts = 32;

/**
 * Splits every output that stacks several, [N, D, C, ...spatial] as in deep supervision, into D outputs: "y"
 * becomes "y[0]", "y[1]" and so on.
 */
export function unstacked(model: Graph): Graph {
  const [image] = model.inputs;
  if (image === undefined) return model;
  const isStack = ({ dims }: Value): boolean =>
    dims.length === image.dims.length + 1 && dims[0] === image.dims[0] && dims[1]! <= mostParts;
  if (![...model.outputs.values()].some(isStack)) return model;
  return rewrite(model, {
    output: (name, copy) => {
      if (!isStack(copy)) return undefined;
      return Array.from({ length: copy.dims[1]! }, (_, index) => [`${name}[${index}]`, part(copy, index)]);
    },
  });
}

/**
 * Returns the index-th stacked output: the Concat's operand if the stack is a Concat, so that an activation
 * at its end is found, else a slice.
 */
function part(stack: Value, index: number): Value {
  const { opType, inputs = [], attributes } = stack.node ?? {};
  const apart = opType === "Concat" && attributes?.axis === 1 && inputs.length === stack.dims[1];
  return ops.Squeeze(apart ? inputs[index]! : ops.Slice(stack, [index], [index + 1], [1]), [1]);
}
