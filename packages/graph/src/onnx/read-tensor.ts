import type { DataType, Tensor, TypedArrays } from "@pixelcal/core";
import { dataType, onnxBfloat16 } from "../data-types.js";
import { GraphError, graphError } from "../errors.js";
import { sizeOf } from "../operators/spec.js";
import { type ExternalPlace, type ExternalReader, readExternal } from "./external-data.js";
import type { GraphProto, TensorProto } from "./onnx-proto.js";

export interface TensorOptions {
  readonly external: ExternalReader | undefined;
  /** Called for every 16-bit float tensor that was widened. */
  readonly widened: (name: string, from: "float16" | "bfloat16") => void;
}

type View = (buffer: ArrayBufferLike, offset: number, length: number) => TypedArrays[DataType];
const views: { readonly [T in DataType]: readonly [bytes: number, view: View] } = {
  float32: [4, (b, o, n) => new Float32Array(b, o, n)],
  float64: [8, (b, o, n) => new Float64Array(b, o, n)],
  float16: [2, (b, o, n) => new Uint16Array(b, o, n)],
  int64: [8, (b, o, n) => new BigInt64Array(b, o, n)],
  uint64: [8, (b, o, n) => new BigUint64Array(b, o, n)],
  int32: [4, (b, o, n) => new Int32Array(b, o, n)],
  uint32: [4, (b, o, n) => new Uint32Array(b, o, n)],
  int16: [2, (b, o, n) => new Int16Array(b, o, n)],
  uint16: [2, (b, o, n) => new Uint16Array(b, o, n)],
  int8: [1, (b, o, n) => new Int8Array(b, o, n)],
  uint8: [1, (b, o, n) => new Uint8Array(b, o, n)],
  bool: [1, (b, o, n) => new Uint8Array(b, o, n)],
};

/** Returns the elements of a list field; types of 32 bits and fewer use the low 32 bits. */
function fromIntegers(type: DataType, list: BigInt64Array): TypedArrays[DataType] {
  const [bytes, view] = views[type];
  if (bytes === 8) return view(list.buffer, list.byteOffset, list.length);
  const words = new Uint32Array(list.buffer, list.byteOffset, 2 * list.length);
  const data = view(new ArrayBuffer(bytes * list.length), 0, list.length) as Uint32Array;
  for (let i = 0; i < list.length; i++) data[i] = words[2 * i]!;
  return data;
}

function fromBytes(type: DataType, bytes: Uint8Array, count: number): TypedArrays[DataType] {
  const [width, view] = views[type];
  // Weights stay in the memory that the file was read into, unless they are not aligned there.
  const source = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return view(source.buffer, source.byteOffset, count);
}

function externalBytes(
  proto: TensorProto,
  where: string,
  read: ExternalReader | undefined,
  needed: number,
  wrongLength: (found: number) => GraphError,
): Uint8Array {
  if (!read)
    throw new GraphError(where, "its data lies in another file: give externalData, the model's folder");
  return readExternal(read, externalPlace(proto, where), needed, wrongLength);
}

type Entries = ReadonlyMap<string | undefined, string | undefined>;

const entriesOf = ({ externalData = [] }: TensorProto): Entries =>
  new Map(externalData.map(({ key, value }) => [key, value]));

/** Returns the place that `external_data` names. Throws GraphError naming `where`. */
export function externalPlace(proto: TensorProto, where: string): ExternalPlace {
  const entries = entriesOf(proto);
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw graphError(`${where}.${key}`, "a whole number", JSON.stringify(text));
    return Number(text);
  };
  return {
    location: entries.get("location") ?? "",
    offset: number("offset") ?? 0,
    length: number("length"),
    checksum: entries.get("checksum"),
  };
}

/** Yields the tensors that a graph and the graphs inside its nodes store. */
function* storedTensors({ initializers = [], nodes = [] }: GraphProto): Generator<TensorProto> {
  yield* initializers;
  for (const { t, g } of nodes.flatMap(({ attributes = [] }) => attributes)) {
    if (t !== undefined) yield t;
    if (g !== undefined) yield* storedTensors(g);
  }
}

/** Returns the files beside a model that hold tensors of its graph, each once. */
export function dataFiles(graph: GraphProto): readonly string[] {
  const outside = [...storedTensors(graph)].filter(({ dataLocation }) => dataLocation === 1);
  return [...new Set(outside.map((tensor) => entriesOf(tensor).get("location") ?? ""))];
}

function dimsOf(proto: TensorProto, where: string): number[] {
  const dims = Array.from(proto.dims ?? [], Number);
  if (dims.length > 16) throw graphError(where, "at most 16 dims", dims.length);
  let count = 1;
  for (const size of dims) {
    if (!(size >= 0 && size < 2 ** 33)) throw graphError(where, "dims from 0 to 2^33", dims);
    count *= size;
    if (count >= 2 ** 33) throw graphError(where, "fewer than 2^33 elements", dims);
  }
  return dims;
}

/**
 * Reads the tensor of an initializer or attribute; float16 and bfloat16 become float32. Throws GraphError
 * naming `where`.
 */
export function parseTensor(proto: TensorProto, where: string, options: TensorOptions): Tensor {
  const code = proto.dataType ?? 0;
  const type = code === onnxBfloat16 ? "float16" : dataType(code);
  if (type === undefined) throw graphError(where, "a tensor of numbers or booleans", `data type ${code}`);
  const dims = dimsOf(proto, where);
  const count = sizeOf(dims);
  const data = dataOf(proto, type, count, where, options.external);
  if (type !== "float16") return { type, dims, data } as Tensor;
  options.widened(where, code === onnxBfloat16 ? "bfloat16" : "float16");
  return {
    type: "float32",
    dims,
    data: code === onnxBfloat16 ? fromBfloat16(data as Uint16Array) : fromFloat16(data as Uint16Array),
  };
}

function dataOf(
  proto: TensorProto,
  type: DataType,
  count: number,
  where: string,
  external: ExternalReader | undefined,
): TypedArrays[DataType] {
  const needed = count * views[type][0];
  const wrongLength = (found: number): GraphError => graphError(where, `${needed} bytes of ${type}`, found);
  const bytes =
    proto.dataLocation === 1 ? externalBytes(proto, where, external, needed, wrongLength) : proto.rawData;
  if (bytes !== undefined) {
    if (bytes.length !== needed) throw wrongLength(bytes.length);
    return fromBytes(type, bytes, count);
  }
  const { floatData, doubleData, int32Data, int64Data, uint64Data } = proto;
  const integers =
    type === "int64" ? int64Data : type === "uint64" || type === "uint32" ? uint64Data : int32Data;
  const floats = type === "float32" ? floatData : type === "float64" ? doubleData : undefined;
  const length = (type === "float32" || type === "float64" ? floats : integers)?.length ?? 0;
  if (length !== count) throw graphError(where, `${count} elements of ${type}`, length);
  return floats ?? fromIntegers(type, integers ?? new BigInt64Array(0));
}

function fromBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** Widens exactly: the exponent is moved and re-based; the few other patterns go through arithmetic. */
function fromFloat16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) out[i] = (half & 0x8000 ? -1 : 1) * fraction * 2 ** -24;
    else words[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return out;
}
