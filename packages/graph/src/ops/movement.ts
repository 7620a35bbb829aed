import type { DataType } from "@pixelcal/core";
import { fromNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import { emit, emitAll, integers, type Operand, promote, scalar } from "../operators/operand.js";
import { Cast, Equal } from "./elementwise.js";

/** -1 stands for the size that is left, 0 for the size `x` has on that axis. */
export const Reshape = (x: Value, dims: readonly number[]): Value =>
  emit("Reshape", [x, integers(x.graph, dims)]);
export const Transpose = (x: Value, perm: readonly number[]): Value => emit("Transpose", [x], { perm });
export const Flatten = (x: Value, axis = 1): Value => emit("Flatten", [x], { axis });
export const Expand = (x: Value, dims: readonly number[]): Value =>
  emit("Expand", [x, integers(x.graph, dims)]);
export const Tile = (x: Value, repeats: readonly number[]): Value =>
  emit("Tile", [x, integers(x.graph, repeats)]);
export const Squeeze = (x: Value, axes?: readonly number[]): Value =>
  emit("Squeeze", axes === undefined ? [x] : [x, integers(x.graph, axes)]);
export const Unsqueeze = (x: Value, axes: readonly number[]): Value =>
  emit("Unsqueeze", [x, integers(x.graph, axes)]);

export const Concat = (values: readonly Value[], axis: number): Value => emit("Concat", values, { axis });

/** Cuts an axis into pieces of the given sizes, or into a number of equal ones. */
export function Split(x: Value, sizes: readonly number[] | number, axis = 0): readonly Value[] {
  return typeof sizes === "number"
    ? emitAll("Split", [x], { axis, num_outputs: sizes }, { outputs: sizes })
    : emitAll("Split", [x, integers(x.graph, sizes)], { axis }, { outputs: sizes.length });
}

/** x[start:end:step] along `axes`, all axes in order by default; negative positions count from the end. */
export function Slice(
  x: Value,
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[] = starts.map((_, axis) => axis),
  steps: readonly number[] = starts.map(() => 1),
): Value {
  return emit("Slice", [x, ...[starts, ends, axes, steps].map((list) => integers(x.graph, list))]);
}

export interface PadOptions {
  readonly mode?: "constant" | "edge" | "reflect" | "wrap";
  /** The constant's value, 0 by default. */
  readonly value?: number;
  /** The axes `pads` is about, all by default. */
  readonly axes?: readonly number[];
}

/** `pads` lists what to add before each axis, then what to add after each; negative numbers crop. */
export function Pad(x: Value, pads: readonly number[], { mode, value, axes }: PadOptions = {}): Value {
  const constant = value === undefined ? undefined : scalar(x.graph, x.type, value);
  const inputs = [x, integers(x.graph, pads), constant, axes && integers(x.graph, axes)];
  while (inputs.at(-1) === undefined) inputs.pop();
  return emit("Pad", inputs, { mode });
}

export const DepthToSpace = (
  x: Value,
  blocksize: number,
  options: { readonly mode?: "DCR" | "CRD" } = {},
): Value => emit("DepthToSpace", [x], { blocksize, mode: options.mode });
export const SpaceToDepth = (x: Value, blocksize: number): Value => emit("SpaceToDepth", [x], { blocksize });

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

export const CumSum = (
  x: Value,
  axis: number,
  options: { readonly exclusive?: number; readonly reverse?: number } = {},
): Value => emit("CumSum", [x, scalar(x.graph, "int64", axis)], options);

/**
 * 1 where a pixel has the class, else 0: labels [N, ...spatial] to [N, classes, ...spatial] of `type`. Any label outside
 * [0, classes) gives zeros. Labels should be uint8, int32 or float32: webgpu compares no int64.
 */
export function OneHot(labels: Value, classes: number, type: DataType = "float32"): Value {
  const compared = labels.type === "int32" || labels.type === "float32" ? labels : Cast(labels, "int32");
  const indices = Array.from({ length: classes }, (_, index) => index);
  const dims = [1, classes, ...labels.dims.slice(1).map(() => 1)];
  const classIndex = labels.graph.constant(fromNumbers(compared.type, indices, dims));
  return Cast(Equal(Unsqueeze(compared, [1]), classIndex), type);
}
