import { readFile } from "node:fs/promises";
import { invalidArgument, type Tensor } from "@pixelcal/core";
import { type Element, elements } from "./element.js";
import { FormatError, fileError } from "./errors.js";
import { writeFileAtomic } from "./file.js";
import { boundedCount, defaultLimits, type Limits } from "./limits.js";

// In the order they are written: wide types first.
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
}

/**
 * The bytes of a .safetensors file in pieces, tensor data not copied. Wide types come first so that all data is aligned, then names in
 * code-unit order: the same content gives the same bytes.
 */
export function encodeSafetensors(content: Safetensors): Uint8Array[] {
  const entries = Object.entries(content.tensors).map(([name, tensor]) => {
    const dtype = names.get(tensor.type)!;
    if (name === "__metadata__") throw invalidArgument("tensors", "names other than __metadata__", name);
    return { name, tensor, dtype, bytes: kinds[dtype]!.bytes };
  });
  entries.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  const header: [string, unknown][] = [];
  const metadata = Object.entries(content.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (metadata.length > 0) header.push(["__metadata__", Object.fromEntries(metadata)]);
  let end = 0;
  for (const { name, tensor, dtype } of entries) {
    const start = end;
    end += tensor.data.byteLength;
    header.push([name, { dtype, shape: tensor.dims, data_offsets: [start, end] }]);
  }
  // Joined by hand: an object would move names that look like numbers to the front.
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const text = Buffer.from(json, "utf8");
  const length = Math.ceil(text.length / 8) * 8;
  const head = Buffer.alloc(8 + length, " ");
  head.writeBigUInt64LE(BigInt(length));
  text.copy(head, 8);
  const views = entries.map(
    ({ tensor: { data } }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return [head, ...views];
}

/** Writes a .safetensors file, atomically. */
export async function writeSafetensors(path: string, content: Safetensors): Promise<void> {
  await writeFileAtomic(path, encodeSafetensors(content));
}

type Fail = (key: string | undefined, what: string) => FormatError;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseHeader(
  bytes: Buffer,
  limits: Limits,
  fail: Fail,
): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw fail(undefined, "not a safetensors file: shorter than 8 bytes");
  const length = bytes.readBigUInt64LE(0);
  if (length > BigInt(limits.maxIndex))
    throw fail(undefined, `header of ${length} bytes exceeds the limit of ${limits.maxIndex}`);
  const start = 8 + Number(length);
  if (start > bytes.length) throw fail(undefined, "truncated header");
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch {
    throw fail(undefined, "the header is not JSON");
  }
  if (!isRecord(header)) throw fail(undefined, "the header is not an object");
  return { header, start };
}

interface Slot {
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
  if (typeof count === "string") throw fail(name, count);
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

/** Decodes .safetensors bytes; data must fill the file without holes or overlaps. Throws FormatError. */
export function decodeSafetensors(data: Uint8Array, path: string, limits: Partial<Limits> = {}): Safetensors {
  const bounds = { ...defaultLimits, ...limits };
  const fail: Fail = (key, what) => new FormatError(path, key, what);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const { header, start } = parseHeader(bytes, bounds, fail);
  const { __metadata__: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw fail("__metadata__", "expected a map of strings");
  }
  const slots = Object.entries(rest).map(([name, value]) => parseSlot(name, value, bounds, fail));
  slots.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const slot of slots) {
    if (slot.begin !== end)
      throw fail(slot.name, `data starts at ${slot.begin}, expected ${end}: hole or overlap`);
    end = slot.end;
  }
  if (start + end !== bytes.length)
    throw fail(undefined, `data ends at ${start + end}, the file at ${bytes.length}`);
  const tensors: Record<string, Tensor> = Object.create(null);
  for (const { name, kind, shape, count, begin } of slots) {
    const at = bytes.byteOffset + start + begin;
    const aligned = at % kind.bytes === 0;
    const length = count * kind.bytes;
    const copy = aligned ? undefined : bytes.buffer.slice(at, at + length);
    tensors[name] = {
      type: kind.type,
      dims: shape,
      data: kind.view(copy ?? bytes.buffer, copy ? 0 : at, count),
    };
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

/** Reads a .safetensors file (see decodeSafetensors). */
export async function readSafetensors(path: string, limits: Partial<Limits> = {}): Promise<Safetensors> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw fileError(path, error);
  }
  return decodeSafetensors(bytes, path, limits);
}
