import { DeviceTensor } from "./device-tensor.js";
import { invalidArgument } from "./errors.js";
import {
  type DataType,
  elementCount,
  holds,
  type Labels,
  type Probabilities,
  sameDims,
  type Tensor,
} from "./tensor.js";

/**
 * Throws unless `value` is a tensor of one of `types` with `rank[0]` to `rank[1]` dimensions, none of them
 * empty.
 */
export function checkTensor(
  argument: string,
  value: Tensor,
  types: readonly DataType[],
  rank: readonly [number, number],
): void {
  if (typeof value !== "object" || value === null || !Array.isArray(value.dims)) {
    throw invalidArgument(argument, "a tensor", value);
  }
  if (!types.includes(value.type)) throw invalidArgument(argument, `type ${types.join(" or ")}`, value.type);
  const onDevice = value instanceof DeviceTensor;
  if (onDevice) value.handle(argument);
  else if (!holds(value.type, value.data))
    throw invalidArgument(argument, `data of type ${value.type}`, value.data);
  const [low, high] = rank;
  if (value.dims.length < low || value.dims.length > high) {
    throw invalidArgument(
      argument,
      low === high ? `rank ${low}` : `rank ${low} to ${high}`,
      value.dims.length,
    );
  }
  if (value.dims.some((dim) => !(typeof dim === "number" && dim >= 1)))
    throw invalidArgument(argument, "positive dimensions", value.dims);
  const count = elementCount(value.dims);
  if (!onDevice && value.data.length !== count) {
    throw invalidArgument(
      argument,
      `${count} elements for dims [${value.dims.join(", ")}]`,
      value.data.length,
    );
  }
}

const labelTypes = ["uint8", "int32", "int64"] as const;

/** Throws unless `labels` is an integer tensor `[N, ...spatial]` with 1 to 3 spatial dimensions. */
export function checkLabels(labels: Labels, argument = "labels"): void {
  checkTensor(argument, labels, labelTypes, [2, 4]);
}

/**
 * Throws unless `values` is a float32 or float16 tensor `[N, C, ...spatial]` with 1 to 3 spatial dimensions.
 */
export function checkProbabilities(values: Probabilities, argument = "probs"): void {
  checkTensor(argument, values, ["float32", "float16"], [3, 5]);
}

/** Throws unless `classes` is a class count. */
export function checkClasses(classes: number): void {
  checkInteger("classes", classes, 1, 32767);
}

/** Throws unless `value` is an integer from `low` to `high`. */
export function checkInteger(argument: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw invalidArgument(argument, `an integer from ${low} to ${high}`, value);
  }
}

/** Throws unless `value` is a finite number greater than 0. */
export function checkPositive(argument: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) throw invalidArgument(argument, "a positive number", value);
}

/**
 * Throws unless `spacing` is absent or holds positive numbers: one per spatial dimension, where that is
 * known.
 */
export function checkSpacing(spacing: readonly number[] | undefined, rank?: number): void {
  if (spacing === undefined) return;
  const expected = rank === undefined ? "an array of numbers" : `${rank} numbers`;
  if (!Array.isArray(spacing)) throw invalidArgument("spacing", expected, spacing);
  if (rank !== undefined && spacing.length !== rank) {
    throw invalidArgument("spacing", expected, spacing.length);
  }
  for (const size of spacing) checkPositive("spacing", size);
}

/** Throws unless `value` is absent, true or false. */
export function checkBoolean(argument: string, value: boolean | undefined): void {
  if (value !== undefined && typeof value !== "boolean") throw invalidArgument(argument, "a boolean", value);
}

/** Throws unless `value` is absent or an integer that can be a label. */
export function checkIgnore(value: number | undefined): void {
  if (value !== undefined) checkInteger("ignore", value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

/** Throws unless `value` is absent or one of `choices`. */
export function checkChoice(argument: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value)) {
    throw invalidArgument(argument, `one of ${choices.join(", ")}`, value);
  }
}

/** Throws unless `out` is absent or a tensor of exactly this type and these dims. */
export function checkOut(out: Tensor | undefined, type: DataType, dims: readonly number[]): void {
  if (out === undefined) return;
  checkTensor("out", out, [type], [dims.length, dims.length]);
  if (!sameDims(out.dims, dims)) {
    throw invalidArgument("out", `dims [${dims.join(", ")}]`, out.dims);
  }
}
