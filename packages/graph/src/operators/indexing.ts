import type { DataType, Tensor } from "@pixelcal/core";
import { numberOf, textOf } from "../attributes.js";
import { fromNumbers, toNumbers } from "../data-types.js";
import { graphError } from "../errors.js";
import type { NodeSpec, Value } from "../ir.js";
import { Cast, Equal } from "./elementwise.js";
import { Unsqueeze } from "./movement.js";
import { emit, emitAll, integers, type Operand, promote, scalar } from "./operand.js";
import {
  normalAxis,
  requireDims,
  required,
  requireRank,
  requireType,
  type ShapeRule,
  staticNumbers,
} from "./spec.js";

const reductions = ["none", "add", "mul", "max", "min"];

function requireReduction(spec: NodeSpec): void {
  const reduction = textOf(spec, "reduction", "none");
  if (!reductions.includes(reduction))
    throw graphError(`${spec.name}.reduction`, `one of ${reductions.join(", ")}`, reduction);
}

/** Returns the number of axes that a row of `indices` names, at least one. */
function columns(spec: NodeSpec, indices: Value, most: number): number {
  const depth = indices.dims.at(-1) ?? 0;
  if (depth >= 1 && depth <= most) return depth;
  throw graphError(spec.name, `indices of 1 to ${most} columns`, indices.dims);
}

/** Smallest and largest numbers of stored indices: one array may be read by many nodes. */
const ranges = new WeakMap<Tensor["data"], readonly [number, number]>();

function rangeOf(tensor: Tensor): readonly [number, number] {
  const before = ranges.get(tensor.data);
  if (before !== undefined) return before;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of toNumbers(tensor)) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  ranges.set(tensor.data, [least, most]);
  return [least, most];
}

/** Requires that indices stored in the model lie within an axis of `size` elements. */
function requireIndices(spec: NodeSpec, indices: Value, size: number, axis: number): void {
  const tensor = indices.graph.tensor(indices);
  if (tensor === undefined || tensor.data.length === 0) return;
  const [least, most] = rangeOf(tensor);
  if (least >= -size && most < size) return;
  const expected = `indices from ${-size} to ${size - 1} along axis ${axis} of ${spec.opType}`;
  throw graphError(`${spec.name}.indices`, expected, least < -size ? least : most);
}

/** Requires the same of rows of indices, each number of which counts along an axis of its own. */
function requireRows(spec: NodeSpec, indices: Value, sizes: readonly number[]): void {
  const tensor = indices.graph.tensor(indices);
  if (tensor === undefined || tensor.data.length === 0) return;
  const [least, most] = rangeOf(tensor);
  const smallest = Math.min(...sizes);
  if (least >= -smallest && most < smallest) return;
  for (const [at, value] of toNumbers(tensor).entries()) {
    const size = sizes[at % sizes.length]!;
    if (value >= -size && value < size) continue;
    throw graphError(`${spec.name}.indices`, `indices from ${-size} to ${size - 1} of ${spec.opType}`, value);
  }
}

