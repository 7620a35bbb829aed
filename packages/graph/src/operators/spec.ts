import type { DataType, Tensor } from "@pixelcal/core";
import { toNumbers } from "../data-types.js";
import { graphError } from "../errors.js";
import type { NodeSpec, Value } from "../ir.js";

export interface ValueInfo {
  readonly type: DataType;
  readonly dims: readonly number[];
}

/** Returns the types and dims of an operator's outputs; throws `GraphError` when its inputs do not fit. */
export type ShapeRule = (spec: NodeSpec) => readonly ValueInfo[];

/** Returns the input at `index`, which must be there. */
export function required(spec: NodeSpec, index: number): Value {
  const value = spec.inputs[index];
  if (value === undefined) throw graphError(spec.name, `input ${index} of ${spec.opType}`, undefined);
  return value;
}

/**
 * Returns the data of an input that must be known while the graph is built; undefined when it is left out.
 */
function staticTensor(spec: Pick<NodeSpec, "name" | "opType" | "inputs">, index: number): Tensor | undefined {
  const value = spec.inputs[index];
  if (value === undefined) return undefined;
  const tensor = value.graph.tensor(value);
  if (tensor === undefined) {
    throw graphError(
      spec.name,
      `input ${index} of ${spec.opType} to be a constant`,
      `the value ${value.name}`,
    );
  }
  return tensor;
}

/**
 * Returns the numbers of an input that must be known while the graph is built; undefined when it is left out.
 */
export function staticNumbers(
  spec: Pick<NodeSpec, "name" | "opType" | "inputs">,
  index: number,
): readonly number[] | undefined {
  const tensor = staticTensor(spec, index);
  return tensor && Array.from(toNumbers(tensor));
}

/** Returns the axes counted from the front, each once. */
export function normalAxes(spec: { readonly name: string }, axes: readonly number[], rank: number): number[] {
  const normal = axes.map((axis) => normalAxis(spec, axis, rank, "axes"));
  if (new Set(normal).size !== normal.length) throw graphError(`${spec.name}.axes`, "each axis once", axes);
  return normal;
}

/** Returns the axis counted from the front. Throws GraphError naming `attribute`. */
export function normalAxis(
  spec: { readonly name: string },
  axis: number,
  rank: number,
  attribute = "axis",
): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const expected = rank === 0 ? "no axis of a scalar" : `an axis from ${-rank} to ${rank - 1}`;
    throw graphError(`${spec.name}.${attribute}`, expected, axis);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Returns the shape two or more operands broadcast to, aligned at the last axis. */
export function broadcastDims(spec: { readonly name: string }, ...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((dims) => dims[axis - rank + dims.length] ?? 1);
    const size = sizes.find((each) => each !== 1) ?? 1;
    if (sizes.some((each) => each !== 1 && each !== size)) {
      throw graphError(
        spec.name,
        "shapes that broadcast",
        shapes.map((dims) => `[${dims.join(", ")}]`).join(" and "),
      );
    }
    return size;
  });
}

export function requireRank(
  spec: { readonly name: string },
  value: Value,
  least: number,
  most: number,
): void {
  const rank = value.dims.length;
  if (rank < least || rank > most) {
    throw graphError(
      spec.name,
      `${value.name} of rank ${least === most ? least : `${least} to ${most}`}`,
      value.dims,
    );
  }
}

export function requireDims(spec: { readonly name: string }, value: Value, dims: readonly number[]): void {
  if (!sameDims(value.dims, dims)) {
    throw graphError(spec.name, `${value.name} [${dims.join(", ")}]`, value.dims);
  }
}

export function requireType(spec: { readonly name: string }, value: Value, type: DataType): void {
  if (value.type !== type) throw graphError(spec.name, `${value.name} of type ${type}`, value.type);
}

/** Lists of sizes, counts or places, which must be whole numbers of `least` or more. */
export function requireWhole(
  spec: { readonly name: string },
  attribute: string,
  values: readonly number[],
  least: number,
): void {
  if (values.every((value) => Number.isSafeInteger(value) && value >= least)) return;
  throw graphError(`${spec.name}.${attribute}`, `whole numbers of ${least} or more`, values);
}

// The twins of core's sameDims and elementCount: graph imports only types from core.

export const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

export const sizeOf = (dims: readonly number[]): number => dims.reduce((product, size) => product * size, 1);
