import type { DataType, TypedArrays } from "@pixelcal/core";

/** The layout of an element type: its width in bytes, and a function that makes a typed view of a buffer. */
export interface Element<T extends DataType = DataType> {
  readonly type: T;
  readonly bytes: number;
  readonly view: (buffer: ArrayBufferLike, offset: number, length: number) => TypedArrays[T];
}

/** The element types that files can hold. float16 is its raw bits; bool is one byte, 0 or 1. */
export const elements: { readonly [T in DataType]: Element<T> } = {
  float64: { type: "float64", bytes: 8, view: (b, o, n) => new Float64Array(b, o, n) },
  float32: { type: "float32", bytes: 4, view: (b, o, n) => new Float32Array(b, o, n) },
  float16: { type: "float16", bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
  int64: { type: "int64", bytes: 8, view: (b, o, n) => new BigInt64Array(b, o, n) },
  int32: { type: "int32", bytes: 4, view: (b, o, n) => new Int32Array(b, o, n) },
  int16: { type: "int16", bytes: 2, view: (b, o, n) => new Int16Array(b, o, n) },
  int8: { type: "int8", bytes: 1, view: (b, o, n) => new Int8Array(b, o, n) },
  uint64: { type: "uint64", bytes: 8, view: (b, o, n) => new BigUint64Array(b, o, n) },
  uint32: { type: "uint32", bytes: 4, view: (b, o, n) => new Uint32Array(b, o, n) },
  uint16: { type: "uint16", bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
  uint8: { type: "uint8", bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
  bool: { type: "bool", bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
};
