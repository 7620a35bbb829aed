import type { DataType, Tensor, TypedArrays } from "@pixelcal/core";

/** ONNX's number of each data type (TensorProto.DataType), as attributes such as Cast's `to` hold it. */
export const onnxTypes: { readonly [T in DataType]: number } = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** ONNX's number of bfloat16, which PixelCal has no arrays for. */
export const onnxBfloat16 = 16;

/** Returns the data type of ONNX's number; undefined for types that PixelCal has no arrays for. */
export function dataType(onnxType: number): DataType | undefined {
  return (Object.keys(onnxTypes) as DataType[]).find((type) => onnxTypes[type] === onnxType);
}

export const isFloat = (type: DataType): boolean => type.startsWith("float");

const arrays: { readonly [T in DataType]: { from(numbers: ArrayLike<number>): TypedArrays[T] } } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: { from: (numbers) => Uint16Array.from(numbers, toHalf) },
  int64: {
    from: (numbers) => wide(new BigInt64Array(numbers.length), numbers, [-(2n ** 63n), 2n ** 63n - 1n]),
  },
  uint64: { from: (numbers) => wide(new BigUint64Array(numbers.length), numbers, [0n, 2n ** 64n - 1n]) },
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: { from: (numbers) => Uint8Array.from(numbers, (value) => Number(value !== 0)) },
};

/** Makes a tensor of `type` from plain numbers; integers are truncated towards zero. */
export function fromNumbers<T extends DataType>(
  type: T,
  numbers: Iterable<number>,
  dims: readonly number[],
): Tensor<T> {
  const list = isList(numbers) ? numbers : [...numbers];
  return { type, dims, data: arrays[type].from(list) };
}

const isList = (numbers: Iterable<number>): numbers is Iterable<number> & ArrayLike<number> =>
  "length" in numbers;

/** Returns the elements as plain numbers, in memory order. */
export function toNumbers(tensor: Tensor): Float64Array {
  const data = tensor.data;
  // The memory as bits: on newer versions of Node the data of float16 may be a Float16Array.
  if (tensor.type === "float16")
    return Float64Array.from(new Uint16Array(data.buffer, data.byteOffset, data.length), fromHalf);
  if (data instanceof Float64Array) return data.slice();
  // A loop, as `from` takes ten times as long.
  const numbers = new Float64Array(data.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const words = new Uint32Array(data.buffer, data.byteOffset, 2 * data.length);
    const signed = data instanceof BigInt64Array;
    for (let i = 0; i < numbers.length; i++) {
      const high = words[2 * i + 1]!;
      numbers[i] = (signed ? high | 0 : high) * 2 ** 32 + words[2 * i]!;
    }
  } else for (let i = 0; i < numbers.length; i++) numbers[i] = data[i]!;
  return numbers;
}

/** Writes 64-bit integers as two words; a BigInt for each would take ten times as long. */
function wide<T extends BigInt64Array | BigUint64Array>(
  into: T,
  numbers: ArrayLike<number>,
  [lowest, highest]: readonly [bigint, bigint],
): T {
  const words = new Uint32Array(into.buffer);
  for (let at = 0; at < numbers.length; at++) {
    const value = numbers[at]!;
    const whole = Math.trunc(value);
    if (Number.isSafeInteger(whole) && (whole >= 0 || lowest < 0n)) {
      words[2 * at] = whole;
      words[2 * at + 1] = Math.floor(whole / 2 ** 32);
    } else into[at] = saturated(value, lowest, highest);
  }
  return into;
}

/**
 * Converts to a BigInt of 64 bits: ONNX's "to the end", 2^63 - 1, is 2^63 as a number and must not wrap
 * around.
 */
function saturated(value: number, lowest: bigint, highest: bigint): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= Number(highest)) return highest;
  return value <= Number(lowest) ? lowest : BigInt(Math.trunc(value));
}

function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds half to even, as IEEE 754 does. */
function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = size === 0 ? -14 : Math.max(Math.floor(Math.log2(size)), -14);
  const scaled = size / 2 ** (exponent - 10);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = floor + Number(rest > 0.5 || (rest === 0.5 && floor % 2 === 1));
  // The hidden bit carries into the exponent by itself, also when rounding reaches the next power of two.
  return sign | (rounded + (size < 2 ** -14 ? 0 : (exponent + 14) * 1024));
}
