import {
  checkOptions,
  checkSignal,
  type DataType,
  invalidArgument,
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
import { type ByteSource, pieces } from "./regular-file.js";
import { Checksum, checksumKey, noChecksum, writeChecksum } from "./safetensors-checksum.js";
import { atOnce, byTurns, type Steps, untilAborted } from "./turns.js";
import { checkFileSize, checkWritable } from "./writable.js";

// The order is that of writing: wide types first.
const kinds: Readonly<Record<string, Element>> = {
  F64: elements.float64,
  I64: elements.int64,
  U64: elements.uint64,
  F32: elements.float32,
  I32: elements.int32,
  U32: elements.uint32,
  F16: elements.float16,
  I16: elements.int16,
  U16: elements.uint16,
  I8: elements.int8,
  U8: elements.uint8,
  BOOL: elements.bool,
};
const names: ReadonlyMap<string, string> = new Map(
  Object.entries(kinds).map(([name, { type }]) => [type, name]),
);

/** The content of a .safetensors file: named arrays and a map of strings. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** True after reading a file whose checksum matches its bytes; absent if the file has no checksum. */
  readonly verified?: true;
}

export interface SafetensorsOptions {
  /** Whether to add the SHA-256 of the file to its metadata; the readers here verify it, others ignore it. */
  readonly checksum?: boolean;
}

/**
 * Yields the bytes of a .safetensors file in pieces, tensor data not copied. Wide types come first so that
 * all data is aligned, then names in code-unit order: the same content gives the same bytes. Throws
 * `InvalidArgumentError` for content that `decodeSafetensors` would refuse.
 */
export function encodeSafetensors(content: Safetensors, options: SafetensorsOptions = {}): Uint8Array[] {
  return atOnce(encodeSteps(content, options));
}

function* encodeSteps(content: Safetensors, options: SafetensorsOptions): Steps<Uint8Array[]> {
  const entries = Object.entries(content.tensors).map(([name, tensor]) => {
    if (name === "__metadata__") throw invalidArgument("tensors", "names other than __metadata__", name);
    checkWritable(`tensors.${name}`, tensor);
    const dtype = names.get(tensor.type)!;
    return { name, tensor, dtype, bytes: kinds[dtype]!.bytes };
  });
  entries.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  const header: [string, unknown][] = [];
  const metadata = Object.entries(content.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (metadata.some(([key]) => key === checksumKey))
    throw invalidArgument("metadata", `keys other than ${checksumKey}`, checksumKey);
  if (options.checksum) metadata.push([checksumKey, noChecksum]);
  if (metadata.length > 0) header.push(["__metadata__", Object.fromEntries(metadata)]);
  let end = 0;
  for (const { name, tensor, dtype } of entries) {
    const start = end;
    end += tensor.data.byteLength;
    header.push([name, { dtype, shape: tensor.dims, data_offsets: [start, end] }]);
  }
  // The header is joined by hand: an object would move names that look like numbers to the front.
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const text = Buffer.from(json, "utf8");
  const length = Math.ceil(text.length / 8) * 8;
  if (length > defaultLimits.maxIndex)
    throw invalidArgument("tensors", `names and metadata of at most ${defaultLimits.maxIndex} bytes`, length);
  checkFileSize("tensors", 8 + length + end);
  const head = Buffer.alloc(8 + length, " ");
  head.writeBigUInt64LE(BigInt(length));
  text.copy(head, 8);
  const data = entries.flatMap(({ tensor }) => [...pieces(tensor.data)]);
  if (options.checksum) yield* writeChecksum(head, data);
  return [head, ...data];
}

export interface WriteSafetensorsOptions extends SafetensorsOptions, SignalOption {}

const writeNames = optionNames<WriteSafetensorsOptions>({ checksum: true, signal: true });

/**
 * Writes a .safetensors file atomically. Throws before writing content that `readSafetensors` would refuse.
 */
export async function writeSafetensors(
  path: string,
  content: Safetensors,
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  checkOptions("options", options, writeNames);
  const { signal } = options;
  checkSignal(signal);
  const parts = await byTurns(encodeSteps(content, options), signal);
  await writeFileAtomic(path, untilAborted(parts, signal));
}

/** Makes the error of a file at a key. */
export type Fail = (key: string | undefined, what: string) => FormatError;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the length of the file's head: 8 bytes, which hold the header's length, and the header. */
function headLength(first: Uint8Array, size: number, limits: Limits, fail: Fail): number {
  if (first.length < 8) throw fail(undefined, "not a safetensors file: shorter than 8 bytes");
  const length = Buffer.from(first.buffer, first.byteOffset).readBigUInt64LE(0);
  if (length > BigInt(limits.maxIndex))
    throw overLimit(fail(undefined, `header of ${length} bytes exceeds the limit of ${limits.maxIndex}`));
  const start = 8 + Number(length);
  if (start > size) throw fail(undefined, "truncated header");
  return start;
}

function parseHeader(head: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(head.subarray(8)));
  } catch {
    throw fail(undefined, "the header is not JSON");
  }
  if (!isRecord(header)) throw fail(undefined, "the header is not an object");
  return header;
}

