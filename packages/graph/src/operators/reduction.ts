import { numberOf } from "../attributes.js";
import type { NodeSpec } from "../ir.js";
import { normalAxes, normalAxis, required, type ShapeRule, staticNumbers } from "./spec.js";

/** The axes a reduction runs over, counted from the front and sorted. */
export function reducedAxes(spec: NodeSpec | Omit<NodeSpec, "outputCount">): number[] {
  const rank = spec.inputs[0]!.dims.length;
  const axes = staticNumbers(spec, 1) ?? [];
  if (axes.length === 0) {
    return numberOf(spec, "noop_with_empty_axes", 0) ? [] : Array.from({ length: rank }, (_, axis) => axis);
  }
  return normalAxes(spec, axes, rank).sort((a, b) => a - b);
}

const reduction: ShapeRule = (spec) => {
  const x = required(spec, 0);
  const axes = new Set(reducedAxes(spec));
  const keep = numberOf(spec, "keepdims", 1) !== 0;
  const dims = x.dims.flatMap((size, axis) => (axes.has(axis) ? (keep ? [1] : []) : [size]));
  return [{ type: x.type, dims }];
};

const argument: ShapeRule = (spec) => {
  const x = required(spec, 0);
  const axis = normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
  const keep = numberOf(spec, "keepdims", 1) !== 0;
  return [{ type: "int64", dims: x.dims.flatMap((size, at) => (at === axis ? (keep ? [1] : []) : [size])) }];
};

export const reductionShapes: Readonly<Record<string, ShapeRule>> = {
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceL1: reduction,
  ReduceL2: reduction,
  ReduceSumSquare: reduction,
  ReduceLogSum: reduction,
  ReduceLogSumExp: reduction,
  ArgMax: argument,
  ArgMin: argument,
  CumSum: (spec) => {
    const x = required(spec, 0);
    normalAxes(spec, staticNumbers(spec, 1) ?? [], x.dims.length);
    return [{ type: x.type, dims: x.dims }];
  },
};
