import { bad, Cursor } from "./wire-cursor.js";

/**
 * Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding), driven by tables. A message
 * is decoded into an object with one property per field of its table; what the table does not know is
 * kept as bytes and written back.
 */
export interface Field {
  readonly name: string;
  readonly kind:
    | "int"
    | "float"
    | "string"
    | "bytes"
    | "ints"
    | "floats"
    | "doubles"
    | "strings"
    | "message"
    | "messages";
  /** The table of a "message" or "messages" field; a function where tables refer to each other. */
  readonly table?: () => Table;
  /** Whether numbers of a list are written as one block. */
  readonly packed?: boolean;
}
export type Table = Readonly<Record<number, Field>>;

/** Values by field name. Missing lists are undefined. */
export interface Message {
  readonly [field: string]: unknown;
  /** Fields that the table does not know, tag included. */
  readonly unknown?: readonly Uint8Array[];
}

const maxDepth = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });

const wireTypes: Readonly<Record<Field["kind"], number>> = {
  int: 0,
  ints: 0,
  float: 5,
  floats: 5,
  doubles: 1,
  string: 2,
  strings: 2,
  bytes: 2,
  message: 2,
  messages: 2,
};

/** A growing list of 64-bit integers, as pairs of words so that no bit is lost and no BigInt made. */
class Integers {
  #words = new Uint32Array(16);
  #length = 0;

  push(low: number, high: number): void {
    if (this.#length === this.#words.length) this.reserve(this.#length);
    this.#words[this.#length++] = low;
    this.#words[this.#length++] = high;
  }

  reserve(words: number): void {
    const larger = new Uint32Array(this.#length + Math.max(words, 16));
    larger.set(this.#words.subarray(0, this.#length));
    this.#words = larger;
  }

  take(): BigInt64Array {
    return new BigInt64Array(this.#words.buffer, 0, this.#length / 2);
  }
}

function readIntegers(cursor: Cursor, list: Integers, wire: number): void {
  if (wire === 0) {
    cursor.varint();
    list.push(cursor.low, cursor.high);
    return;
  }
  const [start, end] = cursor.block();
  // One number per byte below 128.
  let count = 0;
  for (let at = start; at < end; at++) if (cursor.bytes[at]! < 0x80) count++;
  list.reserve(2 * count);
  const inner = new Cursor(cursor.bytes, start, end);
  while (inner.at < end) {
    inner.varint();
    list.push(inner.low, inner.high);
  }
}

/** Reads one piece of a list of floats or doubles: a block, or a single number. */
function readFloats(cursor: Cursor, width: 4 | 8, wire: number): Uint8Array {
  const start = cursor.at;
  if (wire !== 2) {
    cursor.skip(width);
    return cursor.bytes.subarray(start, cursor.at);
  }
  const [from, to] = cursor.block();
  if ((to - from) % width !== 0) throw bad(start, "a block of numbers that is cut");
  return cursor.bytes.subarray(from, to);
}

function join(pieces: readonly Uint8Array[]): ArrayBuffer {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all.buffer;
}

function readText(bytes: Uint8Array, [start, end]: readonly [number, number]): string {
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch {
    throw bad(start, "text that is not UTF-8");
  }
}

/**
 * Decodes a message; byte fields are views of `bytes`. Throws GraphError where the
 * bytes are not the wire format.
 */
export function decode(table: Table, bytes: Uint8Array): Message {
  return decodeRange(table, bytes, 0, bytes.length, 0);
}

function decodeRange(table: Table, bytes: Uint8Array, from: number, end: number, depth: number): Message {
  if (depth > maxDepth) throw bad(from, `messages nested deeper than ${maxDepth}`);
  const cursor = new Cursor(bytes, from, end);
  const message: Record<string, unknown> = {};
  const integers = new Map<string, Integers>();
  const floats = new Map<Field, Uint8Array[]>();
  const unknown: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const listOf = <T>(name: string): T[] => (message[name] ??= []) as T[];
  while (cursor.at < end) {
    const start = cursor.at;
    cursor.varint();
    const wire = cursor.low & 7;
    const number = cursor.low >>> 3;
    if (cursor.high !== 0 || number === 0) throw bad(start, "a field without a number");
    const field = table[number];
    const list = field?.kind === "ints" || field?.kind === "floats" || field?.kind === "doubles";
    if (!field || (wireTypes[field.kind] !== wire && !(list && wire === 2))) {
      if (field) throw bad(start, `${field.name} of wire type ${wire}`);
      if (wire === 0) cursor.varint();
      else if (wire === 1) cursor.skip(8);
      else if (wire === 2) cursor.block();
      else if (wire === 5) cursor.skip(4);
      else throw bad(start, `wire type ${wire}`);
      // Neighbours are kept in one piece: each would cost more than its bytes.
      const last = unknown.at(-1);
      if (last !== undefined && last.byteOffset + last.length === bytes.byteOffset + start) {
        unknown[unknown.length - 1] = bytes.subarray(last.byteOffset - bytes.byteOffset, cursor.at);
      } else unknown.push(bytes.subarray(start, cursor.at));
      continue;
    }
    const { name, kind } = field;
    if (kind === "int") message[name] = cursor.int();
    else if (kind === "float") {
      cursor.skip(4);
      message[name] = view.getFloat32(cursor.at - 4, true);
    } else if (kind === "ints") {
      if (!integers.has(name)) integers.set(name, new Integers());
      readIntegers(cursor, integers.get(name)!, wire);
    } else if (kind === "floats" || kind === "doubles") {
      if (!floats.has(field)) floats.set(field, []);
      floats.get(field)!.push(readFloats(cursor, kind === "floats" ? 4 : 8, wire));
    } else {
      const block = cursor.block();
      if (kind === "string") message[name] = readText(bytes, block);
      else if (kind === "strings") listOf<string>(name).push(readText(bytes, block));
      else if (kind === "bytes") message[name] = bytes.subarray(...block);
      else {
        const child = decodeRange(field.table!(), bytes, ...block, depth + 1);
        if (kind === "messages") listOf<Message>(name).push(child);
        else message[name] = child;
      }
    }
  }
  for (const [name, list] of integers) message[name] = list.take();
  for (const [{ name, kind }, pieces] of floats) {
    const buffer = join(pieces);
    message[name] = kind === "floats" ? new Float32Array(buffer) : new Float64Array(buffer);
  }
  if (unknown.length > 0) message.unknown = unknown;
  return message;
}
