// Bytes that a pool keeps at most.
const most = 2 ** 28;

/**
 * Buffers that were given back and that reads of the same size use again: fresh memory costs more than reading a file
 * into it. A buffer that is given back must not be used any more.
 */
export class BufferPool {
  // By size, of every size that was asked for.
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** Returns a buffer of this size, whose bytes are arbitrary. */
  take(bytes: number): ArrayBuffer {
    const free = this.#free.get(bytes);
    if (free === undefined) this.#free.set(bytes, []);
    const buffer = free?.pop();
    if (buffer === undefined) return new ArrayBuffer(bytes);
    this.#bytes -= bytes;
    return buffer;
  }

  /** Keeps a buffer of a size that was taken; beyond 256 MiB all that are kept are dropped first. */
  give(buffer: ArrayBufferLike): void {
    const bytes = buffer.byteLength;
    const free = this.#free.get(bytes);
    if (free === undefined || !(buffer instanceof ArrayBuffer) || bytes > most) return;
    if (this.#bytes + bytes > most) {
      for (const kept of this.#free.values()) kept.length = 0;
      this.#bytes = 0;
    }
    free.push(buffer);
    this.#bytes += bytes;
  }
}
