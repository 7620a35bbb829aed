import { numberOf, numbersOf, textOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Described, Value } from "../ir.js";
import { emit, integers, scalar } from "./operand.js";
import {
  broadcastDims,
  normalAxes,
  required,
  requireRank,
  requireWhole,
  type ShapeRule,
  sizeOf,
  staticNumbers,
} from "./spec.js";

/** Returns the permutation of a Transpose; reversed axes when it has none. */
export function permutation(spec: Described): readonly number[] {
  const rank = spec.inputs[0]!.dims.length;
  const perm = numbersOf(spec, "perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const sorted = perm.toSorted((a, b) => a - b);
  if (perm.length !== rank || sorted.some((axis, index) => axis !== index)) {
    throw graphError(`${spec.name}.perm`, `a permutation of ${rank} axes`, perm);
  }
  return perm;
}

function blockOf(spec: Described): number {
  const block = numberOf(spec, "blocksize");
  if (Number.isSafeInteger(block) && block >= 1) return block;
  throw graphError(`${spec.name}.blocksize`, "a whole number of 1 or more", block);
}

const info = (x: Value, dims: readonly number[]): { type: Value["type"]; dims: readonly number[] }[] => [
  { type: x.type, dims },
];

export const movementShapes: Readonly<Record<string, ShapeRule>> = {
  Reshape: (spec) => {
    const x = required(spec, 0);
    const wanted = staticNumbers(spec, 1) ?? [];
    const keepZero = numberOf(spec, "allowzero", 0) === 0;
    const dims = wanted.map((size, axis) => (size === 0 && keepZero ? (x.dims[axis] ?? 0) : size));
    const free = dims.indexOf(-1);
    const count = sizeOf(x.dims);
    if (free >= 0) dims[free] = count / sizeOf(dims.filter((_, axis) => axis !== free));
    if (!dims.every((size) => Number.isInteger(size) && size >= 0) || sizeOf(dims) !== count) {
      const expected = `a shape of ${count} elements, as [${x.dims.join(", ")}] has`;
      throw graphError(`${spec.name}.shape`, expected, wanted);
    }
    return info(x, dims);
  },
  Transpose: (spec) => {
    const x = required(spec, 0);
    const perm = permutation(spec);
    return info(
      x,
      perm.map((axis) => x.dims[axis]!),
    );
  },
  Squeeze: (spec) => {
    const x = required(spec, 0);
    const given = staticNumbers(spec, 1);
    const axes = new Set(
      given === undefined
        ? x.dims.flatMap((size, axis) => (size === 1 ? [axis] : []))
        : normalAxes(spec, given, x.dims.length),
    );
    if (x.dims.some((size, axis) => axes.has(axis) && size !== 1)) {
      throw graphError(`${spec.name}.axes`, `axes of size 1 in [${x.dims.join(", ")}]`, given);
    }
    return info(
      x,
      x.dims.filter((_, axis) => !axes.has(axis)),
    );
  },
  Unsqueeze: (spec) => {
    const x = required(spec, 0);
    const given = staticNumbers(spec, 1) ?? [];
    const rank = x.dims.length + given.length;
    const axes = new Set(normalAxes(spec, given, rank));
    const rest = [...x.dims];
    return info(
      x,
      Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : rest.shift()!)),
    );
  },
  Flatten: (spec) => {
    const x = required(spec, 0);
    const given = numberOf(spec, "axis", 1);
    const axis = given < 0 ? given + x.dims.length : given;
    if (axis < 0 || axis > x.dims.length)
      throw graphError(`${spec.name}.axis`, `an axis from ${-x.dims.length} to ${x.dims.length}`, given);
    return info(x, [sizeOf(x.dims.slice(0, axis)), sizeOf(x.dims.slice(axis))]);
  },
  Expand: (spec) => {
    const x = required(spec, 0);
    const shape = staticNumbers(spec, 1) ?? [];
    requireWhole(spec, "shape", shape, 0);
    return info(x, broadcastDims(spec, x.dims, shape));
  },
  Tile: (spec) => {
    const x = required(spec, 0);
    const repeats = staticNumbers(spec, 1) ?? [];
    if (repeats.length !== x.dims.length)
      throw graphError(`${spec.name}.repeats`, `${x.dims.length} repeats`, repeats);
    requireWhole(spec, "repeats", repeats, 0);
    return info(
      x,
      x.dims.map((size, axis) => size * repeats[axis]!),
    );
  },
  DepthToSpace: (spec) => {
    const x = required(spec, 0);
    requireRank(spec, x, 4, 4);
    const block = blockOf(spec);
    const mode = textOf(spec, "mode", "DCR");
    if (mode !== "DCR" && mode !== "CRD") throw graphError(`${spec.name}.mode`, "DCR or CRD", mode);
    const [n, c, h, w] = x.dims as [number, number, number, number];
    if (c % (block * block) !== 0) throw graphError(spec.name, `channels divisible by ${block * block}`, c);
    return info(x, [n, c / (block * block), h * block, w * block]);
  },
  SpaceToDepth: (spec) => {
    const x = required(spec, 0);
    requireRank(spec, x, 4, 4);
    const block = blockOf(spec);
    const [n, c, h, w] = x.dims as [number, number, number, number];
    if (h % block !== 0 || w % block !== 0)
      throw graphError(spec.name, `sizes divisible by ${block}`, x.dims);
    return info(x, [n, c * block * block, h / block, w / block]);
  },
  Shape: (spec) => {
    const rank = required(spec, 0).dims.length;
    const [start, end] = [numberOf(spec, "start", 0), numberOf(spec, "end", rank)];
    const at = (index: number): number => Math.min(Math.max(index < 0 ? index + rank : index, 0), rank);
    return [{ type: "int64", dims: [Math.max(at(end) - at(start), 0)] }];
  },
};

/** Reshapes to `dims`: -1 stands for the size that is left, 0 for the size `x` has on that axis. */
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

export const DepthToSpace = (
  x: Value,
  blocksize: number,
  options: { readonly mode?: "DCR" | "CRD" } = {},
): Value => emit("DepthToSpace", [x], { blocksize, mode: options.mode });
export const SpaceToDepth = (x: Value, blocksize: number): Value => emit("SpaceToDepth", [x], { blocksize });

/** Returns zeros of x's type and dims. */
export function zerosLike({ graph, type, dims }: Value): Value {
  return Expand(scalar(graph, type, 0), dims);
}
