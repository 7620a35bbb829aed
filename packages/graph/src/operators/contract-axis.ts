import { fromNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import { Reshape } from "./movement.js";
import { emit } from "./operand.js";
import { sizeOf } from "./spec.js";

/**
 * Contracts an axis of `x` with the rows of a constant matrix [x's size, columns], row by row: the axis then
 * has `columns` elements. It is the transpose of the map that this matrix describes.
 */
export function contractAxis(x: Value, axis: number, matrix: Float64Array, columns: number): Value {
  const { graph, type } = x;
  const rows = x.dims[axis]!;
  const [outer, inner] = [sizeOf(x.dims.slice(0, axis)), sizeOf(x.dims.slice(axis + 1))];
  const dims = x.dims.with(axis, columns);
  if (inner === 1) {
    const right = graph.constant(fromNumbers(type, matrix, [rows, columns]));
    return Reshape(emit("MatMul", [Reshape(x, [outer, rows]), right]), dims);
  }
  const turned = matrix.map((_, at) => matrix[(at % rows) * columns + Math.floor(at / rows)]!);
  const left = graph.constant(fromNumbers(type, turned, [columns, rows]));
  return Reshape(emit("MatMul", [left, Reshape(x, [outer, rows, inner])]), dims);
}
