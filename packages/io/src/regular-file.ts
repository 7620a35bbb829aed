import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { SignalOption } from "@pixelcal/core";
import { FormatError, fileError, overLimit } from "./errors.js";
import { defaultLimits, type Limits } from "./limits.js";
import { byTurns, copySteps } from "./turns.js";

/** A source of bytes that can be read at any position. */
export interface ByteSource {
  readonly size: number;
  /** Returns the `length` bytes from `position` on, in the buffer `into` of that length or in a new one. */
  read(position: number, length: number, into?: ArrayBuffer): Promise<ArrayBuffer>;
  /** Fills `target` with the bytes from `position` on. */
  readInto(position: number, target: Uint8Array): Promise<void>;
}

/** The limits of reading, and the signal at which it stops with the signal's reason. */
export type ReadBounds = Partial<Limits> & SignalOption;

/** A source over bytes in memory. */
export class BytesSource implements ByteSource {
  readonly #bytes: Uint8Array;
  readonly #signal: AbortSignal | undefined;

  constructor(bytes: Uint8Array, signal?: AbortSignal) {
    this.#bytes = bytes;
    this.#signal = signal;
  }

  get size(): number {
    return this.#bytes.length;
  }

  async read(position: number, length: number): Promise<ArrayBuffer> {
    const bytes = this.#bytes.subarray(position, position + length);
    const copy = new Uint8Array(bytes.length);
    await byTurns(copySteps(bytes, copy), this.#signal);
    return copy.buffer;
  }

  readInto(position: number, target: Uint8Array): Promise<void> {
    const bytes = this.#bytes.subarray(position, position + target.length);
    return byTurns(copySteps(bytes, target), this.#signal);
  }
}

// Opening a named pipe waits for its writer unless O_NONBLOCK is set; Windows has no such flag and no pipes
// in folders.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

function checkRegular(path: string, status: Stats, maxFile: number): number {
  if (!status.isFile()) {
    const kind = status.isDirectory()
      ? "a directory"
      : status.isFIFO()
        ? "a named pipe"
        : status.isSocket()
          ? "a socket"
          : "a device";
    throw new FormatError(path, undefined, `is ${kind}, expected a file`, { code: "ERR_PIXELCAL_FILE" });
  }
  if (status.size > maxFile)
    throw overLimit(new FormatError(path, undefined, `${status.size} bytes exceed the limit of ${maxFile}`));
  return status.size;
}

const cut = (path: string, length: number): FormatError =>
  new FormatError(path, undefined, `ended early: ${length} more bytes were expected`);

/**
 * A regular file that is open for reading. Refuses pipes, devices, sockets and folders, and never waits for
 * them.
 */
export class RegularFile implements ByteSource {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #piece: number;
  readonly #signal: AbortSignal | undefined;

  private constructor(
    path: string,
    handle: FileHandle,
    size: number,
    piece: number,
    signal: AbortSignal | undefined,
  ) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
    this.#piece = piece;
    this.#signal = signal;
  }

  /** Opens a file. Throws FormatError for anything but a regular file of at most `maxFile` bytes. */
  static async open(path: string, bounds: ReadBounds = {}): Promise<RegularFile> {
    const { maxFile, readSize, signal }: Limits & SignalOption = { ...defaultLimits, ...bounds };
    signal?.throwIfAborted();
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, flags);
      // An open file has its size at hand, so that a turn on the thread pool would cost more than the call.
      const size = checkRegular(path, fstatSync(handle.fd), maxFile);
      return new RegularFile(path, handle, size, readSize, signal);
    } catch (error) {
      await handle?.close();
      throw fileError(path, error);
    }
  }

  async read(position: number, length: number, into?: ArrayBuffer): Promise<ArrayBuffer> {
    if (position + length > this.size) throw cut(this.path, position + length - this.size);
    const buffer = into ?? new ArrayBuffer(length);
    // Each view covers one piece: Node 20 has no view of more than 4 GiB.
    for (let at = 0; at < length; at += this.#piece)
      await this.readInto(position + at, new Uint8Array(buffer, at, Math.min(length - at, this.#piece)));
    return buffer;
  }

  async readInto(position: number, target: Uint8Array): Promise<void> {
    const { length } = target;
    for (let at = 0; at < length; ) {
      this.#signal?.throwIfAborted();
      const size = Math.min(length - at, this.#piece);
      const { bytesRead } = await this.#handle.read(target, at, size, position + at);
      if (bytesRead === 0) throw cut(this.path, length - at);
      at += bytesRead;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Opens a regular file, hands it to `use` and closes it. Throws FormatError (see RegularFile.open). */
export async function withRegularFile<T>(
  path: string,
  bounds: ReadBounds,
  use: (file: RegularFile) => Promise<T>,
): Promise<T> {
  const file = await RegularFile.open(path, bounds);
  try {
    return await use(file);
  } catch (error) {
    throw fileError(path, error);
  } finally {
    await file.close();
  }
}

/** The length of the longest typed array in Node 20, in bytes. */
export const longestArray: number = 2 ** 32;

/** Reads the bytes of a regular file in pieces. Throws FormatError, also for more than 4 GiB. */
export function readRegularFile(path: string, limits: Partial<Limits> = {}): Promise<Uint8Array> {
  const maxFile = Math.min(limits.maxFile ?? defaultLimits.maxFile, longestArray);
  return withRegularFile(
    path,
    { ...limits, maxFile },
    async (file) => new Uint8Array(await file.read(0, file.size)),
  );
}

/** Yields the bytes of a regular file of any length, `size` bytes at a time. Throws FormatError. */
export async function* regularFilePieces(path: string, size: number): AsyncGenerator<Uint8Array> {
  const file = await RegularFile.open(path, { maxFile: Number.POSITIVE_INFINITY });
  try {
    for (let at = 0; at < file.size; at += size)
      yield new Uint8Array(await file.read(at, Math.min(size, file.size - at)));
  } finally {
    await file.close();
  }
}

/** Reads a small regular file that is needed at once, such as a configuration. Throws FormatError. */
export function readRegularFileSync(path: string, limits: Partial<Limits> = {}): Uint8Array {
  const { maxFile, readSize } = { ...defaultLimits, ...limits };
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, flags);
    const size = checkRegular(path, fstatSync(descriptor), Math.min(maxFile, longestArray));
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const count = readSync(descriptor, bytes, at, Math.min(size - at, readSize), at);
      if (count === 0) throw cut(path, size - at);
      at += count;
    }
    return bytes;
  } catch (error) {
    throw fileError(path, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Yields the bytes under a view, in views of at most `size` bytes each. */
export function* pieces(view: ArrayBufferView, size: number = defaultLimits.readSize): Generator<Uint8Array> {
  const { buffer, byteOffset, byteLength } = view;
  for (let at = 0; at < byteLength; at += size)
    yield new Uint8Array(buffer, byteOffset + at, Math.min(size, byteLength - at));
}
