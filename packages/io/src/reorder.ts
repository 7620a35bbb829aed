import { type DataType, elementCount, type TypedArrays } from "@pixelcal/core";
import { type Steps, stepElements } from "./turns.js";

/** Reverses the bytes of every `width`-byte element in place. */
export function swapBytes(bytes: Uint8Array, width: number): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) view.swap16();
  else if (width === 4) view.swap32();
  else if (width === 8) view.swap64();
}

/** Copies an array stored first-axis-fastest (Fortran order) into last-axis-fastest order. */
export function* fromFortranOrder<A extends TypedArrays[DataType]>(
  data: A,
  dims: readonly number[],
): Steps<A> {
  if (dims.length < 2 || data.length === 0) return data;
  const out = new (data.constructor as new (length: number) => A)(data.length);
  // The loop walks the result in order; `at` is the matching offset in `data`, whose strides grow from the
  // first axis on.
  const strides = dims.map((_, axis) => elementCount(dims.slice(0, axis)));
  const index = new Array<number>(dims.length).fill(0);
  for (let i = 0, at = 0; i < out.length; i++) {
    if (i % stepElements === stepElements - 1) yield;
    out[i] = data[at] as A[number];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      at -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
