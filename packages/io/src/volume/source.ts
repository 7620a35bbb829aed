import { basename } from "node:path";
import { FormatError, fileError, overLimit } from "../errors.js";
import type { Limits } from "../limits.js";
import { type ByteSource, BytesSource, RegularFile } from "../regular-file.js";
import { inflateHead } from "./inflate.js";

/** The number of bytes that identify a format. */
const headBytes = 4096;

/** A file, or bytes in memory, from which a volume is read. */
export interface VolumeSource {
  /** The path, or the name of the bytes. */
  readonly path: string;
  /** Whether `path` is a file, beside which others may lie. */
  readonly onDisk: boolean;
  readonly bytes: ByteSource;
  /** The first bytes as stored. */
  readonly head: Uint8Array;
  readonly gzip: boolean;
  /** The first bytes, unpacked if the file is gzip. */
  readonly inner: Uint8Array;
}

async function sourceOf(path: string, onDisk: boolean, bytes: ByteSource): Promise<VolumeSource> {
  const head = new Uint8Array(await bytes.read(0, Math.min(headBytes, bytes.size)));
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  const inner = gzip ? inflateHead(head, "gzip", headBytes) : head;
  return { path, onDisk, bytes, head, gzip, inner };
}

/** Opens a path or bytes, hands it to `use` and closes it. Throws FormatError. */
export async function withSource<T>(
  source: string | Uint8Array,
  name: string,
  limits: Limits,
  use: (source: VolumeSource) => Promise<T>,
): Promise<T> {
  if (typeof source !== "string") {
    if (source.length > limits.maxFile)
      throw overLimit(
        new FormatError(name, undefined, `${source.length} bytes exceed the limit of ${limits.maxFile}`),
      );
    return use(await sourceOf(name, false, new BytesSource(source)));
  }
  const file = await RegularFile.open(source, limits);
  try {
    return await use(await sourceOf(source, true, file));
  } catch (error) {
    throw fileError(source, error);
  } finally {
    await file.close();
  }
}

/** Returns whether the path ends with one of `endings`, in any case. */
export function hasEnding(path: string, endings: readonly string[]): boolean {
  const name = basename(path).toLowerCase();
  return endings.some((ending) => name.endsWith(ending));
}
