import { numberOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { NodeSpec, Value } from "../ir.js";
import { floatShape } from "./elementwise.js";
import { emit, integers, scalar } from "./operand.js";
import { normalAxes, normalAxis, required, type ShapeRule, staticNumbers } from "./spec.js";

/** Returns the axes a reduction runs over, counted from the front and sorted. */
export function reducedAxes(spec: NodeSpec | Omit<NodeSpec, "outputCount">): number[] {
  const rank = spec.inputs[0]!.dims.length;
  const axes = staticNumbers(spec, 1) ?? [];
  if (axes.length === 0) {
    return numberOf(spec, "noop_with_empty_axes", 0) ? [] : Array.from({ length: rank }, (_, axis) => axis);
  }
  return normalAxes(spec, axes, rank).sort((a, b) => a - b);
}

const reductionShape: ShapeRule = (spec) => {
  const x = required(spec, 0);
  const axes = new Set(reducedAxes(spec));
  const keep = numberOf(spec, "keepdims", 1) !== 0;
  const dims = x.dims.flatMap((size, axis) => (axes.has(axis) ? (keep ? [1] : []) : [size]));
  return [{ type: x.type, dims }];
};

const argumentShape: ShapeRule = (spec) => {
  const x = required(spec, 0);
  const axis = normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
  const keep = numberOf(spec, "keepdims", 1) !== 0;
  return [{ type: "int64", dims: x.dims.flatMap((size, at) => (at === axis ? (keep ? [1] : []) : [size])) }];
};

const softmaxShape: ShapeRule = (spec) => {
  normalAxis(spec, numberOf(spec, "axis", -1), required(spec, 0).dims.length);
  return floatShape(spec);
};

export const reductionShapes: Readonly<Record<string, ShapeRule>> = {
  ReduceSum: reductionShape,
  ReduceMean: reductionShape,
  ReduceMax: reductionShape,
  ReduceMin: reductionShape,
  ReduceProd: reductionShape,
  ReduceL1: reductionShape,
  ReduceL2: reductionShape,
  ReduceSumSquare: reductionShape,
  ReduceLogSum: reductionShape,
  ReduceLogSumExp: reductionShape,
  ArgMax: argumentShape,
  ArgMin: argumentShape,
  Softmax: softmaxShape,
  LogSoftmax: softmaxShape,
  CumSum: (spec) => {
    const x = required(spec, 0);
    const axes = staticNumbers(spec, 1) ?? [];
    if (axes.length !== 1) throw graphError(`${spec.name}.axis`, "one axis", axes);
    normalAxis(spec, axes[0]!, x.dims.length);
    return [{ type: x.type, dims: x.dims }];
  },
};

interface Keep {
  /** 1 (default) keeps the reduced axes with size 1, 0 drops them. */
  readonly keepdims?: number;
}

type Reduction = (x: Value, axes?: readonly number[], options?: Keep) => Value;

/**
 * Makes the builder of a reduction, over all axes when none are given. An empty list of axes reduces nothing.
 */
const reduction =
  (opType: string): Reduction =>
  (x, axes, { keepdims } = {}) =>
    axes?.length === 0
      ? emit(opType, [x], { keepdims, noop_with_empty_axes: 1 })
      : emit(opType, axes === undefined ? [x] : [x, integers(x.graph, axes)], { keepdims });

export const ReduceSum: Reduction = reduction("ReduceSum");
export const ReduceMean: Reduction = reduction("ReduceMean");
/**
 * Returns the maximum. All elements that reach it share the gradient (torch.amax); see `TopK` for the first
 * alone.
 */
export const ReduceMax: Reduction = reduction("ReduceMax");
export const ReduceMin: Reduction = reduction("ReduceMin");
export const ReduceProd: Reduction = reduction("ReduceProd");
export const ReduceL1: Reduction = reduction("ReduceL1");
export const ReduceL2: Reduction = reduction("ReduceL2");
export const ReduceSumSquare: Reduction = reduction("ReduceSumSquare");
export const ReduceLogSum: Reduction = reduction("ReduceLogSum");
export const ReduceLogSumExp: Reduction = reduction("ReduceLogSumExp");

export const Softmax = (x: Value, axis = -1): Value => emit("Softmax", [x], { axis });
export const LogSoftmax = (x: Value, axis = -1): Value => emit("LogSoftmax", [x], { axis });

/** Returns int64 indices; the first one where several elements are equal. */
export const ArgMax = (x: Value, axis: number, options: Keep = {}): Value =>
  emit("ArgMax", [x], { axis, keepdims: options.keepdims });
export const ArgMin = (x: Value, axis: number, options: Keep = {}): Value =>
  emit("ArgMin", [x], { axis, keepdims: options.keepdims });

export const CumSum = (
  x: Value,
  axis: number,
  options: { readonly exclusive?: number; readonly reverse?: number } = {},
): Value => emit("CumSum", [x, scalar(x.graph, "int64", axis)], options);
