import { checkChoice } from "../check.js";
import type { SignalOption } from "../device.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import {
  arrayTypes,
  type DataType,
  elementCount,
  type Float16Values,
  float16Bits,
  type Tensor,
  type TypedArrays,
  tensor,
} from "../tensor.js";

/** Numbers as JSON holds them: a list, or a list of such lists, all of one length. */
export type NestedNumbers = readonly number[] | readonly NestedNumbers[];

/**
 * An array from elsewhere. A tensor and nested lists have their own shape; typed arrays and bytes (`Buffer`,
 * `Uint8Array`, `DataView`, `ArrayBuffer`) need `dims`.
 */
export type ArraySource =
  | Tensor
  | NestedNumbers
  | TypedArrays[DataType]
  | Float16Values
  | Uint8ClampedArray
  | DataView
  | ArrayBuffer;

/** The layout of an array from elsewhere. */
export interface ArrayLayout extends SignalOption {
  /** The sizes of the stored axes, the last one fastest; needed for typed arrays and bytes. */
  readonly dims?: readonly number[];
  /** The type of the elements in bytes; default "uint8". */
  readonly type?: DataType;
  /** The order of the bytes of an element; default "little". */
  readonly byteOrder?: "little" | "big";
  /** The place of the first element in bytes; default 0. */
  readonly byteOffset?: number;
  /** Whether the first axis is the batch; by default there is one image, and the result's batch is 1. */
  readonly batch?: boolean;
}

/** The names of the options above, for {@link optionNames}. */
export const layoutNames = {
  signal: true,
  dims: true,
  type: true,
  byteOrder: true,
  byteOffset: true,
  batch: true,
} as const;

/** An array from elsewhere whose length fits its dims. */
export interface StoredArray {
  readonly type: DataType;
  readonly dims: readonly number[];
  /** The elements as they lie in memory; absent where they are swapped or not aligned. */
  readonly data: TypedArrays[DataType] | undefined;
  /** The same elements as bytes. */
  readonly bytes: () => Uint8Array;
  readonly swapped: boolean;
}

/** The largest number of bytes that one typed array of Node 20 can show. */
const mostBytes = 2 ** 32;

const tags: ReadonlyMap<string, DataType> = new Map([
  ["Float32Array", "float32"],
  ["Float64Array", "float64"],
  ["Float16Array", "float16"],
  ["BigInt64Array", "int64"],
  ["BigUint64Array", "uint64"],
  ["Int32Array", "int32"],
  ["Uint32Array", "uint32"],
  ["Int16Array", "int16"],
  ["Uint16Array", "uint16"],
  ["Int8Array", "int8"],
]);

/** Reads what `source` and its layout say, without a copy; throws where they contradict each other. */
export function storedArray(source: ArraySource, layout: ArrayLayout): StoredArray {
  checkChoice("byteOrder", layout.byteOrder, ["little", "big"]);
  if (Array.isArray(source)) {
    checkOwnLayout(layout, "the lists");
    return whole(nested(source));
  }
  if (ArrayBuffer.isView(source)) {
    const tag = (source as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag];
    const type = tags.get(tag ?? "");
    if (type !== undefined) return whole(typed(type, source as TypedArrays[DataType], layout));
    return fromBytes(source.buffer, source.byteOffset, source.byteLength, layout);
  }
  if (source instanceof ArrayBuffer) return fromBytes(source, 0, source.byteLength, layout);
  if (typeof source !== "object" || source === null || !("type" in source) || !("dims" in source)) {
    throw invalidArgument("source", "a tensor, a typed array, bytes or nested lists of numbers", source);
  }
  checkOwnLayout(layout, "the tensor");
  const { type, data, dims } = source;
  return whole(tensor<DataType>(type, data as never, dims));
}

function checkOwnLayout(layout: ArrayLayout, owner: string): void {
  for (const name of ["dims", "type", "byteOrder", "byteOffset"] as const) {
    if (layout[name] !== undefined)
      throw new InvalidArgumentError(name, `${name}: leave it out, because ${owner} already have it`);
  }
}

const whole = ({ type, dims, data }: Tensor): StoredArray => ({
  type,
  dims,
  data,
  bytes: () => bytesOf(data.buffer, data.byteOffset, data.byteLength),
  swapped: false,
});

