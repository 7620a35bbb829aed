import type { Value } from "../ir.js";
import { emit, emitAll, integers } from "../operators/operand.js";

interface Keep {
  /** 1 (default) keeps the reduced axes with size 1, 0 drops them. */
  readonly keepdims?: number;
}

type Reduction = (x: Value, axes?: readonly number[], options?: Keep) => Value;

/** Over all axes when none are given. An empty list of axes reduces nothing. */
const reduction =
  (opType: string): Reduction =>
  (x, axes, { keepdims } = {}) =>
    axes?.length === 0
      ? emit(opType, [x], { keepdims, noop_with_empty_axes: 1 })
      : emit(opType, axes === undefined ? [x] : [x, integers(x.graph, axes)], { keepdims });

export const ReduceSum: Reduction = reduction("ReduceSum");
export const ReduceMean: Reduction = reduction("ReduceMean");
/** Its gradient is shared by all elements that reach the maximum (torch.amax); see `TopK` for the first alone. */
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

/** int64 indices; the first one where several elements are equal. */
export const ArgMax = (x: Value, axis: number, options: Keep = {}): Value =>
  emit("ArgMax", [x], { axis, keepdims: options.keepdims });
export const ArgMin = (x: Value, axis: number, options: Keep = {}): Value =>
  emit("ArgMin", [x], { axis, keepdims: options.keepdims });

/**
 * The `k` largest elements along `axis` in falling order, and their int64 indices. Of equal elements the one with the
 * lower index comes first, and the gradient goes to that one (as torch.max(x, dim) with k = 1).
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
