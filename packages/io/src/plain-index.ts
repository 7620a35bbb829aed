import type { Entry } from "yauzl";
import type { ByteSource } from "./regular-file.js";

/** An entry of an archive's index. */
export type ArchiveEntry = Pick<
  Entry,
  | "fileName"
  | "crc32"
  | "compressedSize"
  | "uncompressedSize"
  | "compressionMethod"
  | "relativeOffsetOfLocalHeader"
  | "isCompressed"
  | "isEncrypted"
>;

/** The bytes at the end of an archive in which the index of a few arrays lies. */
const tailBytes = 1024;

const end = { bytes: 22, signature: 0x06054b50 } as const;
const record = { bytes: 46, signature: 0x02014b50 } as const;
const locator64 = { bytes: 20, signature: 0x07064b50 } as const;
const deflated = 8;

/**
 * Reads the index of a ZIP archive as NumPy writes them: few entries of plain names, without comments, extra
 * fields, encryption or sizes beyond 32 bits. Returns undefined for any other.
 */
export async function plainIndex(source: ByteSource): Promise<ArchiveEntry[] | undefined> {
  const { size } = source;
  const length = Math.min(size, tailBytes);
  const tail = new DataView(await source.read(size - length, length));
  const at = length - end.bytes;
  const plain =
    at >= 0 &&
    tail.getUint32(at, true) === end.signature &&
    tail.getUint32(at + 4, true) === 0 && // the numbers of two disks
    tail.getUint16(at + 8, true) === tail.getUint16(at + 10, true) &&
    tail.getUint16(at + 20, true) === 0;
  if (!plain) return undefined;
  if (at >= locator64.bytes && tail.getUint32(at - locator64.bytes, true) === locator64.signature)
    return undefined;
  const indexSize = tail.getUint32(at + 12, true);
  if (indexSize > at || tail.getUint32(at + 16, true) + indexSize !== size - end.bytes) return undefined;
  return entriesOf(tail, at - indexSize, at, tail.getUint16(at + 10, true));
}

function entriesOf(index: DataView, begin: number, stop: number, count: number): ArchiveEntry[] | undefined {
  const entries: ArchiveEntry[] = [];
  let at = begin;
  while (at < stop) {
    const entry = at + record.bytes <= stop ? entryAt(index, at) : undefined;
    if (entry === undefined) return undefined;
    at += record.bytes + entry.fileName.length;
    if (at > stop) return undefined;
    entries.push(entry);
  }
  return entries.length === count ? entries : undefined;
}

function entryAt(index: DataView, at: number): ArchiveEntry | undefined {
  const flags = index.getUint16(at + 8, true);
  const method = index.getUint16(at + 10, true);
  const compressedSize = index.getUint32(at + 20, true);
  const uncompressedSize = index.getUint32(at + 24, true);
  const nameLength = index.getUint16(at + 28, true);
  const offset = index.getUint32(at + 42, true);
  const plain =
    index.getUint32(at, true) === record.signature &&
    (flags & 0x41) === 0 &&
    (method === deflated || (method === 0 && compressedSize === uncompressedSize)) &&
    index.getUint32(at + 30, true) === 0 && // the lengths of the extra field and the comment
    Math.max(compressedSize, uncompressedSize, offset) < 0xffffffff &&
    at + record.bytes + nameLength <= index.byteLength;
  if (!plain) return undefined;
  const name = new Uint8Array(index.buffer, index.byteOffset + at + record.bytes, nameLength);
  const fileName = String.fromCharCode(...name);
  if (!/^\w[\w.-]*$/.test(fileName)) return undefined;
  return {
    fileName,
    crc32: index.getUint32(at + 16, true),
    compressedSize,
    uncompressedSize,
    compressionMethod: method,
    relativeOffsetOfLocalHeader: offset,
    isCompressed: () => method === deflated,
    isEncrypted: () => false,
  };
}