export interface Slot {
  readonly name: string;
  readonly kind: Element;
  readonly shape: readonly number[];
  readonly count: number;
  readonly begin: number;
  readonly end: number;
}

function parseSlot(name: string, value: unknown, limits: Limits, fail: Fail): Slot {
  if (!isRecord(value)) throw fail(name, "expected an object");
  const { dtype, shape, data_offsets: offsets } = value;
  const kind = typeof dtype === "string" && Object.hasOwn(kinds, dtype) ? kinds[dtype] : undefined;
  if (!kind) throw fail(name, `unsupported dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size)))
    throw fail(name, "malformed shape");
  const count = boundedCount(shape, limits);
  if (typeof count === "string") {
    const fault = fail(name, count);
    throw shape.some((size) => size < 0) ? fault : overLimit(fault);
  }
  if (
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every((at) => Number.isSafeInteger(at) && at >= 0)
  ) {
    throw fail(name, "malformed data_offsets");
  }
  const [begin, end] = offsets as [number, number];
  if (end - begin !== count * kind.bytes) {
    throw fail(name, `shape [${shape}] of ${dtype} needs ${count * kind.bytes} bytes, got ${end - begin}`);
  }
  return { name, kind, shape, count, begin, end };
}

export interface Index {
  /** The slots, in the order of their data. */
  readonly slots: readonly Slot[];
  readonly metadata: Readonly<Record<string, string>>;
  /** The SHA-256 that the file should have. */
  readonly expected: string | undefined;
}

/** Parses the head of a file of `size` bytes; the data must fill the rest without holes or overlaps. */
function parseIndex(head: Uint8Array, size: number, limits: Limits, fail: Fail): Index {
  const { __metadata__: stored = {}, ...rest } = parseHeader(head, fail);
  if (!isRecord(stored) || !Object.values(stored).every((value) => typeof value === "string"))
    throw fail("__metadata__", "expected a map of strings");
  const { [checksumKey]: expected, ...metadata } = stored as Record<string, string>;
  const slots = Object.entries(rest).map(([name, value]) => parseSlot(name, value, limits, fail));
  slots.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const slot of slots) {
    if (slot.begin !== end)
      throw fail(slot.name, `data starts at ${slot.begin}, expected ${end}: hole or overlap`);
    end = slot.end;
  }
  if (head.length + end !== size)
    throw fail(undefined, `data ends at ${head.length + end}, the file at ${size}`);
  return { slots, metadata: Object.assign(Object.create(null), metadata), expected };
}

const damaged = "is damaged: its bytes do not match their checksum; restore an intact copy";

/** Returns the content, its data verified if the file has a checksum. */
function* verified(
  head: Uint8Array,
  { slots, metadata, expected }: Index,
  tensors: Safetensors["tensors"],
  fail: Fail,
): Steps<Safetensors> {
  if (expected === undefined) return { tensors, metadata };
  const sum = new Checksum(head, expected);
  for (const { name } of slots) yield* sum.add(tensors[name]!.data);
  if (!sum.matches()) throw fail(undefined, damaged);
  return { tensors, metadata, verified: true };
}

/** Reads and parses the head of a file. */
export async function readHead(
  source: ByteSource,
  bounds: Limits,
  fail: Fail,
): Promise<{ head: Uint8Array; index: Index }> {
  const first = new Uint8Array(await source.read(0, Math.min(8, source.size)));
  const head = new Uint8Array(await source.read(0, headLength(first, source.size, bounds, fail)));
  return { head, index: parseIndex(head, source.size, bounds, fail) };
}

/** Decodes .safetensors bytes; data must fill the file without holes or overlaps. Throws FormatError. */
export function decodeSafetensors(data: Uint8Array, path: string, limits: Partial<Limits> = {}): Safetensors {
  const bounds = { ...defaultLimits, ...limits };
  const fail: Fail = (key, what) => new FormatError(path, key, what);
  const head = data.subarray(0, headLength(data.subarray(0, 8), data.length, bounds, fail));
  const index = parseIndex(head, data.length, bounds, fail);
  const tensors: Record<string, Tensor> = Object.create(null);
  for (const { name, kind, shape, count, begin } of index.slots) {
    const at = data.byteOffset + head.length + begin;
    const copy = at % kind.bytes === 0 ? undefined : data.buffer.slice(at, at + count * kind.bytes);
    const view = kind.view(copy ?? data.buffer, copy ? 0 : at, count);
    tensors[name] = tensor<DataType>(kind.type, view, shape);
  }
  return atOnce(verified(head, index, tensors, fail));
}

export interface ReadSafetensorsOptions extends Partial<Limits>, SourceName, SignalOption {}

const readNames = optionNames<ReadSafetensorsOptions>({ ...limitNames, source: true, signal: true });

/** Opens a source, reads its head and hands both to `use`. */
async function withHead<T>(
  source: FileSource,
  options: ReadSafetensorsOptions,
  use: (bytes: ByteSource, head: Uint8Array, index: Index, bounds: Limits, fail: Fail) => Promise<T>,
): Promise<T> {
  checkOptions("options", options, readNames);
  checkSignal(options.signal);
  const { source: name, ...limits } = options;
  const bounds = { ...defaultLimits, ...limits };
  return withSource(source, name, bounds, async ({ path, bytes }) => {
    const fail: Fail = (key, what) => new FormatError(path, key, what);
    const { head, index } = await readHead(bytes, bounds, fail);
    return use(bytes, head, index, bounds, fail);
  });
}

/**
 * Reads a .safetensors file (see decodeSafetensors), from a path or from bytes; every array has a buffer of
 * its own. Throws FormatError.
 */
export function readSafetensors(
  source: FileSource,
  options: ReadSafetensorsOptions = {},
): Promise<Safetensors> {
  return withHead(source, options, async (bytes, head, index, _, fail) => {
    const tensors: Record<string, Tensor> = Object.create(null);
    for (const { name, kind, shape, count, begin, end } of index.slots) {
      const buffer = await bytes.read(head.length + begin, end - begin);
      tensors[name] = tensor<DataType>(kind.type, kind.view(buffer, 0, count), shape);
    }
    return byTurns(verified(head, index, tensors, fail), options.signal);
  });
}

/**
 * Reads a .safetensors file and its checksum, if it has one, without keeping its data. Throws FormatError.
 */
export function verifySafetensors(source: FileSource, options: ReadSafetensorsOptions = {}): Promise<void> {
  return withHead(source, options, async (bytes, head, { expected }, { readSize }, fail) => {
    const { signal } = options;
    if (expected === undefined) return;
    const sum = new Checksum(head, expected);
    const step = Math.min(readSize, 2 ** 24);
    for (let at = head.length; at < bytes.size; at += step)
      await byTurns(sum.add(new Uint8Array(await bytes.read(at, Math.min(step, bytes.size - at)))), signal);
    if (!sum.matches()) throw fail(undefined, damaged);
  });
}
