import { readFile } from "node:fs/promises";
import type { Tensor } from "@pixelcal/core";
import { type Element, elements } from "./element.js";
import { FormatError, fileError } from "./errors.js";
import { writeFileAtomic } from "./file.js";
import { boundedCount, defaultLimits, type Limits } from "./limits.js";
import { parseNpyHeader } from "./npy-header.js";
import { fromFortranOrder, swapBytes } from "./reorder.js";

// NumPy's type letter and width -> our element type.
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

/** Where the bytes come from, for messages. */
export interface Source {
  readonly path: string;
  readonly key?: string;
}

/**
 * Decodes one NPY array (versions 1-3, either byte order, either memory order; object and structured arrays are refused).
 * The tensor is a view of `bytes` where alignment and order allow. Throws FormatError.
 */
export function decodeNpy(bytes: Uint8Array, source: Source, limits: Partial<Limits> = {}): Tensor {
  const bounds = { ...defaultLimits, ...limits };
  const fail = (what: string): FormatError => new FormatError(source.path, source.key, what);
  const header = parseNpyHeader(bytes, bounds.maxHeader, fail);
  const kind = kinds[header.letter];
  if (!kind) throw fail(`unsupported element type "${header.descr}"`);
  const count = boundedCount(header.shape, bounds);
  if (typeof count === "string") throw fail(count);
  const declared = count * kind.bytes;
  const available = bytes.length - header.end;
  if (declared !== available) {
    throw fail(`shape [${header.shape}] of ${kind.type} needs ${declared} bytes, found ${available}`);
  }
  const aligned = (bytes.byteOffset + header.end) % kind.bytes === 0;
  const view = bytes.subarray(header.end);
  // Small buffers are slices of Node's shared pool, which a tensor that may be transferred to a worker must not hold.
  const owned = !aligned || header.bigEndian || declared < 8192 ? new Uint8Array(view) : view;
  if (header.bigEndian) swapBytes(owned, kind.bytes);
  const flat = kind.view(owned.buffer, owned.byteOffset, count);
  const data = header.fortran ? fromFortranOrder(flat, header.shape) : flat;
  return { type: kind.type, dims: header.shape, data };
}

/** NPY version 1 bytes of a tensor: the header, then a view of its data (not copied). Same tensor, same bytes. */
export function encodeNpy(tensor: Tensor): readonly [Uint8Array, Uint8Array] {
  const letter = letters.get(tensor.type)!;
  const descr = (letter.endsWith("1") ? "|" : "<") + letter;
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  // Padded so that the data starts at a multiple of 64, as NumPy does: readers may map the file.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(length - 11)}\n`, "latin1");
  header.writeUInt16LE(length - 10, 8);
  const { buffer, byteOffset, byteLength } = tensor.data;
  return [header, new Uint8Array(buffer, byteOffset, byteLength)];
}

/** Reads one .npy file. Throws FormatError. */
export async function readNpy(path: string, limits: Partial<Limits> = {}): Promise<Tensor> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw fileError(path, error);
  }
  return decodeNpy(bytes, { path }, limits);
}

/** Writes one .npy file, atomically. */
export async function writeNpy(path: string, tensor: Tensor): Promise<void> {
  await writeFileAtomic(path, encodeNpy(tensor));
}
