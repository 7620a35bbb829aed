import type { DataType } from "@pixelcal/core";
import { dataType, onnxBfloat16 } from "../data-types.js";
import { GraphError, graphError } from "../errors.js";
import type { GraphProto, ValueInfoProto } from "./onnx-proto.js";

export type InputShapes = Readonly<Record<string, readonly number[]>>;

export interface Input {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
}

/** Returns the inputs that are not initializers: old files list both. */
export function realInputs({ inputs = [], initializers = [] }: GraphProto): readonly ValueInfoProto[] {
  const weights = new Set(initializers.map(({ name }) => name));
  return inputs.filter(({ name }) => !weights.has(name));
}

/**
 * Returns the static dims of every input, from `shapes` or else from the model. Throws GraphError naming
 * every input that stays open.
 */
export function inputDims(inputs: readonly ValueInfoProto[], shapes: InputShapes): readonly Input[] {
  const given = new Map(Object.entries(shapes));
  const only = given.get("");
  if (only) {
    if (inputs.length !== 1)
      throw graphError("shapes", `names, as the model has ${inputs.length} inputs`, `""`);
    given.delete("");
    given.set(inputs[0]!.name ?? "", only);
  }
  const names = inputs.map(({ name = "" }) => name);
  for (const name of given.keys()) {
    if (!names.includes(name)) throw graphError("shapes", `inputs of the model: ${names.join(", ")}`, name);
  }
  const open: string[] = [];
  const result = inputs.map((input) => oneInput(input, given.get(input.name ?? ""), open));
  if (open.length > 0) {
    throw new GraphError("shapes", `give whole numbers for the open dims of ${open.join("; ")}`);
  }
  return result;
}

function oneInput(
  { name = "", type: info }: ValueInfoProto,
  given: readonly number[] | undefined,
  open: string[],
): Input {
  const tensor = info?.tensor;
  if (!tensor) throw graphError(name, "a tensor as input", "a sequence, map or optional");
  const code = tensor.elementType ?? 0;
  const type = code === onnxBfloat16 ? "float16" : dataType(code);
  if (type === undefined) throw graphError(name, "numbers or booleans", `data type ${code}`);
  const declared = tensor.shape?.dims ?? (tensor.shape ? [] : undefined);
  if (given) {
    if (declared && declared.length !== given.length)
      throw graphError(`shapes.${name}`, `${declared.length} dims`, given);
    if (!given.every((size) => Number.isSafeInteger(size) && size >= 1))
      throw graphError(`shapes.${name}`, "whole numbers of 1 or more", given);
    return { name, type, dims: given };
  }
  const dims = (declared ?? []).map(({ value }) => value ?? -1);
  if (!declared || dims.some((size) => size < 0)) {
    open.push(
      `${name} [${(declared ?? [{ param: "rank unknown" }]).map(({ value, param }) => value ?? (param || "?")).join(", ")}]`,
    );
  }
  return { name, type, dims };
}
