import type { DataType, Labels, Tensor } from "@pixelcal/core";
import { FormatError } from "./errors.js";

/** Returns labels as stored if a kernel can read them, else as the narrowest type that can hold them. */
export function toLabels(tensor: Tensor, path: string, key: string): Labels {
  const { dims, data } = tensor;
  const widened: Partial<Record<DataType, () => Labels>> = {
    uint8: () => tensor as Tensor<"uint8">,
    int32: () => tensor as Tensor<"int32">,
    int64: () => tensor as Tensor<"int64">,
    bool: () => ({ type: "uint8", dims, data: data as Uint8Array }),
    int8: () => ({ type: "int32", dims, data: new Int32Array(data as Int8Array) }),
    int16: () => ({ type: "int32", dims, data: new Int32Array(data as Int16Array) }),
    uint16: () => ({ type: "int32", dims, data: new Int32Array(data as Uint16Array) }),
    uint32: () => ({ type: "int64", dims, data: BigInt64Array.from(data as Uint32Array, BigInt) }),
    uint64: () => ({ type: "int64", dims, data: new BigInt64Array(data as BigUint64Array) }),
  };
  const convert = widened[tensor.type];
  if (!convert) throw new FormatError(path, key, `expected integers, got ${tensor.type}`);
  return convert();
}

/** Returns an array of an archive that was read; throws with the names that the archive holds. */
