import { InvalidArgumentError, invalidArgument } from "./errors.js";

/**
 * The typed array that holds each data type; the names are onnxruntime's. float16 is stored as its bits on
 * every Node version: where Float16Array exists (Node 24) a tensor may hold one, but results never do.
 */
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

/** A tensor of one data type. */
export interface TensorOf<T extends DataType> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly data: TypedArrays[T];
}

/**
 * A dense array, last dimension fastest; structurally an onnxruntime tensor on the CPU. Of several types, it
 * is a union that `type` narrows: where `type` is "uint8", `data` is a Uint8Array.
 */
export type Tensor<T extends DataType = DataType> = { readonly [K in T]: TensorOf<K> }[T];

/** A map of integer classes per pixel, `[N, ...spatial]`, background 0. */
export type Labels = Tensor<"uint8"> | Tensor<"int32"> | Tensor<"int64">;

/** The probabilities (or logits) in either precision; kernels widen float16 without a copy. */
export type Probabilities = Tensor<"float32"> | Tensor<"float16">;

/** The constructor of the typed array that holds each data type. */
export const arrayTypes: {
  readonly [T in DataType]: {
    new (length: number): TypedArrays[T];
    new (buffer: ArrayBufferLike, offset?: number, length?: number): TypedArrays[T];
    readonly BYTES_PER_ELEMENT: number;
    readonly name: string;
  };
} = {
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

// A type can be any value; hasOwn alone would call the toString of an object.
const isDataType = (type: unknown): type is DataType =>
  typeof type === "string" && Object.hasOwn(arrayTypes, type);

/** A Float16Array, which Node has since version 24. */
export interface Float16Values extends ArrayBufferView {
  readonly length: number;
  readonly [Symbol.toStringTag]: "Float16Array";
}

// Reads the name of a typed array's class, also of another realm: Jest has globals of its own, and arrays
// that native code makes there are no instances of them. Undefined for proxies and objects of a prototype.
const arrayName: (this: unknown) => string | undefined = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get!;

const isFloat16Array = (data: unknown): data is Float16Values => arrayName.call(data) === "Float16Array";

/** Returns the bits of float16 values: a Uint16Array unchanged, a Float16Array's memory as a Uint16Array. */
export function float16Bits(data: Uint16Array | Float16Values): Uint16Array {
  return isFloat16Array(data) ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
}

/** Returns the product of `dims`; throws when one is not a whole number or the product is not exact. */
export function elementCount(dims: readonly number[]): number {
  if (!Array.isArray(dims)) throw invalidArgument("dims", "an array of whole numbers", dims);
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw invalidArgument("dims", "whole numbers", dims);
    count *= dim;
  }
  if (!Number.isSafeInteger(count)) throw invalidArgument("dims", "at most 2^53 - 1 elements", dims);
  return count;
}

/** Tells whether two lists of dims are the same; throws unless both are arrays. */
export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  for (const dims of [a, b]) if (!Array.isArray(dims)) throw invalidArgument("dims", "an array", dims);
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Makes a tensor over `data` (not copied); throws unless its length is the product of `dims`. */
export function tensor<T extends DataType>(
  type: T,
  data: TypedArrays[T] | (T extends "float16" ? Float16Values : never),
  dims: readonly number[],
): Tensor<T> {
  if (!isDataType(type)) {
    throw invalidArgument("type", `one of ${Object.keys(arrayTypes).join(", ")}`, type);
  }
  if (!holds(type, data)) throw invalidArgument("data", `a ${arrayTypes[type].name} for ${type}`, data);
  const count = elementCount(dims);
  if (data.length !== count) {
    throw invalidArgument("data", `${count} elements for dims [${dims.join(", ")}]`, data.length);
  }
  const held = isFloat16Array(data) ? float16Bits(data) : data;
  return { type, data: held as TypedArrays[T], dims };
}

/** Returns a tensor of other dims over the same data, which is not copied. */
export function reshape<T extends DataType>(source: Tensor<T>, dims: readonly number[]): Tensor<T> {
  if (typeof source !== "object" || source === null) throw invalidArgument("source", "a tensor", source);
  const { type, data, dims: before } = tensor<DataType>(source.type, source.data, source.dims) as Tensor<T>;
  const count = elementCount(dims);
  if (count !== data.length) {
    throw invalidArgument("dims", `${data.length} elements, as [${before.join(", ")}] has`, count);
  }
  return { type, data, dims: [...dims] };
}

/** Makes a tensor of zeros. */
export function zeros<T extends DataType>(type: T, dims: readonly number[]): Tensor<T> {
  if (!isDataType(type)) {
    throw invalidArgument("type", `one of ${Object.keys(arrayTypes).join(", ")}`, type);
  }
  const count = elementCount(dims);
  try {
    return { type, data: new arrayTypes[type](count), dims };
  } catch (cause) {
    const message = `dims: expected a tensor that fits memory, got ${count} elements of ${type}`;
    throw new InvalidArgumentError("dims", message, { cause, code: "ERR_PIXELCAL_RESULT_TOO_LARGE" });
  }
}

/** Tells whether `data` is a typed array that holds `type`. */
export function holds(type: DataType, data: unknown): boolean {
  if (!isDataType(type)) return false;
  const name = arrayName.call(data);
  return name === arrayTypes[type].name || (type === "float16" && name === "Float16Array");
}
