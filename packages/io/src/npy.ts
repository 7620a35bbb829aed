import {
  checkOptions,
  checkSignal,
  type DataType,
  optionNames,
  type SignalOption,
  type Tensor,
  tensor,
} from "@pixelcal/core";
import { type FileSource, type SourceName, withSource } from "./byte-source.js";
import { type Element, elements } from "./element.js";
import { FormatError, overLimit } from "./errors.js";
import { writeFileAtomic } from "./file.js";
import { boundedCount, defaultLimits, type Limits, limitNames } from "./limits.js";
import { parseNpyHeader } from "./npy-header.js";
import { pieces } from "./regular-file.js";
import { fromFortranOrder, swapBytes } from "./reorder.js";
import { atOnce, byTurns, type Steps, stepBytes, untilAborted } from "./turns.js";
import { checkFileSize, checkWritable } from "./writable.js";

// Maps NumPy's type letter and width to an element type.
const kinds: Readonly<Record<string, Element>> = {
  f2: elements.float16,
  f4: elements.float32,
  f8: elements.float64,
  i1: elements.int8,
  i2: elements.int16,
  i4: elements.int32,
  i8: elements.int64,
  u1: elements.uint8,
  u2: elements.uint16,
  u4: elements.uint32,
  u8: elements.uint64,
  b1: elements.bool,
};

const letters: ReadonlyMap<string, string> = new Map(
  Object.entries(kinds).map(([letter, { type }]) => [type, letter]),
);

/** The origin of the bytes, for messages. */
export interface Source {
  readonly path: string;
  readonly key?: string;
}

/**
 * Decodes one NPY array (versions 1 to 3, either byte order, either memory order; object and structured
 * arrays are refused). The tensor is a view of `bytes` where alignment and order allow. Throws FormatError.
 */
export function decodeNpy(bytes: Uint8Array, source: Source, limits: Partial<Limits> = {}): Tensor {
  const { buffer, byteOffset, byteLength } = bytes;
  return decodeNpyAt(buffer, byteOffset, byteLength, source, limits);
}

/** Decodes the NPY array in `length` bytes of a buffer, which may be longer than a typed array can be. */
function decodeNpyAt(
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
  source: Source,
  limits: Partial<Limits> = {},
): Tensor {
  return atOnce(npySteps(buffer, offset, length, source, { ...defaultLimits, ...limits }));
}

/** Does the work of {@link decodeNpyAt}. */
export function* npySteps(
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
  source: Source,
  bounds: Limits,
): Steps<Tensor> {
  const head = new Uint8Array(buffer, offset, Math.min(length, longestHead + bounds.maxHeader));
  const layout = layoutOf(head, length, source, bounds);
  const { kind, end, declared } = layout;
  const aligned = (offset + end) % kind.bytes === 0;
  // Small buffers are slices of Node's shared pool, which a tensor that may be transferred to a worker must
  // not hold.
  if (aligned && !layout.bigEndian && declared >= 8192) return yield* tensorOf(layout, buffer, offset + end);
  const copy = new ArrayBuffer(declared);
  let at = 0;
  for (const piece of pieces(new DataView(buffer, offset + end, declared), stepBytes)) {
    if (at > 0) yield;
    new Uint8Array(copy, at, piece.length).set(piece);
    at += piece.length;
  }
  return yield* tensorOf(layout, copy, 0);
}

/** The number of bytes before the header's text, at most. */
const longestHead = 12;

interface Layout {
  readonly kind: Element;
  readonly shape: readonly number[];
  readonly count: number;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  /** The offset of the data. */
  readonly end: number;
  /** The size of the data in bytes. */
  readonly declared: number;
}

/** Returns the layout of the data of an array of `size` bytes, header included, from its first bytes. */
function layoutOf(head: Uint8Array, size: number, source: Source, bounds: Limits): Layout {
  const fail = (what: string): FormatError => new FormatError(source.path, source.key, what);
  const { letter, descr, shape, bigEndian, fortran, end } = parseNpyHeader(head, bounds.maxHeader, fail);
  const kind = Object.hasOwn(kinds, letter) ? kinds[letter] : undefined;
  if (!kind) throw fail(`unsupported element type "${descr}"`);
  const count = boundedCount(shape, bounds);
  if (typeof count === "string") throw overLimit(fail(count));
  const declared = count * kind.bytes;
  if (declared !== size - end)
    throw fail(`shape [${shape}] of ${kind.type} needs ${declared} bytes, found ${size - end}`);
  return { kind, shape, count, bigEndian, fortran, end, declared };
}

/** Returns the tensor of the data in a buffer; swaps bytes in place if their order requires it. */
function* tensorOf(layout: Layout, buffer: ArrayBufferLike, offset: number): Steps<Tensor> {
  const { kind, shape, count } = layout;
  if (layout.bigEndian)
    for (const piece of pieces(new DataView(buffer, offset, layout.declared), stepBytes)) {
      swapBytes(piece, kind.bytes);
      yield;
    }
  const flat = kind.view(buffer, offset, count);
  const data = layout.fortran ? yield* fromFortranOrder(flat, shape) : flat;
  return tensor<DataType>(kind.type, data, shape);
}

/**
 * Returns a tensor as NPY version 1: the header, then a view of its data (not copied). Equal tensors give
 * equal bytes.
 */
export function encodeNpy(tensor: Tensor): readonly [Uint8Array, Uint8Array] {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return [npyHead(tensor), new Uint8Array(buffer, byteOffset, byteLength)];
}

/** Returns the header of a tensor's NPY file. */
export function npyHead(tensor: Tensor): Uint8Array {
  checkWritable("tensor", tensor);
  const letter = letters.get(tensor.type)!;
  const descr = (letter.endsWith("1") ? "|" : "<") + letter;
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  // As in NumPy, padding makes the data start at a multiple of 64, so that readers may map the file.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(length - 11)}\n`, "latin1");
  header.writeUInt16LE(length - 10, 8);
  return header;
}

/** Yields the bytes of `encodeNpy` in pieces; the data may have any length. */
function* npyPieces(tensor: Tensor): Generator<Uint8Array> {
  yield npyHead(tensor);
  yield* pieces(tensor.data);
}

export interface ReadNpyOptions extends Partial<Limits>, SourceName, SignalOption {}

const readNames = optionNames<ReadNpyOptions>({ ...limitNames, source: true, signal: true });
const writeNames = optionNames<SignalOption>({ signal: true });

/**
 * Reads one .npy file, from a path or from bytes, comparing its header with the file's size before reading
 * the data. Throws FormatError.
 */
export async function readNpy(source: FileSource, options: ReadNpyOptions = {}): Promise<Tensor> {
  checkOptions("options", options, readNames);
  checkSignal(options.signal);
  const { source: name, ...limits } = options;
  const bounds = { ...defaultLimits, ...limits };
  return withSource(source, name, bounds, async ({ path, bytes }) => {
    const head = await bytes.read(0, Math.min(bytes.size, longestHead + bounds.maxHeader));
    const layout = layoutOf(new Uint8Array(head), bytes.size, { path }, bounds);
    return byTurns(tensorOf(layout, await bytes.read(layout.end, layout.declared), 0), bounds.signal);
  });
}

/** Writes one .npy file atomically. Throws before writing a tensor that `readNpy` would refuse. */
export async function writeNpy(path: string, tensor: Tensor, options: SignalOption = {}): Promise<void> {
  checkOptions("options", options, writeNames);
  checkSignal(options.signal);
  checkFileSize("tensor", tensor.data.byteLength + 128);
  await writeFileAtomic(path, untilAborted(npyPieces(tensor), options.signal));
}
