import { numberOf, textOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import * as ops from "../operators/ops.js";
import { sizeOf } from "../operators/spec.js";
import type { Lowering } from "./lowering.js";

/**
 * Returns the places that the rows of `indices` [..., depth] point to in an x of these dims, the `batch`
 * first axes and the `depth` axes after them counted as one: int32 [rows].
 */
function flatPlaces(indices: Value, dims: readonly number[], batch: number): Value {
  const depth = indices.dims.at(-1)!;
  const rows = sizeOf(indices.dims) / depth;
  const sizes = fromNumbers("int32", dims.slice(batch, batch + depth), [1, depth]);
  const given = ops.Cast(ops.Reshape(indices, [rows, depth]), "int32");
  const places = ops.Where(ops.Less(given, 0), ops.Add(given, given.graph.constant(sizes)), given);
  const columns = depth === 1 ? [places] : ops.Split(places, Array<number>(depth).fill(1), 1);
  const flat = columns.reduce((sum, column, axis) => ops.Add(ops.Mul(sum, dims[batch + axis]!), column));
  if (batch === 0) return ops.Reshape(flat, [rows]);
  const many = sizeOf(dims.slice(0, batch));
  const each = sizeOf(dims.slice(batch, batch + depth));
  const starts = Array.from({ length: many }, (_, index) => index * each);
  const offsets = given.graph.constant(fromNumbers("int32", starts, [many, 1]));
  return ops.Reshape(ops.Add(ops.Reshape(flat, [many, -1]), offsets), [rows]);
}

/** webgpu gathers and scatters along one axis, but not by rows of indices. */
export const indexingLowerings: Readonly<Record<string, Lowering>> = {
  GatherND: (node, [x, indices], device) => {
    if (device === "cpu" || device === "cuda") return undefined;
    const batch = numberOf(node, "batch_dims", 0);
    const inner = x!.dims.slice(batch + indices!.dims.at(-1)!);
    const blocks = ops.Reshape(x!, [-1, sizeOf(inner)]);
    const places = flatPlaces(indices!, x!.dims, batch);
    return [ops.Reshape(ops.Gather(blocks, places, 0), node.outputs[0]!.dims)];
  },
  ScatterND: (node, [x, indices, updates], device) => {
    if (device === "cpu" || device === "cuda") return undefined;
    const block = sizeOf(x!.dims.slice(indices!.dims.at(-1)!));
    const places = flatPlaces(indices!, x!.dims, 0);
    const rows = places.dims[0]!;
    const blocks = ops.Reshape(x!, [-1, block]);
    const index = ops.Expand(ops.Reshape(places, [rows, 1]), [rows, block]);
    const reduction = textOf(node, "reduction", "none") as "none";
    const written = ops.ScatterElements(blocks, index, ops.Reshape(updates!, [rows, block]), 0, {
      reduction,
    });
    return [ops.Reshape(written, x!.dims)];
  },
};
