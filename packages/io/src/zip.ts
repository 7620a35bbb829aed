import { promisify } from "node:util";
import { createInflateRaw, type InputType, inflateRaw, type ZlibOptions } from "node:zlib";
import { archiveIndex } from "./archive-index.js";
import type { BufferPool } from "./buffer-pool.js";
import type { OpenSource } from "./byte-source.js";
import { FormatError, fileError, overLimit } from "./errors.js";
import type { Limits } from "./limits.js";
import type { ArchiveEntry } from "./plain-index.js";
import type { ByteSource } from "./regular-file.js";
import { byTurns } from "./turns.js";
import { crcSteps } from "./zip-writer.js";

const inflate: (bytes: InputType, options: ZlibOptions) => Promise<Buffer> = promisify(inflateRaw);

const localHeader = { bytes: 30, signature: 0x04034b50, nameLength: 26, extraLength: 28 } as const;

/** Returns the offset of an entry's packed bytes, given its local header, which decides it. */
function startOf(head: DataView, source: ByteSource, entry: ArchiveEntry): number {
  const { relativeOffsetOfLocalHeader: at, compressedSize } = entry;
  if (head.getUint32(0, true) !== localHeader.signature) throw new Error("an entry has no local header");
  const names = head.getUint16(localHeader.nameLength, true) + head.getUint16(localHeader.extraLength, true);
  const start = at + localHeader.bytes + names;
  if (start + compressedSize > source.size) throw new Error("an entry ends past the end");
  return start;
}

async function dataStart(source: ByteSource, entry: ArchiveEntry): Promise<number> {
  const { relativeOffsetOfLocalHeader: at } = entry;
  if (at + localHeader.bytes > source.size) throw new Error("an entry lies past the end");
  return startOf(new DataView(await source.read(at, localHeader.bytes)), source, entry);
}

/** The length of the local extra field of the last entry; NumPy's have 20 bytes, ours none. */
let usualExtra = 0;

/**
 * Reads a stored entry and its local header at once, so that the data are aligned if the header has the
 * usual length. Returns undefined, and learns the length, if it has another.
 */
async function readStored(
  source: ByteSource,
  entry: ArchiveEntry,
  readSize: number,
  buffers: BufferPool | undefined,
): Promise<Unpacked | undefined> {
  const { relativeOffsetOfLocalHeader: at, compressedSize, fileName } = entry;
  const head = localHeader.bytes + Buffer.byteLength(fileName) + usualExtra;
  const length = head + compressedSize;
  if (length > readSize || at + length > source.size) return undefined;
  const pad = -head & 7;
  const buffer = buffers?.take(pad + length) ?? new ArrayBuffer(pad + length);
  await source.readInto(at, new Uint8Array(buffer, pad, length));
  const start = startOf(new DataView(buffer, pad, localHeader.bytes), source, entry);
  if (start === at + head) return { buffer, offset: pad + head };
  usualExtra = Math.max(0, usualExtra + start - at - head);
  buffers?.give(buffer);
  return undefined;
}

/** The bytes of an entry in a buffer. */
interface Unpacked {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
}

async function unpack(
  source: ByteSource,
  entry: ArchiveEntry,
  readSize: number,
  buffers: BufferPool | undefined,
): Promise<Unpacked> {
  const { compressedSize, uncompressedSize: size } = entry;
  const stored = entry.isCompressed() ? undefined : await readStored(source, entry, readSize, buffers);
  if (stored) return stored;
  const start = await dataStart(source, entry);
  const read = (): Promise<ArrayBuffer> => source.read(start, compressedSize, buffers?.take(compressedSize));
  if (!entry.isCompressed()) return { buffer: await read(), offset: 0 };
  if (Math.max(compressedSize, size) > readSize)
    return { buffer: await inflatePieces(source, start, entry, readSize), offset: 0 };
  // One call on the thread pool, with one output chunk just larger than the promised size: many times faster
  // than a stream of small chunks, without a copy, and a longer stream is an error instead of memory.
  const packed = await read();
  const bytes = await inflate(new Uint8Array(packed), {
    chunkSize: Math.max(64, size + 1),
    maxOutputLength: Math.max(1, size),
  });
  buffers?.give(packed);
  if (bytes.length !== size) throw wrongSize(bytes.length, size);
  const { buffer, byteOffset } = bytes;
  const alone = byteOffset === 0 && buffer.byteLength <= size + 64;
  return { buffer: alone ? buffer : buffer.slice(byteOffset, byteOffset + size), offset: 0 };
}

const wrongSize = (found: number, size: number): Error =>
  new Error(`unpacks to ${found} bytes, the index says ${size}`);

