import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { crc32, type InputType, inflateRaw, type ZlibOptions } from "node:zlib";
import { type Entry, fromBuffer, open, type ZipFile } from "yauzl";
import { FormatError, fileError } from "./errors.js";
import type { Limits } from "./limits.js";

const inflate: (bytes: InputType, options: ZlibOptions) => Promise<Buffer> = promisify(inflateRaw);

function openArchive(source: string | Uint8Array): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, zip: ZipFile): void => (error ? reject(error) : resolve(zip));
    const options = { lazyEntries: true, autoClose: false };
    if (typeof source === "string") open(source, options, done);
    else fromBuffer(Buffer.from(source.buffer, source.byteOffset, source.byteLength), options, done);
  });
}

function listEntries(zip: ZipFile, accept: (entry: Entry, count: number) => void): Promise<Entry[]> {
  const entries: Entry[] = [];
  return new Promise((resolve, reject) => {
    zip.on("error", reject);
    zip.on("end", () => resolve(entries));
    zip.on("entry", (entry: Entry) => {
      try {
        entries.push(entry);
        accept(entry, entries.length);
        zip.readEntry();
      } catch (error) {
        reject(error);
      }
    });
    zip.readEntry();
  });
}

function readPacked(zip: ZipFile, entry: Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The packed bytes are inflated in one call on the thread pool: many times faster than yauzl's stream of small chunks.
    const raw = { decompress: entry.isCompressed() ? false : null, decrypt: null, start: null, end: null };
    zip.openReadStream(entry, raw, (error, stream) => {
      if (error) return reject(error);
      const packed = Buffer.allocUnsafeSlow(entry.compressedSize);
      let at = 0;
      stream.on("error", reject);
      stream.on("data", (chunk: Buffer) => {
        packed.set(chunk, at);
        at += chunk.length;
      });
      stream.on("end", () =>
        at === packed.length ? resolve(packed) : reject(new Error("truncated archive")),
      );
    });
  });
}

async function unpack(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const size = entry.uncompressedSize;
  const packed = await readPacked(zip, entry);
  if (!entry.isCompressed()) return packed;
  // One output chunk just larger than the promise: no copy, and a longer stream is an error instead of memory.
  const bytes = await inflate(packed, {
    chunkSize: Math.max(64, size + 1),
    maxOutputLength: Math.max(1, size),
  });
  if (bytes.length !== size) throw new Error(`unpacks to ${bytes.length} bytes, the index says ${size}`);
  return bytes;
}

/** What makes an entry unacceptable before any of it is read. */
function objection(entry: Entry, limits: Limits): string | undefined {
  if (entry.isEncrypted()) return "encrypted entries are not supported";
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    return `unsupported compression method ${entry.compressionMethod}`;
  }
  const { compressedSize, uncompressedSize } = entry;
  if (uncompressedSize > limits.ratioFloor && uncompressedSize > compressedSize * limits.maxRatio) {
    return `would unpack from ${compressedSize} to ${uncompressedSize} bytes, over the limit of ${limits.maxRatio}:1`;
  }
  if (uncompressedSize > limits.maxElements * 8 + limits.maxHeader) return "exceeds the limit on elements";
  return undefined;
}

function checkOverlap(entries: readonly Entry[], path: string): void {
  const sorted = [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let end = 0;
  for (const { fileName, relativeOffsetOfLocalHeader: start, compressedSize } of sorted) {
    if (start < end) throw new FormatError(path, fileName, "overlaps another archive entry");
    end = start + 30 + compressedSize;
  }
}

/**
 * Reads the entries of a ZIP archive that `wanted` picks, one after the other, with their checksums verified.
 * Refuses duplicate names, overlapping or encrypted entries, and expansion beyond `limits`. Throws FormatError.
 */
export async function readArchive(
  source: string | Uint8Array,
  path: string,
  limits: Limits,
  wanted: (name: string) => boolean,
  receive: (name: string, bytes: Buffer) => void,
): Promise<void> {
  let zip: ZipFile | undefined;
  let current: string | undefined;
  try {
    const size = typeof source === "string" ? (await stat(source)).size : source.length;
    if (size > limits.maxFile)
      throw new FormatError(path, undefined, `${size} bytes exceed the limit of ${limits.maxFile}`);
    zip = await openArchive(source);
    const names = new Set<string>();
    const entries = await listEntries(zip, ({ fileName }, count) => {
      if (count > limits.maxEntries)
        throw new FormatError(path, undefined, `more than ${limits.maxEntries} entries`);
      if (names.has(fileName)) throw new FormatError(path, fileName, "occurs twice in the archive");
      names.add(fileName);
    });
    checkOverlap(entries, path);
    for (const entry of entries) {
      if (!wanted(entry.fileName)) continue;
      current = entry.fileName;
      const reason = objection(entry, limits);
      if (reason) throw new FormatError(path, current, reason);
      const bytes = await unpack(zip, entry);
      if (crc32(bytes) !== entry.crc32)
        throw new FormatError(path, current, "checksum mismatch, the file is damaged");
      receive(current, bytes);
    }
  } catch (error) {
    const known = fileError(path, error);
    if (known instanceof FormatError) throw known;
    throw new FormatError(
      path,
      current,
      `damaged or not a ZIP archive (${error instanceof Error ? error.message : error})`,
      {
        cause: error,
      },
    );
  } finally {
    zip?.close();
  }
}
