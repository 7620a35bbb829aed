// The largest number of bytes that a pool keeps.
const most = 2 ** 28;

/**
 * A pool of returned buffers for reads of the same size: fresh memory costs more than reading a file into it.
 * A returned buffer must not be used any more.
 */
export class BufferPool {
  // The free buffers by size, for every size that was requested.
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

  /** Keeps a buffer of a size that was taken; beyond 256 MiB all kept buffers are dropped first. */
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
