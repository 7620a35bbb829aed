import { expect, test } from "vitest";
import { undoPredictor, unpackBits, unpackLzw } from "./tiff-packing.js";

/** Packs as TIFF 6.0 says, string by string: the slow twin. */
function lzw(bytes: Uint8Array): Uint8Array {
  let bits = "";
  let table = new Map<string, number>();
  let next = 0;
  let width = 9;
  const write = (code: number): void => {
    bits += code.toString(2).padStart(width, "0");
  };
  const reset = (): void => {
    write(256);
    table = new Map(Array.from({ length: 256 }, (_, i) => [`${i}`, i]));
    next = 258;
    width = 9;
  };
  reset();
  let text = "";
  for (const byte of bytes) {
    const longer = text === "" ? `${byte}` : `${text},${byte}`;
    if (table.has(longer)) {
      text = longer;
      continue;
    }
    write(table.get(text)!);
    table.set(longer, next++);
    if (next === 4094) reset();
    else if (next >= 2 ** width) width++;
    text = `${byte}`;
  }
  write(table.get(text)!);
  next++;
  if (next > 2 ** width - 1) width = Math.min(12, width + 1);
  write(257);
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    Number.parseInt(bits.slice(8 * i, 8 * i + 8).padEnd(8, "0"), 2),
  );
}

/** Makes repeatable bytes with as many values as `letters`. */
function noise(length: number, letters: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % letters;
  });
}

test.each([1, 2, 5, 256])("LZW of %i letters through every width of code", (letters) => {
  for (const length of [1, 2, 300, 20_000]) {
    const bytes = noise(length, letters);
    const packed = lzw(bytes);
    const out = new Uint8Array(length);
    expect(unpackLzw(packed, out)).toBe(true);
    expect(Buffer.compare(out, bytes)).toBe(0);
    expect(unpackLzw(packed, new Uint8Array(length + 1))).toBe(false);
    if (length > 300) expect(unpackLzw(packed.subarray(0, packed.length >> 1), out)).toBe(false);
  }
});

test("PackBits: runs, copies, the code without meaning and data that ends early", () => {
  const packed = Uint8Array.of(2, 1, 2, 3, 128, 254, 9);
  const out = new Uint8Array(6);
  expect(unpackBits(packed, out)).toBe(true);
  expect(out).toEqual(Uint8Array.of(1, 2, 3, 9, 9, 9));
  expect(unpackBits(packed, new Uint8Array(7))).toBe(false);
  expect(unpackBits(packed.subarray(0, -1), out)).toBe(false);
});

test("the predictor wraps as the samples do", () => {
  const row = Uint8Array.of(250, 1, 10, 2);
  undoPredictor(row, 2);
  expect(row).toEqual(Uint8Array.of(250, 1, 4, 3));
});
