import { numberOf, numbersOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Described, Value } from "../ir.js";
import { Abs, Max, Mul, Pow } from "./elementwise.js";
import { emit, emitAll, integers } from "./operand.js";
import { ReduceSum } from "./reduction.js";
import {
  requireDims,
  required,
  requireRank,
  requireWhole,
  type ShapeRule,
  sizeOf,
  staticNumbers,
} from "./spec.js";
import { type AutoPad, forwardWindows, transposedWindows, type Windows } from "./windows.js";

/** More elements than any window has. */
const mostTaps = 1 << 24;

/** Returns the windows of a MaxPool or AveragePool node, auto_pad and ceil_mode resolved. */
export function poolWindows(spec: Described): Windows {
  const x = spec.inputs[0];
  if (x === undefined) throw graphError(spec.name, "an input", undefined);
  requireRank(spec, x, 3, 5);
  const kernel = numbersOf(spec, "kernel_shape");
  if (
    kernel === undefined ||
    kernel.length !== x.dims.length - 2 ||
    !kernel.every((size) => Number.isInteger(size) && size >= 1)
  ) {
    throw graphError(`${spec.name}.kernel_shape`, `${x.dims.length - 2} sizes of 1 or more`, kernel);
  }
  if (sizeOf(kernel) > mostTaps)
    throw graphError(`${spec.name}.kernel_shape`, `at most ${mostTaps} elements`, kernel);
  return forwardWindows(spec, x.dims.slice(2), kernel);
}

const globalPool: ShapeRule = (spec) => {
  const x = required(spec, 0);
  requireRank(spec, x, 3, 8);
  return [{ type: x.type, dims: x.dims.map((size, axis) => (axis < 2 ? size : 1)) }];
};

export const poolingShapes: Readonly<Record<string, ShapeRule>> = {
  MaxPool: (spec) => {
    const { output, before, after, kernel } = poolWindows(spec);
    if (kernel.some((size, axis) => before[axis]! >= size || after[axis]! >= size)) {
      throw graphError(`${spec.name}.pads`, "less than the kernel", [...before, ...after]);
    }
    const order = numberOf(spec, "storage_order", 0);
    if (order !== 0) throw graphError(`${spec.name}.storage_order`, "0", order);
    const dims = [...required(spec, 0).dims.slice(0, 2), ...output];
    const y = { type: required(spec, 0).type, dims };
    return spec.outputCount === 2 ? [y, { type: "int64", dims }] : [y];
  },
  AveragePool: (spec) => {
    const x = required(spec, 0);
    const dilations = numbersOf(spec, "dilations") ?? [];
    // They came with a later operator set than `OPSET`.
    if (dilations.some((size) => size !== 1)) throw graphError(`${spec.name}.dilations`, "ones", dilations);
    return [{ type: x.type, dims: [...x.dims.slice(0, 2), ...poolWindows(spec).output] }];
  },
  // The flat indices count over the whole output.
  MaxUnpool: (spec) => {
    const [x, indices] = [required(spec, 0), required(spec, 1)];
    requireDims(spec, indices, x.dims);
    const given = staticNumbers(spec, 2);
    if (given !== undefined) {
      if (given.length !== x.dims.length)
        throw graphError(`${spec.name}.output_shape`, `${x.dims.length} sizes`, given);
      requireWhole(spec, "output_shape", given, 1);
      return [{ type: x.type, dims: given }];
    }
    const output = x.dims.slice(2);
    requireRank(spec, x, 3, 5);
    const kernel = numbersOf(spec, "kernel_shape") ?? [];
    if (kernel.length !== output.length)
      throw graphError(`${spec.name}.kernel_shape`, `${output.length} sizes of 1 or more`, kernel);
    requireWhole(spec, "kernel_shape", kernel, 1);
    const { input } = transposedWindows(spec, output, kernel);
    return [{ type: x.type, dims: [...x.dims.slice(0, 2), ...input] }];
  },
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
};

export interface PoolAttributes {
  readonly kernel_shape: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly ceil_mode?: number;
  readonly auto_pad?: AutoPad;
}

/**
 * Returns the maximum of every window; padding never wins. The gradient of a tie goes to the first element of
 * the window, as in PyTorch.
 */
export const MaxPool = (x: Value, attributes: PoolAttributes): Value =>
  emit("MaxPool", [x], { ...attributes });
/** Returns `MaxPool` and the places of the maxima, counted over the whole of x. */
export const MaxPoolWithIndices = (x: Value, attributes: PoolAttributes): readonly Value[] =>
  emitAll("MaxPool", [x], { ...attributes }, { outputs: 2 });
/** Puts x at the places that `MaxPoolWithIndices` found, zeros elsewhere. */
export const MaxUnpool = (
  x: Value,
  indices: Value,
  attributes: PoolAttributes,
  shape?: readonly number[],
): Value =>
  emit("MaxUnpool", shape === undefined ? [x, indices] : [x, indices, integers(x.graph, shape)], {
    ...attributes,
  });
export const AveragePool = (
  x: Value,
  attributes: PoolAttributes & { readonly count_include_pad?: number },
): Value => emit("AveragePool", [x], { ...attributes });
export const GlobalAveragePool = (x: Value): Value => emit("GlobalAveragePool", [x]);
export const GlobalMaxPool = (x: Value): Value => emit("GlobalMaxPool", [x]);

export interface LpPoolOptions {
  readonly kernel_shape: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly p?: number;
}

/** Computes the p-norm of every window. */
export function LpPool(x: Value, { p = 2, ...window }: LpPoolOptions): Value {
  const mean = AveragePool(Pow(Abs(x), p), { ...window, count_include_pad: 1 });
  return Pow(Max(Mul(mean, sizeOf(window.kernel_shape)), 0), 1 / p);
}

/** Computes the p-norm of every channel. */
export const GlobalLpPool = (x: Value, p = 2): Value =>
  Pow(ReduceSum(Pow(Abs(x), p), x.dims.map((_, axis) => axis).slice(2)), 1 / p);