/** Inflates sizes that zlib cannot take or give in one call. */
async function inflatePieces(
  source: ByteSource,
  start: number,
  { compressedSize, uncompressedSize: size }: ArchiveEntry,
  readSize: number,
): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(size);
  const step = Math.min(readSize, 2 ** 26);
  const stream = createInflateRaw({ chunkSize: Math.max(64, Math.min(step, 2 ** 22)) });
  const feed = async (): Promise<void> => {
    for (let at = 0; at < compressedSize && !stream.destroyed; at += step) {
      const packed = new Uint8Array(await source.read(start + at, Math.min(step, compressedSize - at)));
      await new Promise<void>((resolve, reject) =>
        stream.write(packed, (error) => (error ? reject(error) : resolve())),
      );
    }
    stream.end();
  };
  const feeding = feed();
  // A failed write fails the stream, and the loop below throws that error.
  feeding.catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
  let end = 0;
  for await (const chunk of stream) {
    const bytes = chunk as Buffer;
    if (end + bytes.length > size) throw wrongSize(end + bytes.length, size);
    new Uint8Array(buffer, end, bytes.length).set(bytes);
    end += bytes.length;
  }
  if (end !== size) throw wrongSize(end, size);
  return buffer;
}

/** Returns the reason to refuse an entry before any of it is read, or undefined. */
function objection(entry: ArchiveEntry): string | undefined {
  if (entry.isEncrypted()) return "encrypted entries are not supported";
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    return `unsupported compression method ${entry.compressionMethod}`;
  }
  return undefined;
}

/** Throws FormatError for archives whose declared sizes exceed the limits, before any of it is unpacked. */
function checkSizes(entries: readonly ArchiveEntry[], path: string, packed: number, limits: Limits): void {
  let unpacked = 0;
  for (const entry of entries) {
    if (entry.relativeOffsetOfLocalHeader + entry.compressedSize > packed)
      throw new Error("an entry ends past the end");
    const reason = objection(entry);
    if (reason) throw new FormatError(path, entry.fileName, reason);
    if (entry.uncompressedSize > limits.maxElements * 8 + limits.maxHeader)
      throw overLimit(new FormatError(path, entry.fileName, "exceeds the limit on elements"));
    unpacked += entry.uncompressedSize;
  }
  const sizes = `its arrays would unpack from ${packed} to ${unpacked} bytes`;
  if (unpacked > limits.maxOutput)
    throw overLimit(new FormatError(path, undefined, `${sizes}, over the limit of ${limits.maxOutput}`));
  if (unpacked > limits.ratioFloor && unpacked > packed * limits.maxRatio) {
    const cure = "if the file is to be trusted, store it uncompressed (numpy.savez)";
    throw overLimit(
      new FormatError(path, undefined, `${sizes}, over the limit of ${limits.maxRatio}:1; ${cure}`),
    );
  }
}

/**
 * Reads the entries of a ZIP archive that `wanted` picks, one after the other, and verifies their checksums.
 * Stored entries lie in buffers of the pool, if there is one. Refuses duplicate names, overlapping or
 * encrypted entries, and expansion beyond `limits`. Throws FormatError, and a signal's reason between entries
 * and steps.
 */
export async function readArchive(
  { path, bytes: archive }: OpenSource,
  limits: Limits,
  wanted: (name: string) => boolean,
  receive: (name: string, buffer: ArrayBufferLike, offset: number, length: number) => Promise<void>,
  { buffers, signal }: { readonly buffers?: BufferPool; readonly signal?: AbortSignal } = {},
): Promise<void> {
  let current: string | undefined;
  try {
    const entries = (await archiveIndex(archive, path, limits)).filter(({ fileName }) => wanted(fileName));
    checkSizes(entries, path, archive.size, limits);
    for (const entry of entries) {
      const { fileName, uncompressedSize: size } = entry;
      current = fileName;
      signal?.throwIfAborted();
      const { buffer, offset } = await unpack(archive, entry, limits.readSize, buffers);
      if ((await byTurns(crcSteps(new DataView(buffer, offset, size)), signal)) !== entry.crc32)
        throw new FormatError(path, current, "checksum mismatch, the file is damaged");
      await receive(current, buffer, offset, size);
    }
  } catch (error) {
    signal?.throwIfAborted();
    const known = fileError(path, error);
    if (known instanceof FormatError) throw known;
    const what = `damaged or not a ZIP archive (${error instanceof Error ? error.message : error})`;
    throw new FormatError(path, current, what, { cause: error });
  }
}
