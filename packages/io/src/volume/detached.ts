import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { FormatError, fileError, overLimit } from "../errors.js";
import type { ByteSource } from "../regular-file.js";
import { withRegularFile } from "../regular-file.js";
import { inflateInto } from "./inflate.js";
import { refusal } from "./refuse.js";
import type { VolumeSource } from "./source.js";
import type { ReadSettings } from "./volume.js";

/** The place of the data, as a text header gives it. */
export interface DataPlace {
  /** The field that names the files. */
  readonly key: string;
  /** The files beside the header, in order; undefined if the data follows the header. */
  readonly files: readonly string[] | undefined;
  /** The start of the data if it follows the header. */
  readonly start: number;
  /** The number of lines to skip before the data, in the bytes as stored. */
  readonly lines: number;
  /** The number of bytes to skip before the data, after unpacking; -1: the data is the end of the file. */
  readonly skip: number;
  readonly packed: "gzip" | "zlib" | undefined;
  /** The number of packed bytes, if the header has it. */
  readonly packedSize?: number;
}

/** An open file, or the header's own file. */
interface Part {
  readonly path: string;
  readonly bytes: ByteSource;
  readonly start: number;
}

/** The data of a text header and the number of bytes after it. */
export interface DataBytes {
  readonly bytes: Uint8Array;
  readonly extra: number;
}

/** Reads exactly `size` bytes of data. Throws FormatError. */
export async function dataBytes(
  source: VolumeSource,
  place: DataPlace,
  size: number,
  settings: ReadSettings,
): Promise<DataBytes> {
  const { files, key } = place;
  if (files === undefined)
    return partBytes({ path: source.path, bytes: source.bytes, start: place.start }, place, size, settings);
  const each = size / files.length;
  if (!Number.isInteger(each))
    throw new FormatError(source.path, key, `${size} bytes cannot be divided among ${files.length} files`);
  const paths: string[] = [];
  for (const name of files) paths.push(await besidePath(source, key, name));
  const read = (path: string): Promise<DataBytes> =>
    withRegularFile(path, settings.limits, (bytes) =>
      partBytes({ path, bytes, start: 0 }, place, each, settings),
    );
  if (paths.length === 1) return read(paths[0]!);
  let all: Uint8Array | undefined;
  let extra = 0;
  for (const [index, path] of paths.entries()) {
    const part = await read(path);
    // Allocated only after the first file has shown that it holds its share.
    all ??= new Uint8Array(size);
    all.set(part.bytes, index * each);
    extra += part.extra;
  }
  return { bytes: all ?? new Uint8Array(0), extra };
}

/** Reads everything from the start of the data to the end of its one file, as text. Throws FormatError. */
export async function dataText(
  source: VolumeSource,
  place: DataPlace,
  settings: ReadSettings,
): Promise<Uint8Array> {
  const { files = [], key } = place;
  if (files.length > 1) throw new FormatError(source.path, key, "text in several files is not read");
  const take = async (part: Part): Promise<Uint8Array> => {
    const start = await startOf(part, place.lines);
    if (place.skip < 0)
      throw new FormatError(source.path, key, "text cannot be found from the end of its file");
    const from = Math.min(part.bytes.size, start + place.skip);
    if (part.bytes.size - from > settings.limits.readSize)
      throw refusal(part.path, key, from, `more than ${settings.limits.readSize} bytes of text`);
    return new Uint8Array(await part.bytes.read(from, part.bytes.size - from));
  };
  const [name] = files;
  if (name === undefined) return take({ path: source.path, bytes: source.bytes, start: place.start });
  const path = await besidePath(source, key, name);
  return withRegularFile(path, settings.limits, (bytes) => take({ path, bytes, start: 0 }));
}

