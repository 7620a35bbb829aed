import { numberOf, textOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Described, Value } from "../ir.js";
import { emit, emitAll, integers, scalar } from "./operand.js";
import {
  normalAxes,
  normalAxis,
  required,
  requireRank,
  requireType,
  requireWhole,
  type ShapeRule,
  staticNumbers,
} from "./spec.js";

export interface Steps {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  /** The number of elements the slice keeps. */
  readonly count: number;
}

/** Returns the start, step and count of a Slice per axis it names, with ONNX's clamping. */
export function sliceSteps(spec: Described): readonly Steps[] {
  const dims = spec.inputs[0]!.dims;
  const starts = staticNumbers(spec, 1) ?? [];
  const ends = staticNumbers(spec, 2) ?? [];
  const axes = normalAxes(spec, staticNumbers(spec, 3) ?? starts.map((_, axis) => axis), dims.length);
  const steps = staticNumbers(spec, 4) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw graphError(spec.name, "as many starts as ends, axes and steps", [
      starts.length,
      ends.length,
      axes.length,
      steps.length,
    ]);
  }
  for (const [key, values] of Object.entries({ starts, ends, steps }))
    if (!values.every(Number.isInteger)) throw graphError(`${spec.name}.${key}`, "whole numbers", values);
  return axes.map((axis, index) => {
    const [size, step] = [dims[axis]!, steps[index]!];
    if (step === 0) throw graphError(`${spec.name}.steps`, "steps other than 0", steps);
    const clamp = (at: number, low: number, high: number): number =>
      Math.min(Math.max(at < 0 ? at + size : at, low), high);
    const start = clamp(starts[index]!, 0, step > 0 ? size : size - 1);
    const end = clamp(ends[index]!, step > 0 ? 0 : -1, size);
    return { axis, start, step, count: Math.max(Math.ceil((end - start) / step), 0) };
  });
}

/** Returns the number of elements a Pad adds before and after each axis; negative where it crops. */
export function padding(spec: Described): {
  readonly before: readonly number[];
  readonly after: readonly number[];
} {
  const rank = spec.inputs[0]!.dims.length;
  const pads = staticNumbers(spec, 1) ?? [];
  const axes = normalAxes(
    spec,
    staticNumbers(spec, 3) ?? Array.from({ length: rank }, (_, axis) => axis),
    rank,
  );
  if (pads.length !== 2 * axes.length || !pads.every(Number.isSafeInteger))
    throw graphError(`${spec.name}.pads`, `${2 * axes.length} whole numbers`, pads);
  const [before, after] = [Array<number>(rank).fill(0), Array<number>(rank).fill(0)];
  for (const [index, axis] of axes.entries()) {
    before[axis] = pads[index]!;
    after[axis] = pads[index + axes.length]!;
  }
  return { before, after };
}

/** More than any network cuts an axis into. */
export const mostPieces = 4096;

/** Returns the sizes a Split cuts its axis into, the first `most` of them. */
export function splitSizes(spec: Described, outputs?: number, most: number = mostPieces): readonly number[] {
  const x = spec.inputs[0]!;
  const size = x.dims[normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length)]!;
  const given = staticNumbers(spec, 1);
  if (given !== undefined) {
    requireWhole(spec, "split", given, 0);
    if (given.reduce((sum, each) => sum + each, 0) !== size) {
      throw graphError(`${spec.name}.split`, `sizes that add up to ${size}`, given);
    }
    return given;
  }
  const count = numberOf(spec, "num_outputs", outputs);
  if (!Number.isInteger(count) || count < 1 || count > mostPieces)
    throw graphError(`${spec.name}.num_outputs`, `1 to ${mostPieces}`, count);
  const each = Math.ceil(size / count);
  return Array.from({ length: Math.min(count, most) }, (_, index) =>
    Math.max(Math.min(each, size - index * each), 0),
  );
}

export const slicingShapes: Readonly<Record<string, ShapeRule>> = {
  Concat: (spec) => {
    const values = spec.inputs.map((_, index) => required(spec, index));
    const first = required(spec, 0);
    const axis = normalAxis(spec, numberOf(spec, "axis"), first.dims.length);
    for (const value of values) {
      requireType(spec, value, first.type);
      requireRank(spec, value, first.dims.length, first.dims.length);
      if (value.dims.some((size, at) => at !== axis && size !== first.dims[at])) {
        throw graphError(
          spec.name,
          `${value.name} to match [${first.dims.join(", ")}] except on axis ${axis}`,
          value.dims,
        );
      }
    }
    const total = values.reduce((sum, value) => sum + value.dims[axis]!, 0);
    return [{ type: first.type, dims: first.dims.with(axis, total) }];
  },
  Split: (spec) => {
    const x = required(spec, 0);
    const axis = normalAxis(spec, numberOf(spec, "axis", 0), x.dims.length);
    // The last outputs may be left out.
    return splitSizes(spec, spec.outputCount, spec.outputCount).map((size) => ({
      type: x.type,
      dims: x.dims.with(axis, size),
    }));
  },
  Slice: (spec) => {
    const x = required(spec, 0);
    const dims = [...x.dims];
    for (const { axis, count } of sliceSteps(spec)) dims[axis] = count;
    return [{ type: x.type, dims }];
  },
  Pad: (spec) => {
    const x = required(spec, 0);
    const mode = textOf(spec, "mode", "constant");
    if (!["constant", "edge", "reflect", "wrap"].includes(mode)) {
      throw graphError(`${spec.name}.mode`, "constant, edge, reflect or wrap", mode);
    }
    const { before, after } = padding(spec);
    const dims = x.dims.map((size, axis) => size + before[axis]! + after[axis]!);
    if (dims.some((size) => size < 0)) {
      const most = `pads that crop at most [${x.dims.join(", ")}]`;
      throw graphError(`${spec.name}.pads`, most, [...before, ...after]);
    }
    const least = mode === "reflect" ? 1 : 0;
    if (
      x.dims.some(
        (size, axis) => mode !== "constant" && Math.max(before[axis]!, after[axis]!) > 0 && size <= least,
      )
    ) {
      throw graphError(spec.name, `axes longer than ${least} to pad by ${mode}`, x.dims);
    }
    return [{ type: x.type, dims }];
  },
};

export const Concat = (values: readonly Value[], axis: number): Value => emit("Concat", values, { axis });

/** Cuts an axis into pieces of the given sizes, or into a number of equal ones. */
export function Split(x: Value, sizes: readonly number[] | number, axis = 0): readonly Value[] {
  return typeof sizes === "number"
    ? emitAll("Split", [x], { axis, num_outputs: sizes }, { outputs: sizes })
    : emitAll("Split", [x, integers(x.graph, sizes)], { axis }, { outputs: sizes.length });
}

/** Returns x[start:end:step] along `axes`, by default all in order; negative positions count from the end. */
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

/** Pads x: `pads` lists the sizes to add before each axis, then those after each; negative ones crop. */
export function Pad(x: Value, pads: readonly number[], { mode, value, axes }: PadOptions = {}): Value {
  const constant = value === undefined ? undefined : scalar(x.graph, x.type, value);
  const inputs = [x, integers(x.graph, pads), constant, axes && integers(x.graph, axes)];
  while (inputs.at(-1) === undefined) inputs.pop();
  return emit("Pad", inputs, { mode });
}
