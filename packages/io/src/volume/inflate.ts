import {
  constants,
  createGunzip,
  createInflate,
  createInflateRaw,
  gunzipSync,
  inflateRawSync,
  inflateSync,
} from "node:zlib";
import { FormatError, overLimit } from "../errors.js";
import type { Limits } from "../limits.js";
import { type ByteSource, longestArray } from "../regular-file.js";

/** The highest packing ratio of deflate, 1032 bytes in one: a larger promise is false. */
const densest = 1032;

/** The number of surplus bytes that are read, and reported, before the file is refused. */
const tolerated = 2 ** 16;

/** The size of the checksum and length at the end of a gzip stream. */
const gzipTrailer = 8;

/** The number of packed bytes handed to zlib at once. */
const step = 2 ** 20;

/** The place of packed bytes. */
export interface Packed {
  readonly path: string;
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
  /** The format around deflate; "deflate" is none. */
  readonly wrapper: "gzip" | "zlib" | "deflate";
}

const unpackers = {
  gzip: { unpack: gunzipSync, stream: createGunzip },
  zlib: { unpack: inflateSync, stream: createInflate },
  deflate: { unpack: inflateRawSync, stream: createInflateRaw },
} as const;

export interface Inflated {
  /** The expected bytes, exactly. */
  readonly bytes: Uint8Array;
  /** The number of unpacked bytes after them. */
  readonly extra: number;
}

/**
 * Returns the first bytes that a packed stream unpacks to, at most `most`; fewer where it is damaged or
 * short.
 */
export function inflateHead(packed: Uint8Array, wrapper: Packed["wrapper"], most: number): Uint8Array {
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  const { unpack } = unpackers[wrapper];
  let known = new Uint8Array(0);
  // Few bytes come first, because a bomb unpacks to a thousand times as many. zlib gives no output past
  // damage.
  for (let length = 32; known.length < most; length *= 2) {
    try {
      known = Uint8Array.from(unpack(packed.subarray(0, length), options).subarray(0, most));
    } catch {
      break;
    }
    if (length >= packed.length) break;
  }
  return known;
}

/** Throws FormatError if so few packed bytes cannot hold, or are not trusted to hold, `size` bytes. */
function checkRatio({ path, start, end }: Packed, size: number, limits: Limits): void {
  const packed = end - start;
  if (size > longestArray)
    throw new FormatError(
      path,
      undefined,
      `unpacks to ${size} bytes, more than the ${longestArray} of one array`,
    );
  if (size > packed * densest) {
    const what = `${packed} packed bytes (from byte ${start}) cannot unpack to the ${size} that the header declares`;
    throw new FormatError(path, undefined, what);
  }
  if (size > limits.ratioFloor && size > packed * limits.maxRatio) {
    const what = `would unpack from ${packed} to ${size} bytes, over the limit of ${limits.maxRatio}:1`;
    throw overLimit(new FormatError(path, undefined, what));
  }
}

/** Collects chunks; those that lie one after the other in one buffer, as zlib leaves them, are not copied. */
class Target {
  readonly #size: number;
  #first: Uint8Array | undefined;
  #copy: Uint8Array | undefined;
  end = 0;
  extra = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(chunk: Uint8Array): void {
    const taken = Math.min(chunk.length, this.#size - this.end);
    this.extra += chunk.length - taken;
    if (taken === 0) return;
    this.#first ??= chunk;
    const { buffer, byteOffset } = this.#first;
    const adjoins = chunk.buffer === buffer && chunk.byteOffset === byteOffset + this.end;
    if (!adjoins && this.#copy === undefined) {
      this.#copy = new Uint8Array(this.#size);
      this.#copy.set(new Uint8Array(buffer, byteOffset, this.end));
    }
    this.#copy?.set(chunk.subarray(0, taken), this.end);
    this.end += taken;
  }

  bytes(): Uint8Array {
    if (this.#copy) return this.#copy;
    if (!this.#first) return new Uint8Array(0);
    const { buffer, byteOffset } = this.#first;
    const view = new Uint8Array(buffer, byteOffset, this.#size);
    // Node keeps small buffers in a pool, which an array that may be transferred must not hold.
    return buffer.byteLength > 2 * this.#size + 2 ** 16 || this.#size < 2 ** 16 ? view.slice() : view;
  }
}

/** The largest output that zlib gets as one buffer; longer ones are assembled from pieces. */
const longestChunk = 2 ** 31;

/**
 * Unpacks `size` bytes as a stream into one buffer, on the thread pool. Verifies checksums. Throws
 * FormatError for damage, for fewer bytes, for many more, and for bytes other than zeros after the stream.
 */
export async function inflateInto(packed: Packed, size: number, limits: Limits): Promise<Inflated> {
  const { path, source, start, end, wrapper } = packed;
  checkRatio(packed, size, limits);
  // Not too small either: a bomb behind a short promise would come in thousands of pieces before it is seen.
  const chunkSize = size < longestChunk ? Math.max(2 ** 16, size + 1) : 2 ** 22;
  const stream = unpackers[wrapper].stream({ chunkSize });
  const target = new Target(size);
  const feed = async (): Promise<void> => {
    // Two buffers take turns: one is filled while zlib works on the other.
    const buffers = [0, 1].map(() => new Uint8Array(Math.min(step, end - start)));
    const fill = async (at: number): Promise<Uint8Array> => {
      const piece = buffers[((at - start) / step) % 2]!.subarray(0, Math.min(step, end - at));
      await source.readInto(at, piece);
      return piece;
    };
    let ahead = start < end ? fill(start) : undefined;
    for (let at = start; ahead && !stream.destroyed && !stream.readableEnded; at += step) {
      const piece = await ahead;
      ahead = at + step < end ? fill(at + step) : undefined;
      // A failure is thrown when the piece is awaited.
      ahead?.catch(() => undefined);
      // The callback of a write may never come once the packed stream has ended; the stream's close also ends
      // the wait.
      await new Promise<void>((resolve, reject) => {
        stream.once("close", resolve);
        stream.write(piece, (error) => {
          stream.off("close", resolve);
          if (error) reject(error);
          else resolve();
        });
      });
    }
    if (!stream.destroyed) stream.end();
  };
  const feeding = feed();
  feeding.catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
  try {
    for await (const chunk of stream) {
      target.add(chunk as Buffer);
      if (target.extra > tolerated)
        throw new FormatError(
          path,
          undefined,
          `unpacks to far more than the ${size} bytes its header declares`,
        );
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const cause = error instanceof Error ? error.message : error;
    const what = `damaged ${wrapper} stream from byte ${start} on (${cause})`;
    throw new FormatError(path, undefined, what, { cause: error });
  }
  if (target.end < size) {
    const what = `ended early: unpacks to ${target.end} bytes, ${size} were expected`;
    throw new FormatError(path, undefined, what);
  }
  // Bare deflate has no checksum, and some writers leave that of gzip behind it.
  const behind = start + stream.bytesWritten;
  if (wrapper !== "deflate" || end - behind > gzipTrailer + 1) await checkRest(packed, behind);
  return { bytes: target.bytes(), extra: target.extra };
}

/**
 * Throws FormatError unless the bytes after a packed stream are zeros, with which tapes and blocks are
 * padded.
 */
async function checkRest({ path, source, end }: Packed, at: number): Promise<void> {
  for (let position = at; position < end; position += step) {
    const rest = new Uint8Array(await source.read(position, Math.min(step, end - position)));
    const wrong = rest.findIndex((byte) => byte !== 0);
    if (wrong >= 0)
      throw new FormatError(path, undefined, `bytes that are not packed data (at byte ${position + wrong})`);
  }
}
