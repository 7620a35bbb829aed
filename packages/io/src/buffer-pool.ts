/**
 * Buffers that were given back and that reads of the same size use again: fresh memory costs more than reading a file
 * into it. A buffer that is given back must not be used any more.
 */
export class BufferPool {
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** Returns a buffer of this size, whose bytes are arbitrary. */
  take(bytes: number): ArrayBuffer {
    const buffer = this.#free.get(bytes)?.pop();
    if (buffer === undefined) return new ArrayBuffer(bytes);
    this.#bytes -= bytes;
    return buffer;
  }

  /** Keeps a buffer for later; beyond 256 MiB all that are kept are dropped. */
  give(buffer: ArrayBufferLike): void {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return;
    const bytes = buffer.byteLength;
    if (this.#bytes + bytes > 2 ** 28) {
      this.#free.clear();
      this.#bytes = 0;
    }
    if (bytes > 2 ** 28) return;
    const kept = this.#free.get(bytes);
    if (kept === undefined) this.#free.set(bytes, [buffer]);
    else kept.push(buffer);
    this.#bytes += bytes;
  }
}
