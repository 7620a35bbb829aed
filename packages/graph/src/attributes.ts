import { graphError } from "./errors.js";
import type { Attribute, NodeSpec } from "./ir.js";

/**
 * Attributes that ONNX types as FLOAT or FLOATS; every other number attribute is INT or INTS. No ONNX
 * operator uses one of these names for integers.
 */
export const floatAttributes: ReadonlySet<string> = new Set([
  "alpha",
  "beta",
  "gamma",
  "lambd",
  "softcap",
  "epsilon",
  "momentum",
  "bias",
  "value_float",
  "value_floats",
  "cubic_coeff_a",
  "extrapolation_value",
  "spatial_scale",
  "ratio",
  "low",
  "high",
  "mean",
  "scale",
  "seed",
  "sample_size",
  "threshold",
  "clip",
  "activation_alpha",
  "activation_beta",
  "activation_params",
]);

type Described = Pick<NodeSpec, "name" | "attributes">;

const wrong = (node: Described, key: string, expected: string): Error =>
  graphError(`${node.name}.${key}`, expected, describe(node.attributes[key]));

const describe = (value: Attribute | undefined): string | undefined =>
  typeof value === "object" && !Array.isArray(value) ? "an object" : value?.toString();

export function numberOf(node: Described, key: string, otherwise?: number): number {
  const value = node.attributes[key] ?? otherwise;
  if (typeof value !== "number") throw wrong(node, key, "a number");
  // ONNX stores such attributes in single precision; a graph means the same before and after it is written.
  return floatAttributes.has(key) ? Math.fround(value) : value;
}

export function textOf(node: Described, key: string, otherwise: string): string {
  const value = node.attributes[key] ?? otherwise;
  if (typeof value !== "string") throw wrong(node, key, "a string");
  return value;
}

export function numbersOf(node: Described, key: string): readonly number[] | undefined {
  const value = node.attributes[key];
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === "number")) {
    throw wrong(node, key, "a list of numbers");
  }
  return value;
}
