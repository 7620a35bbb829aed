/** The problem of a pickle, without the name of the file. */
export class Damage extends Error {}

/** The bytes of a pickle, read from the first to the last. */
export class PickleStream {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }

  /** Returns the next `count` bytes. Throws Damage if there are fewer. */
  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at)
      throw new Damage(
        `ended early: ${count} bytes were expected, ${this.#bytes.length - this.#at} are left`,
      );
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  unsigned(width: 1 | 2 | 4 | 8): number {
    const start = this.#at;
    this.take(width);
    if (width === 1) return this.#view.getUint8(start);
    if (width === 2) return this.#view.getUint16(start, true);
    if (width === 4) return this.#view.getUint32(start, true);
    const value = Number(this.#view.getBigUint64(start, true));
    if (!Number.isSafeInteger(value)) throw new Damage(`a length of ${value} bytes`);
    return value;
  }

  signed32(): number {
    return this.unsigned(4) | 0;
  }

  /** Returns a whole number of `count` bytes, least first, in two's complement. */
  long(count: number): number {
    if (count > 8) throw new Damage(`a whole number of ${count} bytes; expected 8 at most`);
    const bytes = this.take(count);
    let value = 0n;
    for (const [i, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * i);
    return safe(count === 0 ? 0n : BigInt.asIntN(8 * count, value));
  }

  /** Returns a float64, most significant byte first. */
  double(): number {
    const start = this.#at;
    this.take(8);
    return this.#view.getFloat64(start);
  }

  text(count: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(count));
    } catch (error) {
      throw error instanceof Damage ? error : new Damage("a text that is not UTF-8");
    }
  }

  /** Returns the text up to the next line feed. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw new Damage("ended early: a line without an end");
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }
}

/** Returns a number that a double holds exactly. */
export function safe(value: bigint): number {
  if (BigInt.asIntN(54, value) !== value) throw new Damage(`the whole number ${value} exceeds 2^53`);
  return Number(value);
}
