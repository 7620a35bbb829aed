import { numberOf, numbersOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Described, Value } from "../ir.js";
import { emit } from "./operand.js";
import { requireDims, required, requireRank, requireType, type ShapeRule, sameDims } from "./spec.js";
import { type AutoPad, forwardWindows, transposedWindows, type Windows } from "./windows.js";

/** Returns the windows of a Conv node, all padding explicit. */
export function convWindows(spec: Described): Windows {
  const [x, w] = operands(spec);
  return forwardWindows(spec, x.dims.slice(2), w.dims.slice(2));
}

/** Returns the windows of the convolution whose input gradient a ConvTranspose node is. */
export function convTransposeWindows(spec: Described): Windows {
  const [x, w] = operands(spec);
  return transposedWindows(spec, x.dims.slice(2), w.dims.slice(2));
}

export const groupOf = (spec: Described): number => numberOf(spec, "group", 1);

function operands(spec: Described): [Value, Value] {
  const [x, w] = spec.inputs;
  if (x === undefined) throw graphError(spec.name, `an input of ${spec.opType}`, undefined);
  if (w === undefined) throw graphError(`${spec.name}.W`, `a weight of ${spec.opType}`, undefined);
  requireRank(spec, x, 3, 5);
  requireRank(spec, w, x.dims.length, x.dims.length);
  requireType(spec, w, x.type);
  if (w.dims.some((size) => size < 1))
    throw graphError(`${spec.name}.W`, `filters of 1 or more elements along each axis`, w.dims);
  const kernel = numbersOf(spec, "kernel_shape");
  if (kernel !== undefined && !sameDims(kernel, w.dims.slice(2))) {
    throw graphError(
      `${spec.name}.kernel_shape`,
      `[${w.dims.slice(2).join(", ")}] as the weight has`,
      kernel,
    );
  }
  return [x, w];
}

/** Returns the number of groups that divide both `count` channels of the image and `others`. */
function groupsOf(spec: Described, count: number, others: number): number {
  const group = groupOf(spec);
  if (Number.isInteger(group) && group >= 1 && count % group === 0 && others % group === 0) return group;
  const channels = count === others ? `${count} channels` : `${count} and ${others} channels`;
  throw graphError(`${spec.name}.group`, `a divisor of ${channels}`, group);
}

export const convolutionShapes: Readonly<Record<string, ShapeRule>> = {
  Conv: (spec) => {
    const { output } = convWindows(spec);
    const [x, w, bias] = [required(spec, 0), required(spec, 1), spec.inputs[2]];
    const [channels, outputs] = [x.dims[1]!, w.dims[0]!];
    const group = groupsOf(spec, channels, outputs);
    if (w.dims[1]! * group !== channels) {
      throw graphError(
        spec.name,
        `${w.dims[1]! * group} channels for the weight [${w.dims.join(", ")}]`,
        channels,
      );
    }
    if (bias !== undefined) requireDims(spec, bias, [outputs]);
    return [{ type: x.type, dims: [x.dims[0]!, outputs, ...output] }];
  },
  ConvTranspose: (spec) => {
    const { input } = convTransposeWindows(spec);
    const [x, w, bias] = [required(spec, 0), required(spec, 1), spec.inputs[2]];
    if (w.dims[0] !== x.dims[1]) {
      throw graphError(spec.name, `${w.dims[0]} channels for the weight [${w.dims.join(", ")}]`, x.dims[1]);
    }
    const outputs = w.dims[1]! * groupsOf(spec, x.dims[1]!, x.dims[1]!);
    if (bias !== undefined) requireDims(spec, bias, [outputs]);
    return [{ type: x.type, dims: [x.dims[0]!, outputs, ...input] }];
  },
};

export interface ConvAttributes {
  readonly strides?: readonly number[];
  /** Before each spatial axis, then after each. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
  readonly auto_pad?: AutoPad;
  readonly kernel_shape?: readonly number[];
}

export interface ConvTransposeAttributes extends ConvAttributes {
  readonly output_padding?: readonly number[];
  readonly output_shape?: readonly number[];
}

/** Adds a Conv of x [N, C, ...spatial], w [O, C / group, ...kernel], bias [O]; one to three spatial axes. */
export const Conv = (x: Value, w: Value, bias?: Value, attributes: ConvAttributes = {}): Value =>
  emit("Conv", bias === undefined ? [x, w] : [x, w, bias], { ...attributes });

/**
 * Adds a ConvTranspose of x [N, C, ...spatial], w [C, O / group, ...kernel], bias [O]; one to three spatial
 * axes.
 */
export const ConvTranspose = (
  x: Value,
  w: Value,
  bias?: Value,
  attributes: ConvTransposeAttributes = {},
): Value => emit("ConvTranspose", bias === undefined ? [x, w] : [x, w, bias], { ...attributes });
