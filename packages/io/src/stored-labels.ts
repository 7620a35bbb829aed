import type { Labels, Tensor } from "@pixelcal/core";
import { FormatError } from "./errors.js";
import { atOnce, convertSteps, type Steps } from "./turns.js";

/** Returns labels as stored if a kernel can read them, else as the narrowest type that can hold them. */
export function toLabels(tensor: Tensor, path: string, key: string): Labels {
  return atOnce(labelSteps(tensor, path, key));
}

/** Does the work of {@link toLabels}. */
export function* labelSteps(tensor: Tensor, path: string, key: string): Steps<Labels> {
  const { type, dims, data } = tensor;
  if (type === "uint8" || type === "int32" || type === "int64") return tensor as Labels;
  if (type === "bool") return { type: "uint8", dims, data: data as Uint8Array };
  if (type === "uint32" || type === "uint64") {
    const out = new BigInt64Array(data.length);
    const wide = (values: Uint32Array | BigUint64Array): BigInt64Array =>
      values instanceof Uint32Array ? BigInt64Array.from(values, BigInt) : new BigInt64Array(values);
    yield* convertSteps(data, (values, at) => out.set(wide(values as Uint32Array), at));
    return { type: "int64", dims, data: out };
  }
  if (type !== "int8" && type !== "int16" && type !== "uint16")
    throw new FormatError(path, key, `expected integers, got ${type}`);
  const out = new Int32Array(data.length);
  yield* convertSteps(data, (values, at) => out.set(values as Int16Array, at));
  return { type: "int32", dims, data: out };
}
