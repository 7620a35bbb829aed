import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { GraphError, graphError } from "../errors.js";

/** Reads `length` bytes from `offset` on, or all from there to the end, of a file that a model names. */
export type ExternalReader = (location: string, offset: number, length: number | undefined) => Uint8Array;

/** A reader that can tell the size and the checksum of a file before it reads it. */
interface FileReader extends ExternalReader {
  readonly size: (location: string) => number;
  readonly sha1: (location: string) => string;
}

const isFileReader = (read: ExternalReader): read is FileReader => "sha1" in read && "size" in read;

/** Makes a reader of plain files in a model's folder, which no name and no link leads out of. */
export function folderReader(folder: string): ExternalReader {
  const sums = new Map<string, string>();
  const path = (location: string): string => externalPath(folder, location);
  const reader: ExternalReader = (location, offset, length) =>
    withFile(path(location), location, (file, size) => readRange(file, size, location, offset, length));
  return Object.assign(reader, {
    size: (location: string) => withFile(path(location), location, (_, size) => size),
    sha1: (location: string) => {
      if (!sums.has(location)) sums.set(location, withFile(path(location), location, sha1Of));
      return sums.get(location)!;
    },
  });
}

/** The place of a tensor's data outside its model, in bytes; without a length it ends with the file. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
  /** SHA-1 of the whole file, hexadecimal. */
  readonly checksum: string | undefined;
}

/**
 * Reads the `needed` bytes of a tensor. Another length in the model or in the file is an error before
 * anything is read, so that no more memory is taken than the tensor's dims say.
 */
export function readExternal(
  read: ExternalReader,
  { location, offset, length, checksum }: ExternalPlace,
  needed: number,
  wrongLength: (found: number) => GraphError,
): Uint8Array {
  const rest = isFileReader(read) ? read.size(location) - offset : undefined;
  const found = length ?? rest;
  // Data past the file's end is refused below, with the file's size.
  const inside = rest === undefined || (rest >= 0 && (length ?? 0) <= rest);
  if (inside && found !== undefined && found !== needed) throw wrongLength(found);
  if (checksum !== undefined) {
    const sum = isFileReader(read)
      ? read.sha1(location)
      : createHash("sha1")
          .update(read(location, 0, undefined))
          .digest("hex");
    if (sum !== checksum.toLowerCase())
      throw graphError("externalData", `${location} with the SHA-1 ${checksum} that the model names`, sum);
  }
  return read(location, offset, length);
}

/**
 * Returns the path of a file that a model names. Throws GraphError when it is missing or outside the model's
 * folder.
 */
export function externalPath(folder: string, location: string): string {
  const parts = location.split(/[/\\]/);
  if (
    location === "" ||
    isAbsolute(location) ||
    location.includes("\0") ||
    parts.includes("..") ||
    /^[A-Za-z]:/.test(location)
  ) {
    throw graphError("externalData", "a file name inside the model's folder", JSON.stringify(location));
  }
  try {
    const root = realpathSync(folder);
    const path = realpathSync(join(root, location));
    const inside = relative(root, path);
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw graphError("externalData", "a file inside the model's folder", `${location}, a link to ${path}`);
    }
    return path;
  } catch (error) {
    throw asGraphError(location, error);
  }
}

const asGraphError = (location: string, error: unknown): GraphError =>
  error instanceof GraphError
    ? error
    : new GraphError("externalData", `${location}: ${error instanceof Error ? error.message : error}`);

// Windows has neither flag. A name that is a link now was not one when its path was found.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

function withFile<T>(path: string, location: string, use: (file: number, size: number) => T): T {
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (error) {
    throw asGraphError(location, error);
  }
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw graphError("externalData", "a plain file", location);
    if (status.nlink > 1) {
      const links = `${location} with ${status.nlink} hard links`;
      const expected =
        "a file without further hard links, which may lie outside the model's folder; replace it with a copy";
      throw graphError("externalData", expected, links);
    }
    return use(file, status.size);
  } catch (error) {
    throw asGraphError(location, error);
  } finally {
    closeSync(file);
  }
}

/** One call reads at most 2 GiB. */
const longestRead = 2 ** 30;

function readRange(
  file: number,
  size: number,
  location: string,
  offset: number,
  length: number | undefined,
): Uint8Array {
  const count = length ?? size - offset;
  if (offset + count > size || count < 0)
    throw graphError("externalData", `${location} of at least ${offset + (length ?? 0)} bytes`, size);
  const bytes = new Uint8Array(count);
  for (let done = 0; done < count; ) {
    const read = readSync(file, bytes, done, Math.min(count - done, longestRead), offset + done);
    if (read === 0) throw graphError("externalData", `${count} bytes of ${location}`, done);
    done += read;
  }
  return bytes;
}

function sha1Of(file: number): string {
  const hash = createHash("sha1");
  const piece = new Uint8Array(2 ** 22);
  for (let at = 0; ; ) {
    const read = readSync(file, piece, 0, piece.length, at);
    if (read === 0) return hash.digest("hex");
    hash.update(piece.subarray(0, read));
    at += read;
  }
}
