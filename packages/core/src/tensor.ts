import { invalidArgument } from "./errors.js";

/** The typed array that holds each data type; names as onnxruntime's, float16 as its bits. */
export interface TypedArrays {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

export type DataType = keyof TypedArrays;

/** A dense array, last dimension fastest; structurally an onnxruntime tensor on the CPU. */
export interface Tensor<T extends DataType = DataType> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly data: TypedArrays[T];
}

/** Integer class per pixel, `[N, ...spatial]`, background 0. */
export type Labels = Tensor<"uint8"> | Tensor<"int32"> | Tensor<"int64">;

/** Probabilities (or logits) in either precision; float16 is widened in the kernels, without a copy. */
export type Probabilities = Tensor<"float32"> | Tensor<"float16">;

const arrays: { readonly [T in DataType]: new (length: number) => TypedArrays[T] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** The product of `dims`; throws when one is not a whole number or the product is not exact. */
export function elementCount(dims: readonly number[]): number {
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw invalidArgument("dims", "whole numbers", dims);
    count *= dim;
  }
  if (!Number.isSafeInteger(count)) throw invalidArgument("dims", "at most 2^53 - 1 elements", dims);
  return count;
}

/** A tensor over `data` (not copied), whose length must be the product of `dims`. */
export function tensor<T extends DataType>(
  type: T,
  data: TypedArrays[T],
  dims: readonly number[],
): Tensor<T> {
  if (!Object.hasOwn(arrays, type)) {
    throw invalidArgument("type", `one of ${Object.keys(arrays).join(", ")}`, type);
  }
  if (!(data instanceof arrays[type]))
    throw invalidArgument("data", `a ${arrays[type].name} for ${type}`, data);
  const count = elementCount(dims);
  if (data.length !== count) {
    throw invalidArgument("data", `${count} elements for dims [${dims.join(", ")}]`, data.length);
  }
  return { type, data, dims };
}

/** A tensor of zeros. */
export function zeros<T extends DataType>(type: T, dims: readonly number[]): Tensor<T> {
  if (!Object.hasOwn(arrays, type)) {
    throw invalidArgument("type", `one of ${Object.keys(arrays).join(", ")}`, type);
  }
  return { type, data: new arrays[type](elementCount(dims)), dims };
}

/** Whether `data` is the typed array that holds `type`. */
export function holds(type: DataType, data: unknown): boolean {
  return Object.hasOwn(arrays, type) && data instanceof arrays[type];
}