export const indexingShapes: Readonly<Record<string, ShapeRule>> = {
  Gather: (spec) => {
    const [x, indices] = [required(spec, 0), required(spec, 1)];
    const axis = normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
    requireIndices(spec, indices, x.dims[axis]!, axis);
    return [{ type: x.type, dims: [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)] }];
  },
  GatherElements: (spec) => {
    const [x, indices] = [required(spec, 0), required(spec, 1)];
    const axis = normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
    requireRank(spec, indices, x.dims.length, x.dims.length);
    requireIndices(spec, indices, x.dims[axis]!, axis);
    return [{ type: x.type, dims: indices.dims }];
  },
  GatherND: (spec) => {
    const [x, indices] = [required(spec, 0), required(spec, 1)];
    const batch = numberOf(spec, "batch_dims", 0);
    const shared = Math.min(x.dims.length, indices.dims.length) - 1;
    if (!(batch >= 0 && batch <= shared)) {
      throw graphError(`${spec.name}.batch_dims`, `0 to ${shared}`, batch);
    }
    for (let axis = 0; axis < batch; axis++) {
      if (x.dims[axis] === indices.dims[axis]) continue;
      const expected = `indices of the sizes [${x.dims.slice(0, batch).join(", ")}] first`;
      throw graphError(`${spec.name}.batch_dims`, expected, indices.dims);
    }
    const depth = columns(spec, indices, x.dims.length - batch);
    requireRows(spec, indices, x.dims.slice(batch, batch + depth));
    return [{ type: x.type, dims: [...indices.dims.slice(0, -1), ...x.dims.slice(batch + depth)] }];
  },
  ScatterElements: (spec) => {
    const [x, indices, updates] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    const axis = normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
    requireRank(spec, indices, x.dims.length, x.dims.length);
    requireIndices(spec, indices, x.dims[axis]!, axis);
    requireDims(spec, updates, indices.dims);
    requireType(spec, updates, x.type);
    requireReduction(spec);
    return [{ type: x.type, dims: x.dims }];
  },
  ScatterND: (spec) => {
    const [x, indices, updates] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    const depth = columns(spec, indices, x.dims.length);
    requireRows(spec, indices, x.dims.slice(0, depth));
    requireDims(spec, updates, [...indices.dims.slice(0, -1), ...x.dims.slice(depth)]);
    requireType(spec, updates, x.type);
    requireReduction(spec);
    return [{ type: x.type, dims: x.dims }];
  },
  TopK: (spec) => {
    const x = required(spec, 0);
    const axis = normalAxis(spec, numberOf(spec, "axis", -1), x.dims.length);
    const k = staticNumbers(spec, 1)?.[0] ?? 0;
    if (!(Number.isInteger(k) && k >= 0 && k <= x.dims[axis]!))
      throw graphError(`${spec.name}.k`, `a whole number from 0 to ${x.dims[axis]}`, k);
    const dims = x.dims.with(axis, k);
    return [
      { type: x.type, dims },
      { type: "int64", dims },
    ];
  },
};

export const Gather = (x: Value, indices: Value | readonly number[] | number, axis = 0): Value => {
  const at =
    typeof indices === "number"
      ? scalar(x.graph, "int64", indices)
      : "graph" in indices
        ? indices
        : integers(x.graph, indices);
  return emit("Gather", [x, at], { axis });
};
export const GatherElements = (x: Value, indices: Value, axis = 0): Value =>
  emit("GatherElements", [x, indices], { axis });
export const ScatterElements = (
  x: Value,
  indices: Value,
  updates: Operand,
  axis = 0,
  options: { readonly reduction?: "none" | "add" | "mul" | "max" | "min" } = {},
): Value =>
  emit("ScatterElements", [x, indices, promote("ScatterElements", [x, updates])[1]!], {
    axis,
    ...options,
  });

export const GatherND = (x: Value, indices: Value, options: { readonly batch_dims?: number } = {}): Value =>
  emit("GatherND", [x, indices], options);
export const ScatterND = (
  x: Value,
  indices: Value,
  updates: Value,
  options: { readonly reduction?: "none" | "add" | "mul" | "max" | "min" } = {},
): Value => emit("ScatterND", [x, indices, updates], options);

/**
 * Returns the `k` largest elements along `axis` in falling order, and their int64 indices. Of equal elements
 * the one with the lower index comes first, and the gradient goes to that one (as torch.max(x, dim) with k =
 * 1).
 */
export function TopK(
  x: Value,
  k: number,
  axis = -1,
  options: { readonly largest?: number } = {},
): [Value, Value] {
  const [values, indices] = emitAll("TopK", [x, integers(x.graph, [k])], { axis, ...options });
  return [values!, indices!];
}

/**
 * Returns 1 where a pixel has the class, else 0: labels [N, ...spatial] to [N, classes, ...spatial] of
 * `type`. Any label outside [0, classes) gives zeros. Labels should be uint8, int32 or float32: webgpu
 * compares no int64.
 */
export function OneHot(labels: Value, classes: number, type: DataType = "float32"): Value {
  const compared = labels.type === "int32" || labels.type === "float32" ? labels : Cast(labels, "int32");
  const indices = Array.from({ length: classes }, (_, index) => index);
  const dims = [1, classes, ...labels.dims.slice(1).map(() => 1)];
  const classIndex = labels.graph.constant(fromNumbers(compared.type, indices, dims));
  return Cast(Equal(Unsqueeze(compared, [1]), classIndex), type);
}
