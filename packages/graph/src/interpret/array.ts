import type { DataType } from "@pixelcal/core";
import type { Node } from "../ir.js";
import { sameDims, sizeOf } from "../operators/spec.js";

/** A tensor of any type with its elements as doubles, bools as 0 and 1. */
export interface NumericArray {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** The elements of every output of a node. Types and dims are those that shape inference found. */
export type Kernel = (inputs: readonly (NumericArray | undefined)[], node: Node) => readonly Float64Array[];

/** Returns a kernel's inputs, all of which must be there. */
export const all = (inputs: readonly (NumericArray | undefined)[]): readonly NumericArray[] =>
  inputs as readonly NumericArray[];

/** Returns the distances in memory between neighbours along each axis. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = Array<number>(dims.length).fill(1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * dims[axis + 1]!;
  return strides;
}

/** Returns the elements at `offset + sum of index * stride`, for every index of `dims` in order. */
export function strided(
  data: Float64Array,
  dims: readonly number[],
  strides: readonly number[],
  offset = 0,
): Float64Array {
  const result = new Float64Array(sizeOf(dims));
  const last = dims.length - 1;
  let next = 0;
  const visit = (axis: number, at: number): void => {
    if (axis > last) {
      result[next++] = data[at]!;
      return;
    }
    const [size, stride] = [dims[axis]!, strides[axis]!];
    if (axis === last) for (let index = 0; index < size; index++) result[next++] = data[at + index * stride]!;
    else for (let index = 0; index < size; index++) visit(axis + 1, at + index * stride);
  };
  visit(0, offset);
  return result;
}

/** Returns the elements of `array` repeated to fill `dims`. */
export function broadcast(array: NumericArray, dims: readonly number[]): Float64Array {
  if (sameDims(array.dims, dims)) return array.data;
  const own = stridesOf(array.dims);
  const missing = dims.length - array.dims.length;
  const strides = dims.map((_, axis) => ((array.dims[axis - missing] ?? 1) === 1 ? 0 : own[axis - missing]!));
  return strided(array.data, dims, strides);
}

/** Returns the elements at positions that each axis maps separately; `fill` where a map says -1. */
export function gatherAxes(
  array: NumericArray,
  maps: readonly (readonly number[])[],
  fill = 0,
): Float64Array {
  const strides = stridesOf(array.dims);
  const result = new Float64Array(sizeOf(maps.map((map) => map.length)));
  let next = 0;
  const visit = (axis: number, at: number): void => {
    if (axis === maps.length) {
      result[next++] = at < 0 ? fill : array.data[at]!;
      return;
    }
    for (const index of maps[axis]!) visit(axis + 1, at < 0 || index < 0 ? -1 : at + index * strides[axis]!);
  };
  visit(0, 0);
  return result;
}

/** Returns the whole numbers below `size`. */
export const range = (size: number): number[] => Array.from({ length: size }, (_, index) => index);

/** Returns dims as outer x axis x inner. */
export function around(
  dims: readonly number[],
  axis: number,
): { outer: number; size: number; inner: number } {
  return { outer: sizeOf(dims.slice(0, axis)), size: dims[axis]!, inner: sizeOf(dims.slice(axis + 1)) };
}
