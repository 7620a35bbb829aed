import {
  checkOptions,
  checkSignal,
  invalidArgument,
  optionNames,
  type SignalOption,
  type Tensor,
} from "@pixelcal/core";
import type { BufferPool } from "./buffer-pool.js";
import { type FileSource, type SourceName, withSource } from "./byte-source.js";
import { writeFileAtomic } from "./file.js";
import { defaultLimits, type Limits, limitNames } from "./limits.js";
import { npyHead, npySteps } from "./npy.js";
import { pieces } from "./regular-file.js";
import { byTurns, copySteps } from "./turns.js";
import { checkFileSize, checkWritable } from "./writable.js";
import { readArchive } from "./zip.js";
import { zipPieces } from "./zip-writer.js";

export interface ReadNpzOptions extends Partial<Limits>, SourceName, SignalOption {
  /** The names of the arrays to read, as far as they exist; default: all. */
  readonly keys?: readonly string[];
  /** The pool of buffers to read stored arrays into, in place of new ones. */
  readonly buffers?: BufferPool;
}

const readNames = optionNames<ReadNpzOptions>({
  ...limitNames,
  signal: true,
  source: true,
  keys: true,
  buffers: true,
});

/**
 * Reads an NPZ archive (numpy.savez, numpy.savez_compressed) from a path or from bytes. Checksums are
 * verified; entries that are not arrays are skipped. Throws FormatError naming file and array.
 */
export async function readNpz(
  source: FileSource,
  options: ReadNpzOptions = {},
): Promise<Record<string, Tensor>> {
  checkOptions("options", options, readNames);
  const { keys, source: name, buffers, signal, ...limits } = options;
  checkSignal(signal);
  const bounds = { ...defaultLimits, ...limits };
  const wanted = (file: string): boolean =>
    file.endsWith(".npy") && (keys === undefined || keys.includes(file.slice(0, -4)));
  return withSource(source, name, bounds, async (opened) => {
    const arrays: Record<string, Tensor> = Object.create(null);
    const decode = async (
      file: string,
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
    ): Promise<void> => {
      const key = file.slice(0, -4);
      const steps = npySteps(buffer, offset, length, { path: opened.path, key }, bounds);
      arrays[key] = await byTurns(steps, signal);
    };
    await readArchive(opened, bounds, wanted, decode, { buffers, signal });
    return arrays;
  });
}

const indexNames = optionNames<Partial<Limits> & SourceName>({ ...limitNames, source: true });

/**
 * Returns the names of the arrays in an NPZ archive (a path or bytes), in its order, without reading any of
 * them.
 */
export async function npzNames(
  source: FileSource,
  options: Partial<Limits> & SourceName = {},
): Promise<readonly string[]> {
  checkOptions("options", options, indexNames);
  const { source: name, ...limits } = options;
  const names: string[] = [];
  const note = (file: string): boolean => {
    if (file.endsWith(".npy")) names.push(file.slice(0, -4));
    return false;
  };
  const bounds = { ...defaultLimits, ...limits };
  await withSource(source, name, bounds, (opened) =>
    readArchive(opened, bounds, note, async () => undefined),
  );
  return names;
}

export interface WriteNpzOptions extends SignalOption {
  /** The deflate level, 0 (stored) to 9; default 6, as NumPy. */
  readonly level?: number;
}

const defaultLevel = 6;
const writeNames = optionNames<WriteNpzOptions>({ signal: true, level: true });

const chunks = (arrays: Readonly<Record<string, Tensor>>, level: number): AsyncGenerator<Uint8Array> =>
  zipPieces(
    Object.entries(arrays).map(([key, tensor]) => {
      const head = npyHead(tensor);
      const { data } = tensor;
      const size = head.length + data.byteLength;
      return { name: `${key}.npy`, size, parts: () => [head, ...pieces(data)] };
    }),
    level,
  );

/**
 * Yields the archive; arrays that pack so well that a reader would take the file for a bomb are stored. That
 * is rare: a large label map alone, or probabilities of 0 and 1. It shows only at the end, so the first bytes
 * are held back until it is ruled out.
 */
async function* archive(
  arrays: Readonly<Record<string, Tensor>>,
  { level = defaultLevel, signal }: WriteNpzOptions,
): AsyncGenerator<Uint8Array> {
  const { ratioFloor, maxRatio } = defaultLimits;
  const unpacked = Object.values(arrays).reduce((sum, { data }) => sum + data.byteLength, 0);
  const enough =
    level === 0 || unpacked + 1024 * Object.keys(arrays).length <= ratioFloor ? 0 : unpacked / maxRatio;
  const held: Uint8Array[] = [];
  let packed = 0;
  for await (const chunk of chunks(arrays, level)) {
    signal?.throwIfAborted();
    packed += chunk.length;
    held.push(chunk);
    if (packed > enough) yield* held.splice(0);
  }
  if (packed > enough) return;
  yield* chunks(arrays, 0);
}

function checkNpz(arrays: Readonly<Record<string, Tensor>>, options: WriteNpzOptions): void {
  checkOptions("options", options, writeNames);
  const { level = defaultLevel, signal } = options;
  checkSignal(signal);
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw invalidArgument("level", "an integer from 0 to 9", level);
  }
  let bytes = 0;
  for (const [key, array] of Object.entries(arrays)) {
    if (!/^[\w.-]+$/.test(key))
      throw invalidArgument("arrays", 'names of letters, digits, "_", "." and "-"', key);
    checkWritable(`arrays.${key}`, array);
    bytes += array.data.byteLength;
  }
  checkFileSize("arrays", bytes);
}

/**
 * Encodes `arrays` as an NPZ archive in the given order: the same arrays give the same bytes, and NumPy reads
 * them.
 */
export async function encodeNpz(
  arrays: Readonly<Record<string, Tensor>>,
  options: WriteNpzOptions = {},
): Promise<Uint8Array> {
  checkNpz(arrays, options);
  const parts: Uint8Array[] = [];
  for await (const chunk of archive(arrays, options)) parts.push(chunk);
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    await byTurns(copySteps(part, bytes.subarray(at, at + part.length)), options.signal);
    at += part.length;
  }
  return bytes;
}

/** Writes an NPZ archive of `arrays` (see encodeNpz) atomically. */
export async function writeNpz(
  path: string,
  arrays: Readonly<Record<string, Tensor>>,
  options: WriteNpzOptions = {},
): Promise<void> {
  checkNpz(arrays, options);
  await writeFileAtomic(path, archive(arrays, options));
}
