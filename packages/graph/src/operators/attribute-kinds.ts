import { floatAttributes } from "../attributes.js";
import { type GraphError, graphError } from "../errors.js";
import type { Attribute } from "../ir.js";

type Kind = "number" | "numbers" | "text";

const names: Readonly<Record<Kind, string>> = {
  number:
    "alpha beta gamma lambd epsilon momentum bias scale softcap axis keepdims group ceil_mode storage_order " +
    "count_include_pad transA transB blocksize num_outputs to fmod largest sorted select_last_index " +
    "noop_with_empty_axes exclusive reverse allowzero batch_dims start end align_corners antialias exclude_outside " +
    "cubic_coeff_a extrapolation_value num_groups training_mode upper is_causal q_num_heads kv_num_heads p new_axis",
  numbers: "kernel_shape strides dilations pads output_padding output_shape axes perm",
  text:
    "mode auto_pad reduction equation padding_mode nearest_mode coordinate_transformation_mode " +
    "keep_aspect_ratio_policy approximate",
};

/** The kind of each attribute by its name; all operators of ONNX that have it agree. */
const kinds: ReadonlyMap<string, Kind> = new Map(
  (Object.entries(names) as [Kind, string][]).flatMap(([kind, list]) =>
    list.split(" ").map((name): [string, Kind] => [name, kind]),
  ),
);

const expected: Readonly<Record<Kind, string>> = {
  number: "a number",
  numbers: "a list of whole numbers",
  text: "a text",
};

/** Throws GraphError naming the first attribute whose value is not of the kind that its name stands for. */
export function checkAttributes(
  where: string,
  opType: string,
  attributes: Readonly<Record<string, Attribute>>,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    const kind = kinds.get(name);
    if (kind === undefined || fits(kind, name, value)) continue;
    const whole = kind === "number" && !floatAttributes.has(name) ? "a whole number" : expected[kind];
    throw wrong(where, opType, name, whole, value);
  }
}

function fits(kind: Kind, name: string, value: Attribute): boolean {
  if (kind === "text") return typeof value === "string";
  if (kind === "number")
    return typeof value === "number" && (floatAttributes.has(name) || Number.isInteger(value));
  return Array.isArray(value) && value.every((each) => Number.isInteger(each));
}

function wrong(where: string, opType: string, name: string, what: string, value: Attribute): GraphError {
  const shown = typeof value !== "object" ? JSON.stringify(value) : Array.isArray(value) ? value : "a tensor";
  return graphError(`${where}.${name}`, `${what} for ${opType}`, shown);
}
