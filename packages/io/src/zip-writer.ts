import { createDeflateRaw } from "node:zlib";
import { crc32Sync } from "@pixelcal/core";
import { pieces } from "./regular-file.js";
import { byTurns, stepBytes } from "./turns.js";

/** A file of an archive: its name, its bytes in pieces, and their number. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Returns the pieces from the first on, at every call. */
  readonly parts: () => Iterable<Uint8Array>;
}

/** Longer files are packed while they are written, and their sizes follow them. */
const longestWhole = 2 ** 29;
const largest32 = 0xffffffff;

/** The bytes of a step of checksums, of which a processor adds up many in a millisecond. */
const crcBytes = 4 * stepBytes;

const utf8 = 1 << 11;
const sizesFollow = 1 << 3;
/** Version 6.3 of the specification, on Unix. */
const madeBy = (3 << 8) | 63;
/** The mode -rw-rw-r-- of a regular file. */
const attributes = (0o100664 << 16) >>> 0;
/** The first of January 1980, the earliest date there is: the same files give the same bytes. */
const date = 0x21;

/** An entry that was written. */
interface Written {
  readonly name: Buffer;
  readonly flags: number;
  readonly method: number;
  readonly offset: number;
  readonly size: number;
  packed: number;
  crc: number;
}

/**
 * Yields a ZIP archive in pieces: deflated at `level`, or stored at level 0. zlib works on Node's thread
 * pool, and checksums are made in steps, so that the event loop goes on. Files of `longest` bytes and more
 * are packed while they are written.
 */
export async function* zipPieces(
  entries: readonly ZipEntry[],
  level: number,
  longest: number = longestWhole,
): AsyncGenerator<Uint8Array> {
  const written: Written[] = [];
  let at = 0;
  for (const entry of entries) {
    const held = entry.size < longest;
    const record: Written = {
      name: Buffer.from(entry.name),
      flags: utf8 | (held ? 0 : sizesFollow),
      method: level > 0 ? 8 : 0,
      offset: at,
      size: entry.size,
      packed: 0,
      crc: 0,
    };
    const body = level > 0 ? deflated(entry, level, record) : stored(entry, record);
    if (held) {
      const parts: Uint8Array[] = [];
      for await (const part of body) parts.push(part);
      yield localHeader(record);
      yield* parts;
    } else {
      yield localHeader(record);
      yield* body;
      yield descriptor(record);
    }
    at += 30 + record.name.length + record.packed + (held ? 0 : needs64(record) ? 24 : 16);
    written.push(record);
  }
  const records = written.map(centralRecord);
  yield* records;
  yield endRecord(
    written.length,
    at,
    records.reduce((sum, { length }) => sum + length, 0),
  );
}

/** Yields an entry's bytes and notes their checksum and number. */
async function* stored({ parts }: ZipEntry, record: Written): AsyncGenerator<Uint8Array> {
  for (const part of parts()) {
    for (const piece of pieces(part, longestWhole)) {
      record.crc = await byTurns(crcSteps(piece, record.crc));
      record.packed += piece.length;
      yield piece;
    }
  }
}

async function* deflated({ parts }: ZipEntry, level: number, record: Written): AsyncGenerator<Uint8Array> {
  const stream = createDeflateRaw({ level, chunkSize: stepBytes });
  const feed = async (): Promise<void> => {
    for (const part of parts()) {
      for (const piece of pieces(part, stepBytes)) {
        record.crc = crc32Sync(piece, record.crc);
        await new Promise<void>((resolve, reject) => {
          stream.write(piece, (error) => (error ? reject(error) : resolve()));
        });
        if (stream.destroyed) return;
      }
    }
    stream.end();
  };
  // A failed write fails the stream, and the loop below throws its error. A reader that stops early destroys
  // it, and the write under way then fails too.
  feed().catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
  for await (const chunk of stream) {
    const bytes = chunk as Buffer;
    record.packed += bytes.length;
    yield bytes;
  }
}

/** Continues a CRC-32 over bytes of any length. */
export function* crcSteps(view: ArrayBufferView, start = 0): Generator<void, number> {
  let sum = start;
  let first = true;
  for (const piece of pieces(view, crcBytes)) {
    if (!first) yield;
    first = false;
    sum = crc32Sync(piece, sum);
  }
  return sum;
}

const needs64 = ({ size, packed, offset }: Written): boolean =>
  size >= largest32 || packed >= largest32 || offset >= largest32;

function localHeader({ name, flags, method, crc, packed, size }: Written): Buffer {
  const known = (flags & sizesFollow) === 0;
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  writeCommon(head, 6, flags, method, known ? [crc, packed, size] : [0, 0, 0], name.length);
  return Buffer.concat([head, name]);
}

/** Writes the fields that local headers and central records share, from the flags to the name's length. */
function writeCommon(
  head: Buffer,
  at: number,
  flags: number,
  method: number,
  [crc, packed, size]: readonly [number, number, number],
  name: number,
): void {
  head.writeUInt16LE(flags, at);
  head.writeUInt16LE(method, at + 2);
  head.writeUInt16LE(date, at + 6);
  head.writeUInt32LE(crc, at + 8);
  head.writeUInt32LE(packed, at + 12);
  head.writeUInt32LE(size, at + 16);
  head.writeUInt16LE(name, at + 20);
}

/** Returns the checksum and sizes behind an entry that was packed while it was written. */
function descriptor(record: Written): Buffer {
  const { crc, packed, size } = record;
  const wide = needs64(record);
  const bytes = Buffer.alloc(wide ? 24 : 16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  if (wide) {
    bytes.writeBigUInt64LE(BigInt(packed), 8);
    bytes.writeBigUInt64LE(BigInt(size), 16);
  } else {
    bytes.writeUInt32LE(packed, 8);
    bytes.writeUInt32LE(size, 12);
  }
  return bytes;
}

function centralRecord(record: Written): Buffer {
  const { name, flags, method, crc, packed, size, offset } = record;
  const wide = needs64(record);
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(madeBy, 4);
  head.writeUInt16LE(wide ? 45 : 20, 6);
  const sizes = wide ? ([crc, largest32, largest32] as const) : ([crc, packed, size] as const);
  writeCommon(head, 8, flags, method, sizes, name.length);
  head.writeUInt32LE(attributes, 38);
  head.writeUInt32LE(wide ? largest32 : offset, 42);
  if (!wide) return Buffer.concat([head, name]);
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  [size, packed, offset].forEach((value, i) => void extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i));
  head.writeUInt16LE(extra.length, 30);
  return Buffer.concat([head, name, extra]);
}

/** Returns the end of an archive whose index of `length` bytes starts at `start`. */
function endRecord(entries: number, start: number, length: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries, 0xffff), 8);
  end.writeUInt16LE(Math.min(entries, 0xffff), 10);
  end.writeUInt32LE(Math.min(length, largest32), 12);
  end.writeUInt32LE(Math.min(start, largest32), 16);
  if (entries < 0xffff && length < largest32 && start < largest32) return end;
  const wide = Buffer.alloc(56 + 20);
  wide.writeUInt32LE(0x06064b50, 0);
  wide.writeBigUInt64LE(44n, 4);
  wide.writeUInt16LE(madeBy, 12);
  wide.writeUInt16LE(45, 14);
  [entries, entries, length, start].forEach(
    (value, i) => void wide.writeBigUInt64LE(BigInt(value), 24 + 8 * i),
  );
  wide.writeUInt32LE(0x07064b50, 56);
  wide.writeBigUInt64LE(BigInt(start + length), 64);
  wide.writeUInt32LE(1, 72);
  return Buffer.concat([wide, end]);
}
