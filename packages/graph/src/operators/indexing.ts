import { numberOf, textOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { NodeSpec, Value } from "../ir.js";
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

/** How many axes a row of `indices` names: one at least. */
function columns(spec: NodeSpec, indices: Value, most: number): number {
  const depth = indices.dims.at(-1) ?? 0;
  if (depth >= 1 && depth <= most) return depth;
  throw graphError(spec.name, `indices of 1 to ${most} columns`, indices.dims);
}

export const indexingShapes: Readonly<Record<string, ShapeRule>> = {
  Gather: (spec) => {
    const [x, indices] = [required(spec, 0), required(spec, 1)];
    const axis = normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
    return [{ type: x.type, dims: [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)] }];
  },
  GatherElements: (spec) => {
    const [x, indices] = [required(spec, 0), required(spec, 1)];
    normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
    requireRank(spec, indices, x.dims.length, x.dims.length);
    return [{ type: x.type, dims: indices.dims }];
  },
  GatherND: (spec) => {
    const [x, indices] = [required(spec, 0), required(spec, 1)];
    const batch = numberOf(spec, "batch_dims", 0);
    const depth = columns(spec, indices, x.dims.length - batch);
    return [{ type: x.type, dims: [...indices.dims.slice(0, -1), ...x.dims.slice(batch + depth)] }];
  },
  ScatterElements: (spec) => {
    const [x, indices, updates] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
    requireRank(spec, indices, x.dims.length, x.dims.length);
    requireDims(spec, updates, indices.dims);
    requireType(spec, updates, x.type);
    requireReduction(spec);
    return [{ type: x.type, dims: x.dims }];
  },
  ScatterND: (spec) => {
    const [x, indices, updates] = [required(spec, 0), required(spec, 1), required(spec, 2)];
    const depth = columns(spec, indices, x.dims.length);
    requireDims(spec, updates, [...indices.dims.slice(0, -1), ...x.dims.slice(depth)]);
    requireType(spec, updates, x.type);
    requireReduction(spec);
    return [{ type: x.type, dims: x.dims }];
  },
  TopK: (spec) => {
    const x = required(spec, 0);
    const axis = normalAxis(spec, numberOf(spec, "axis", -1), x.dims.length);
    const k = staticNumbers(spec, 1)?.[0] ?? 0;
    if (k < 0 || k > x.dims[axis]!) throw graphError(spec.name, `k of at most ${x.dims[axis]}`, k);
    const dims = x.dims.with(axis, k);
    return [
      { type: x.type, dims },
      { type: "int64", dims },
    ];
  },
};
