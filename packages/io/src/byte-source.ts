import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { invalidArgument } from "@pixelcal/core";
import { FormatError, fileError, overLimit } from "./errors.js";
import { defaultLimits } from "./limits.js";
import { type ByteSource, BytesSource, type ReadBounds, RegularFile } from "./regular-file.js";

/** A file, by its path or `file:` URL, or the bytes of one, which must not change while they are read. */
export type FileSource = string | URL | Uint8Array | ArrayBuffer;

/** The option of every reader that takes bytes as well as paths. */
export interface SourceName {
  /** The name of bytes in messages, whose ending counts as a path's does; default "bytes". */
  readonly source?: string;
}

/** A source that is open: its bytes, and the path or name that messages begin with. */
export interface OpenSource {
  readonly path: string;
  /** Whether `path` is a file, beside which others may lie. */
  readonly onDisk: boolean;
  readonly bytes: ByteSource;
}

/** Opens a source, hands it to `use` and closes it. Throws FormatError. */
export async function withSource<T>(
  source: FileSource,
  name: string | undefined,
  bounds: ReadBounds,
  use: (source: OpenSource) => Promise<T>,
): Promise<T> {
  const path = sourcePath(source, name);
  const held = bytesOf(source);
  if (held !== undefined) {
    const { maxFile = defaultLimits.maxFile, signal } = bounds;
    if (held.length > maxFile)
      throw overLimit(
        new FormatError(path, undefined, `${held.length} bytes exceed the limit of ${maxFile}`),
      );
    return use({ path, onDisk: false, bytes: new BytesSource(held, signal) });
  }
  const file = await RegularFile.open(path, bounds);
  try {
    return await use({ path, onDisk: true, bytes: file });
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await file.close();
  }
}

/** Returns the path of a source, or the name of bytes; throws unless `source` is one. */
export function sourcePath(source: FileSource, name = "bytes"): string {
  if (typeof source === "string") return source;
  if (bytesOf(source) !== undefined) {
    if (typeof name !== "string") throw invalidArgument("source", "a text that names the bytes", name);
    return name;
  }
  // Test runners give each file globals of its own, so the class may differ from this module's.
  const href: unknown = (source as Partial<URL> | null | undefined)?.href;
  if (typeof href !== "string") {
    throw invalidArgument("source", "a path, a file URL, or bytes (Uint8Array or ArrayBuffer)", source);
  }
  if (!href.startsWith("file:")) throw invalidArgument("source", "a file URL", href);
  return fileURLToPath(href);
}

/** Returns the bytes of a source that is held in memory, or undefined for a path. */
export function bytesOf(source: unknown): Uint8Array | undefined {
  if (types.isUint8Array(source)) return source;
  return types.isArrayBuffer(source) ? new Uint8Array(source as ArrayBuffer) : undefined;
}
