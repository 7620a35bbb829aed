import { GraphError } from "../errors.js";

/** Makes the error of bytes that are not the wire format. */
export const bad = (at: number, what: string): GraphError =>
  new GraphError("model", `not an ONNX file: ${what} at byte ${at}`);

/** A place in bytes of the wire format, from which numbers and blocks are read. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  /** The last varint's two halves. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  varint(): void {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw bad(this.at, "truncated number");
      const byte = this.bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= bits << 31;
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw bad(this.at, "number of more than 10 bytes");
  }

  /** Reads a signed 64-bit number, as near as a double comes. */
  int(): number {
    this.varint();
    return (this.high | 0) * 2 ** 32 + this.low;
  }

  block(): readonly [number, number] {
    const start = this.at;
    this.varint();
    const end = this.at + this.low;
    if (this.high !== 0 || end > this.end) throw bad(start, "a length beyond the end");
    const block = [this.at, end] as const;
    this.at = end;
    return block;
  }

  skip(count: number): void {
    if (this.at + count > this.end) throw bad(this.at, "truncated number");
    this.at += count;
  }
}
