import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { GraphError, graphError } from "../errors.js";

/** Reads `length` bytes from `offset` on, or all from there to the end, of a file that a model names. */
export type ExternalReader = (location: string, offset: number, length: number | undefined) => Uint8Array;

/** A reader of plain files in a model's folder, which no name and no symbolic link leads out of. */
export function folderReader(folder: string): ExternalReader {
  return (location, offset, length) => readRange(externalPath(folder, location), location, offset, length);
}

/**
 * The path of a file that a model names. Throws GraphError when it is not there or
 * outside of the model's folder.
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
    throw graphError("externalData", "a file name inside of the model's folder", JSON.stringify(location));
  }
  try {
    const root = realpathSync(folder);
    const path = realpathSync(join(root, location));
    const inside = relative(root, path);
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw graphError(
        "externalData",
        "a file inside of the model's folder",
        `${location}, a link to ${path}`,
      );
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

function readRange(path: string, location: string, offset: number, length: number | undefined): Uint8Array {
  const file = openSync(path, "r");
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw graphError("externalData", "a plain file", location);
    const count = length ?? status.size - offset;
    if (offset + count > status.size || count < 0) {
      throw graphError(
        "externalData",
        `${location} of at least ${offset + (length ?? 0)} bytes`,
        status.size,
      );
    }
    const bytes = new Uint8Array(count);
    for (let done = 0; done < count; ) {
      // One call reads at most 2 GiB.
      const read = readSync(file, bytes, done, Math.min(count - done, 2 ** 30), offset + done);
      if (read === 0) throw graphError("externalData", `${count} bytes of ${location}`, done);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
