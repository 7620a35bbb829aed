import { numberOf } from "../attributes.js";
import { permutation } from "../operators/movement.js";
import * as ops from "../operators/ops.js";
import { sameDims } from "../operators/spec.js";
import type { Lowering } from "./lowering.js";

/** Drops a node that keeps the dims. */
const unchanged: Lowering = (node, [x]) => (sameDims(x!.dims, node.outputs[0]!.dims) ? [x!] : undefined);

/** Other ways to write a Reshape become one, and a Reshape of a Reshape needs only the second. */
const reshape: Lowering = (node, [x]) => {
  const { dims } = node.outputs[0]!;
  if (sameDims(x!.dims, dims)) return [x!];
  const before = x!.node?.opType === "Reshape" ? x!.node.inputs[0]! : x!;
  return node.opType === "Reshape" && before === x ? undefined : [ops.Reshape(before, dims)];
};

export const movementLowerings: Readonly<Record<string, Lowering>> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Expand: unchanged,
  Tile: unchanged,
  Transpose: (node, [x]) => {
    const perm = permutation(node);
    if (perm.every((from, axis) => from === axis)) return [x!];
    const inner = x!.node;
    if (inner?.opType !== "Transpose") return undefined;
    const first = permutation(inner);
    return [
      ops.Transpose(
        inner.inputs[0]!,
        perm.map((axis) => first[axis]!),
      ),
    ];
  },
  SpaceToDepth: (node, [x]) => {
    const [n, c, h, w] = x!.dims as [number, number, number, number];
    const block = numberOf(node, "blocksize");
    const split = ops.Reshape(x!, [n, c, h / block, block, w / block, block]);
    return [ops.Reshape(ops.Transpose(split, [0, 3, 5, 1, 2, 4]), node.outputs[0]!.dims)];
  },
  Shape: (node, [x]) => {
    const [start, end] = [numberOf(node, "start", 0), numberOf(node, "end", x!.dims.length)];
    const dims = x!.dims.slice(start, end);
    return [
      x!.graph.constant({ type: "int64", dims: [dims.length], data: BigInt64Array.from(dims.map(BigInt)) }),
    ];
  },
};
