/** The error of an entropy-coded stream that is damaged. */
export class DamagedStream extends Error {}

/** A Huffman code (ITU-T T.81, annex C), as canonical codes by length. */
export interface HuffmanCode {
  /** The largest code of each length from 1 on, or -1 for none. */
  readonly last: readonly number[];
  /** The place in `symbols` of the first code of each length, less that code. */
  readonly offset: readonly number[];
  readonly symbols: Uint8Array;
}

/** Makes a code of the counts of codes by length and the symbols in their order. */
export function huffmanCode(counts: Uint8Array, symbols: Uint8Array): HuffmanCode {
  const [last, offset]: [number[], number[]] = [[], []];
  let [code, place] = [0, 0];
  for (const count of counts) {
    offset.push(place - code);
    code += count;
    place += count;
    last.push(count > 0 ? code - 1 : -1);
    code *= 2;
  }
  return { last, offset, symbols };
}

/** The bits of a scan, up to the next marker. */
export class ScanBits {
  readonly #bytes: Uint8Array;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  #bit(): number {
    if (this.#count === 0) {
      const byte = this.#bytes[this.#at++];
      // A byte of 255 is followed by 0, or is the first of a marker.
      if (byte === undefined || (byte === 255 && this.#bytes[this.#at++] !== 0))
        throw new DamagedStream("ended early");
      this.#held = byte;
      this.#count = 8;
    }
    return (this.#held >> --this.#count) & 1;
  }

  /** Returns the next symbol of a code. */
  symbol({ last, offset, symbols }: HuffmanCode): number {
    let code = 0;
    for (let length = 0; length < last.length; length++) {
      code = 2 * code + this.#bit();
      if (code <= last[length]!) {
        const symbol = symbols[code + offset[length]!];
        if (symbol !== undefined) return symbol;
      }
    }
    throw new DamagedStream("a code that no symbol has");
  }

  /** Returns the next number of `size` bits, whose upper half stands for the positive ones. */
  number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = 2 * value + this.#bit();
    return size > 0 && value < 2 ** (size - 1) ? value - 2 ** size + 1 : value;
  }

  /** Goes behind the restart marker that must come next. */
  restart(index: number): void {
    this.#count = 0;
    while (this.#bytes[this.#at] === 255 && this.#bytes[this.#at + 1] === 255) this.#at++;
    if (this.#bytes[this.#at] !== 255 || this.#bytes[this.#at + 1] !== 0xd0 + (index & 7))
      throw new DamagedStream(`restart marker ${index & 7} is missing`);
    this.#at += 2;
  }
}