async function partBytes(
  part: Part,
  place: DataPlace,
  size: number,
  { limits }: ReadSettings,
): Promise<DataBytes> {
  const { path, bytes } = part;
  const { packed, skip } = place;
  const start = await startOf(part, place.lines);
  if (packed) {
    const before = Math.max(0, skip);
    if (skip < 0)
      throw new FormatError(path, place.key, "packed data cannot be found from the end of its file");
    const end = place.packedSize === undefined ? bytes.size : start + place.packedSize;
    if (end > bytes.size)
      throw refusal(
        path,
        place.key,
        bytes.size,
        `ended early: ${end - bytes.size} packed bytes more were expected`,
      );
    if (before > limits.maxOutput)
      throw overLimit(new FormatError(path, place.key, `a skip of ${before} bytes is too far`));
    const wrapper = packed === "zlib" && (await isGzip(bytes, start)) ? "gzip" : packed;
    const { bytes: all, extra } = await inflateInto(
      { path, source: bytes, start, end, wrapper },
      before + size,
      limits,
    );
    return { bytes: all.subarray(before), extra };
  }
  const from = skip < 0 ? bytes.size - size : start + skip;
  if (from < start || from + size > bytes.size) {
    const what = `ended early: ${size} bytes of data were expected from byte ${Math.max(from, start)} on`;
    throw refusal(path, undefined, bytes.size, what);
  }
  return { bytes: new Uint8Array(await bytes.read(from, size)), extra: bytes.size - from - size };
}

async function isGzip(bytes: ByteSource, at: number): Promise<boolean> {
  if (at + 2 > bytes.size) return false;
  const [first, second] = new Uint8Array(await bytes.read(at, 2));
  return first === 0x1f && second === 0x8b;
}

/** Returns the offset of the byte after the skipped lines. */
async function startOf({ path, bytes, start }: Part, lines: number): Promise<number> {
  const step = 2 ** 16;
  let left = lines;
  for (let at = start; left > 0; at += step) {
    if (at >= bytes.size)
      throw refusal(path, "line skip", bytes.size, `ended early: ${left} lines more were expected`);
    const piece = new Uint8Array(await bytes.read(at, Math.min(step, bytes.size - at)));
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, end + 1))
      if (--left === 0) return at + end + 1;
  }
  return start;
}

/**
 * Returns the path of a file that a header names, which must lie in the header's folder. Throws FormatError.
 */
async function besidePath({ path, onDisk }: VolumeSource, key: string, name: string): Promise<string> {
  if (!onDisk)
    throw new FormatError(path, key, `the data is in the file "${name}"; read the header by its path`);
  const folder = dirname(path);
  const inside = (root: string, target: string): boolean => {
    const way = relative(root, target);
    return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  };
  const outside = new FormatError(path, key, `"${name}" lies outside of the folder of the header`);
  if (isAbsolute(name) || /^[A-Za-z]:|\0|\\/.test(name)) throw outside;
  const target = join(folder, name);
  if (!inside(resolve(folder), resolve(target))) throw outside;
  try {
    if (!inside(await realpath(folder), await realpath(target))) throw outside;
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const known = fileError(target, error);
    const what = known instanceof FormatError ? known.message : `"${name}" cannot be opened`;
    throw new FormatError(path, key, what, { cause: error });
  }
  return target;
}

/** Characters of a file's name and its range at most: longer ones are no file's, and slow to look through. */
const longestName = 4096;

/** The largest number of files that one header may name. */
const mostFiles = 10_000;

/** Returns the names that a pattern such as "slice%03d.raw 1 20 1" stands for, or undefined if it is none. */
export function patternFiles(path: string, key: string, text: string): readonly string[] | undefined {
  if (text.length > longestName) throw new FormatError(path, key, `a name of ${text.length} characters`);
  const match = /^(\S*%(0?)(\d{0,2})d\S*)\s+(-?\d+)\s+(-?\d+)(?:\s+(-?\d+))?/.exec(text);
  if (!match) return undefined;
  const [, pattern = "", zero, width, ...range] = match;
  const [first = 0, last = 0, step = 1] = range.map((part) => (part === undefined ? 1 : Number(part)));
  const count = Math.floor((last - first) / step) + 1;
  if (!(step !== 0 && count >= 1 && count <= mostFiles))
    throw new FormatError(path, key, `"${text}" stands for no files, or for more than ${mostFiles}`);
  const number = (i: number): string =>
    `${first + i * step}`.padStart(Number(width), zero === "0" ? "0" : " ");
  return Array.from({ length: count }, (_, i) => pattern.replace(/%0?\d{0,2}d/, number(i)));
}

/** Throws FormatError for a list of files that is empty or too long. */
export function checkFiles(path: string, key: string, files: readonly string[]): readonly string[] {
  if (files.length === 0 || files.length > mostFiles)
    throw new FormatError(path, key, `expected 1 to ${mostFiles} names of files, got ${files.length}`);
  return files;
}
