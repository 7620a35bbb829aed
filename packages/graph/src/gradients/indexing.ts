import { numberOf, textOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import { GraphError } from "../errors.js";
import type { Value } from "../ir.js";
import { contractAxis } from "../operators/contract-axis.js";
import { zerosLike } from "../operators/movement.js";
import * as ops from "../operators/ops.js";
import { normalAxis, sizeOf, staticNumbers } from "../operators/spec.js";
import type { Backward, GradientRule } from "./rule.js";

const axisOf = ({ node, x }: Backward, otherwise: number): number =>
  normalAxis(node, numberOf(node, "axis", otherwise), x.dims.length);

export const indexingRules: Readonly<Record<string, GradientRule>> = {
  Gather: (b) => [() => ungather(b)],
  GatherElements: (b) => [
    () => ops.ScatterElements(zerosLike(b.x), b.inputs[1]!, b.dy, axisOf(b, 0), { reduction: "add" }),
  ],
  ScatterElements: (b) => {
    const [, indices] = b.inputs;
    const axis = axisOf(b, 0);
    const added = adds(b);
    return [
      () => (added ? b.dy : ops.ScatterElements(b.dy, indices!, zerosLike(b.inputs[2]!), axis)),
      undefined,
      () => ops.GatherElements(b.dy, indices!, axis),
    ];
  },
  ScatterND: (b) => {
    const [, indices, updates] = b.inputs;
    const added = adds(b);
    return [
      () => (added ? b.dy : ops.ScatterND(b.dy, indices!, zerosLike(updates!))),
      undefined,
      () => ops.GatherND(b.dy, indices!),
    ];
  },
  GatherND: (b) => [() => ops.ScatterND(zerosLike(b.x), wholeIndices(b), b.dy, { reduction: "add" })],
  // the chosen elements, of equal ones those with the lowest index
  TopK: (b) => [() => ops.ScatterElements(zerosLike(b.x), b.node.outputs[1]!, b.dy, axisOf(b, -1))],
};

/** Whether a scatter adds what it writes; fails for those that multiply or compare. */
function adds({ node }: Backward): boolean {
  const reduction = textOf(node, "reduction", "none");
  if (reduction !== "none" && reduction !== "add")
    throw new GraphError(node.name, `no gradient of ${node.opType} with reduction ${reduction}`);
  return reduction === "add";
}

/** Returns the indices of a GatherND preceded by those of its batch axes, as ScatterND wants them. */
function wholeIndices({ node, x, inputs: [, indices] }: Backward): Value {
  const batch = numberOf(node, "batch_dims", 0);
  if (batch === 0) return indices!;
  const rows = indices!.dims.slice(0, -1);
  const columns = Array.from({ length: batch }, (_, axis) => {
    const places = fromNumbers(
      indices!.type,
      [...Array(x.dims[axis]).keys()],
      rows.map((_, at) => (at === axis ? x.dims[axis]! : 1)),
    );
    return ops.Unsqueeze(ops.Expand(x.graph.constant(places), rows), [-1]);
  });
  return ops.Concat([...columns, indices!], -1);
}

const largestMatrix = 1 << 22;

/** Sums dy into the positions of x that Gather read, as often as it read them. */
function ungather(b: Backward): Value {
  const { node, x } = b;
  const indices = b.inputs[1]!;
  const axis = axisOf(b, 0);
  const size = x.dims[axis]!;
  const many = sizeOf(indices.dims);
  const [outer, inner] = [x.dims.slice(0, axis), x.dims.slice(axis + 1)];
  const dy = ops.Reshape(b.dy, [...outer, many, ...inner]);
  if (x.graph.tensor(indices) !== undefined && many * size <= largestMatrix) {
    const matrix = new Float64Array(many * size);
    for (const [row, index] of staticNumbers(node, 1)!.entries())
      matrix[row * size + (index < 0 ? index + size : index)] = 1;
    return contractAxis(dy, axis, matrix, size);
  }
  const column = ops.Reshape(indices, [...outer.map(() => 1), many, ...inner.map(() => 1)]);
  return ops.ScatterElements(zerosLike(x), ops.Expand(column, dy.dims), dy, axis, { reduction: "add" });
}