function typed(type: DataType, data: TypedArrays[DataType], layout: ArrayLayout): Tensor {
  for (const name of ["byteOrder", "byteOffset"] as const) {
    if (layout[name] !== undefined)
      throw new InvalidArgumentError(name, `${name}: only for bytes, such as a Buffer; got ${type}`);
  }
  const { type: wanted = type } = layout;
  const bits = type === "uint16" && wanted === "float16";
  if (wanted !== type && !bits) throw invalidArgument("type", `${type}, the array's own, or bytes`, wanted);
  return tensor<DataType>(
    wanted,
    wanted === "float16" ? float16Bits(data as Uint16Array) : data,
    dimsOf(layout),
  );
}

function dimsOf({ dims }: ArrayLayout): readonly number[] {
  if (dims === undefined)
    throw new InvalidArgumentError(
      "dims",
      "dims: required for typed arrays and bytes, such as [height, width, 3]",
    );
  return dims;
}

function fromBytes(buffer: ArrayBufferLike, start: number, length: number, layout: ArrayLayout): StoredArray {
  const { type = "uint8", byteOrder = "little", byteOffset = 0 } = layout;
  const Elements = Object.hasOwn(arrayTypes, type) ? arrayTypes[type] : undefined;
  if (Elements === undefined) {
    throw invalidArgument("type", `one of ${Object.keys(arrayTypes).join(", ")}`, type);
  }
  if (!Number.isInteger(byteOffset) || byteOffset < 0 || byteOffset > length) {
    throw invalidArgument("byteOffset", `an integer from 0 to ${length}`, byteOffset);
  }
  const dims = dimsOf(layout);
  const count = elementCount(dims);
  const size = Elements.BYTES_PER_ELEMENT;
  if (length - byteOffset !== count * size) {
    const expected = `${count * size} bytes for dims [${dims.join(", ")}] of ${type}`;
    throw invalidArgument(
      "source",
      byteOffset === 0 ? expected : `${expected} from byteOffset on`,
      length - byteOffset,
    );
  }
  const at = start + byteOffset;
  const swapped = byteOrder === "big" && size > 1;
  const data = swapped || at % size !== 0 ? undefined : new Elements(buffer as ArrayBuffer, at, count);
  return { type, dims, data, bytes: () => bytesOf(buffer, at, count * size), swapped };
}

function bytesOf(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array {
  if (length > mostBytes) throw invalidArgument("source", `at most ${mostBytes} bytes to convert`, length);
  return new Uint8Array(buffer, offset, length);
}

/** Returns the numbers of nested lists as one array. */
function nested(source: NestedNumbers): Tensor<"float64"> {
  const dims: number[] = [];
  for (let list: unknown = source; Array.isArray(list); list = list[0]) {
    dims.push(list.length);
    if (dims.length > 5) throw invalidArgument("source", "lists nested at most 5 deep", "deeper ones");
  }
  const data = new Float64Array(elementCount(dims));
  let at = 0;
  const fill = (value: unknown, axis: number, path: string): void => {
    if (axis === dims.length) {
      if (typeof value !== "number") throw invalidArgument(path, "a number", value);
      data[at++] = value;
    } else if (!Array.isArray(value) || value.length !== dims[axis]) {
      throw invalidArgument(path, `a list of ${dims[axis]}`, Array.isArray(value) ? value.length : value);
    } else for (let i = 0; i < value.length; i++) fill(value[i], axis + 1, `${path}[${i}]`);
  };
  fill(source, 0, "source");
  return { type: "float64", dims, data };
}

/** Returns stored dims with the batch axis in front. */
export function batched(dims: readonly number[], batch: boolean | undefined): readonly number[] {
  return batch ? dims : [1, ...dims];
}

/** Throws unless `dims`, with a batch, have `other` axes and 1 to 3 spatial ones, none of them empty. */
export function checkAxes(dims: readonly number[], other: number): void {
  const spatial = dims.length - other;
  if (spatial < 1 || spatial > 3)
    throw invalidArgument("dims", `1 to 3 spatial axes beside batch and channels`, `[${dims.join(", ")}]`);
  if (dims.some((size) => size < 1)) throw invalidArgument("dims", "positive sizes", dims);
}
