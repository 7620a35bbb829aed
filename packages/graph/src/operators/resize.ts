import { numbersOf, textOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import { graphError } from "../errors.js";
import type { Described, Value } from "../ir.js";
import { emit, integers } from "./operand.js";
import { type ResizedAxis, requireResizeModes } from "./resize-matrix.js";
import { normalAxes, required, type ShapeRule, staticNumbers } from "./spec.js";

/** Returns every axis of a Resize, in order, including those that keep their size. */
export function resizedAxes(spec: Described): readonly ResizedAxis[] {
  const dims = spec.inputs[0]!.dims;
  const axes = normalAxes(spec, numbersOf(spec, "axes") ?? dims.map((_, axis) => axis), dims.length);
  const scales = nonEmpty(staticNumbers(spec, 2));
  const sizes = nonEmpty(staticNumbers(spec, 3));
  const given = sizes ?? scales;
  if (given === undefined || (sizes !== undefined && scales !== undefined) || given.length !== axes.length) {
    const key = sizes !== undefined ? "sizes" : "scales";
    const got =
      given === undefined ? "neither" : sizes !== undefined && scales !== undefined ? "both" : given;
    throw graphError(`${spec.name}.${key}`, `${axes.length} scales or ${axes.length} sizes`, got);
  }
  const common = commonScale(spec, axes, sizes);
  const resized = dims.map((input, axis): ResizedAxis => {
    const at = axes.indexOf(axis);
    if (at < 0) return { axis, input, output: input, scale: 1 };
    // Scales in single precision, as runtimes have it: 10 * 0.9 is 9 and not a little less.
    const output =
      common === undefined
        ? (sizes?.[at] ?? Math.floor(Math.fround(input * scales![at]!)))
        : Math.round(common * input);
    if (!(Number.isSafeInteger(output) && output >= 1)) {
      const key = sizes === undefined ? "scales" : "sizes";
      throw graphError(`${spec.name}.${key}`, "sizes of 1 or more", output);
    }
    return { axis, input, output, scale: common ?? scales?.[at] ?? output / input };
  });
  // Runtimes copy what keeps its size, whatever the scales say.
  const copies = resized.every(({ input, output }) => input === output);
  return copies ? resized.map((axis) => ({ ...axis, scale: 1 })) : resized;
}

/** Whether an axis stays as it is. */
export const isKept = ({ input, output, scale }: ResizedAxis): boolean => input === output && scale === 1;

/** Returns the one scale of all axes that keep_aspect_ratio_policy asks for. */
function commonScale(
  spec: Described,
  axes: readonly number[],
  sizes: readonly number[] | undefined,
): number | undefined {
  const policy = textOf(spec, "keep_aspect_ratio_policy", "stretch");
  const policies = ["stretch", "not_larger", "not_smaller"];
  if (!policies.includes(policy))
    throw graphError(`${spec.name}.keep_aspect_ratio_policy`, policies.join(", "), policy);
  if (policy === "stretch" || sizes === undefined) return undefined;
  const ratios = axes.map((axis, at) => sizes[at]! / spec.inputs[0]!.dims[axis]!);
  return policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
}

const nonEmpty = (list: readonly number[] | undefined): readonly number[] | undefined =>
  list?.length === 0 ? undefined : list;

export const resizeShapes: Readonly<Record<string, ShapeRule>> = {
  Resize: (spec) => {
    const x = required(spec, 0);
    requireResizeModes(spec);
    return [{ type: x.type, dims: resizedAxes(spec).map((axis) => axis.output) }];
  },
};

export interface ResizeOptions {
  /** Output per input size, for every axis; or `sizes`. */
  readonly scales?: readonly number[];
  readonly sizes?: readonly number[];
  readonly mode?: "nearest" | "linear" | "cubic";
  readonly coordinate_transformation_mode?:
    | "half_pixel"
    | "pytorch_half_pixel"
    | "align_corners"
    | "asymmetric"
    | "half_pixel_symmetric"
    | "tf_half_pixel_for_nn";
  readonly nearest_mode?: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
  readonly cubic_coeff_a?: number;
  /** 1 leaves out what lies outside of x instead of repeating its border. */
  readonly exclude_outside?: number;
  /** 1 widens the kernel where x shrinks. */
  readonly antialias?: number;
  /** The axes `scales` or `sizes` are about, all by default. */
  readonly axes?: readonly number[];
  readonly keep_aspect_ratio_policy?: "stretch" | "not_larger" | "not_smaller";
}

export function Resize(x: Value, { scales, sizes, ...attributes }: ResizeOptions): Value {
  const { graph } = x;
  const factors = scales && graph.constant(fromNumbers("float32", scales, [scales.length]));
  return emit("Resize", sizes ? [x, undefined, undefined, integers(graph, sizes)] : [x, undefined, factors], {
    ...attributes,
  });
}
