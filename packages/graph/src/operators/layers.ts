import { fromNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import { emit, emitAll, integers, type Operand, promote } from "./operand.js";

type AutoPad = "NOTSET" | "VALID" | "SAME_UPPER" | "SAME_LOWER";

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

export interface PoolAttributes {
  readonly kernel_shape: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly ceil_mode?: number;
  readonly auto_pad?: AutoPad;
}

/** x [N, C, ...spatial], w [O, C / group, ...kernel], bias [O]; one to three spatial axes. */
export const Conv = (x: Value, w: Value, bias?: Value, attributes: ConvAttributes = {}): Value =>
  emit("Conv", bias === undefined ? [x, w] : [x, w, bias], { ...attributes });

/** x [N, C, ...spatial], w [C, O / group, ...kernel], bias [O]; one to three spatial axes. */
export const ConvTranspose = (
  x: Value,
  w: Value,
  bias?: Value,
  attributes: ConvTransposeAttributes = {},
): Value => emit("ConvTranspose", bias === undefined ? [x, w] : [x, w, bias], { ...attributes });

/** Padding never wins. The gradient of a tie goes to the first element of the window, as in PyTorch. */
export const MaxPool = (x: Value, attributes: PoolAttributes): Value =>
  emit("MaxPool", [x], { ...attributes });
/** `MaxPool` with the places of the maxima, counted over the whole of x. */
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

export interface BatchNormalizationAttributes {
  readonly epsilon?: number;
  /** ONNX's meaning: running = running * momentum + batch * (1 - momentum); 0.9 is PyTorch's 0.1. */
  readonly momentum?: number;
}

/** Inference form: by the given mean and variance. `trainingForm` turns it into batch statistics. */
export const BatchNormalization = (
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  attributes: BatchNormalizationAttributes = {},
): Value => emit("BatchNormalization", [x, scale, bias, mean, variance], { ...attributes });

export const InstanceNormalization = (
  x: Value,
  scale: Value,
  bias: Value,
  attributes: { readonly epsilon?: number } = {},
): Value => emit("InstanceNormalization", [x, scale, bias], attributes);

/** Normalises over `axis` and all axes after it. */
export const LayerNormalization = (
  x: Value,
  scale: Value,
  bias?: Value,
  attributes: { readonly axis?: number; readonly epsilon?: number } = {},
): Value => emit("LayerNormalization", bias === undefined ? [x, scale] : [x, scale, bias], attributes);

export const MatMul = (a: Value, b: Value): Value => emit("MatMul", [a, b]);

export const Gemm = (
  a: Value,
  b: Value,
  c?: Operand,
  attributes: {
    readonly alpha?: number;
    readonly beta?: number;
    readonly transA?: number;
    readonly transB?: number;
  } = {},
): Value => emit("Gemm", c === undefined ? [a, b] : promote("Gemm", [a, b, c]), attributes);

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
