import { describe, expect, test } from "vitest";
import { readVolume } from "../read-volume.js";
import { dicomBytes, imageElements, implicitSyntax } from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import { unpackExtendedJpeg } from "./extended-jpeg.js";
import { inverseTransform } from "./jpeg-idct.js";
import { tags } from "./tags.js";

/** Returns a generator of whole numbers below a limit. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** The inverse cosine transform by its definition, in doubles. */
const obvious = (block: ArrayLike<number>): number[] =>
  Array.from({ length: 64 }, (_, at) => {
    const [y, x] = [at >> 3, at & 7];
    let sum = 0;
    for (let i = 0; i < 64; i++) {
      const [v, u] = [i >> 3, i & 7];
      const scale = (u === 0 ? Math.SQRT1_2 : 1) * (v === 0 ? Math.SQRT1_2 : 1);
      const wave = Math.cos(((2 * x + 1) * u * Math.PI) / 16) * Math.cos(((2 * y + 1) * v * Math.PI) / 16);
      sum += scale * block[i]! * wave;
    }
    return Math.min(4095, Math.max(0, sum / 4 + 2048));
  });

test("the transform is within one of its definition, and exact for a mean", () => {
  const draw = numbers(7);
  for (let round = 0; round < 50; round++) {
    const block = Float64Array.from(
      { length: 64 },
      (_, i) => draw(i === 0 ? 8000 : 600) - (i === 0 ? 4000 : 300),
    );
    const wanted = obvious(block);
    inverseTransform(block);
    for (const [i, value] of block.entries()) expect(Math.abs(value - wanted[i]!)).toBeLessThan(1);
  }
  const flat = Float64Array.from({ length: 64 }, (_, i) => (i === 0 ? 8 * 100 : 0));
  inverseTransform(flat);
  expect([...flat]).toEqual(new Array(64).fill(2148));
});

/** The standard's table (figure A.6): the row-by-row place of each coefficient of the stream. */
const order = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
];

const sizeOf = (value: number): number => (value === 0 ? 0 : 32 - Math.clz32(Math.abs(value)));

/** Packs blocks of quantised coefficients, in the stream's order, with codes of 8 bits. */
function packed(
  blocks: readonly (readonly number[])[],
  columns: number,
  rows: number,
  restart = 0,
): Uint8Array {
  const out: number[] = [];
  let text = "";
  const put = (value: number, count: number): void => {
    text += count === 0 ? "" : value.toString(2).padStart(count, "0");
  };
  const number = (value: number): void =>
    put(value < 0 ? value + 2 ** sizeOf(value) - 1 : value, sizeOf(value));
  const flush = (): void => {
    text += "1".repeat((8 - (text.length % 8)) % 8);
    for (const byte of text.match(/.{8}/g) ?? [])
      out.push(...(byte === "11111111" ? [255, 0] : [Number.parseInt(byte, 2)]));
    text = "";
  };
  // The codes of both tables are the places of their symbols.
  const means = Array.from({ length: 16 }, (_, i) => i);
  const others = [0, 0xf0, ...Array.from({ length: 225 }, (_, i) => 16 * Math.floor(i / 15) + (i % 15) + 1)];
  let before = 0;
  for (const [index, block] of blocks.entries()) {
    if (restart > 0 && index > 0 && index % restart === 0) {
      flush();
      out.push(255, 0xd0 + ((index / restart - 1) & 7));
      before = 0;
    }
    put(sizeOf(block[0]! - before), 8);
    number(block[0]! - before);
    before = block[0]!;
    let run = 0;
    for (const value of block.slice(1)) {
      if (value === 0) run++;
      else {
        for (; run > 15; run -= 16) put(1, 8);
        put(others.indexOf(16 * run + sizeOf(value)), 8);
        number(value);
        run = 0;
      }
    }
    if (run > 0) put(0, 8);
  }
  flush();
  const table = (name: number, symbols: readonly number[]): number[] => [
    ...[255, 0xc4, 0, 19 + symbols.length, name, 0, 0, 0, 0, 0, 0, 0, symbols.length],
    ...new Array<number>(8).fill(0),
    ...symbols,
  ];
  const head = [
    ...[255, 0xd8, 255, 0xdb, 0, 67, 0, ...Array.from({ length: 64 }, (_, i) => i + 1)],
    ...[255, 0xc1, 0, 11, 12, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0],
    ...table(0, means),
    ...table(0x10, others),
    ...(restart > 0 ? [255, 0xdd, 0, 4, 0, restart] : []),
    ...[255, 0xda, 0, 8, 1, 1, 0, 0, 63, 0],
  ];
  return Uint8Array.from([...head, ...out, 255, 0xd9]);
}

/** Draws blocks of a few coefficients each, some of them behind long runs of zeros. */
function drawn(count: number): number[][] {
  const draw = numbers(count);
  return Array.from({ length: count }, () =>
    Array.from({ length: 64 }, (_, i) =>
      i === 0 ? draw(4000) - 2000 : draw(6) === 0 ? draw(41) - 20 : i === 63 ? draw(3) : 0,
    ),
  );
}

/** The samples of blocks, by the transform, without a stream. */
function samples(blocks: readonly (readonly number[])[], columns: number, rows: number): number[] {
  const across = Math.ceil(columns / 8);
  const planes = blocks.map((block) => {
    const values = new Float64Array(64);
    for (const [k, value] of block.entries()) values[order[k]!] = value * (k + 1);
    inverseTransform(values);
    return values;
  });
  return Array.from({ length: columns * rows }, (_, i) => {
    const [y, x] = [Math.floor(i / columns), i % columns];
    return planes[(y >> 3) * across + (x >> 3)]![8 * (y & 7) + (x & 7)]!;
  });
}

describe("JPEG of 12 bits", () => {
  const [columns, rows] = [21, 18];
  const blocks = drawn(9);
  const file = (stream: Uint8Array, fields: Parameters<typeof imageElements>[0] = {}): Uint8Array => {
    const fragment = stream.length % 2 === 0 ? stream : Uint8Array.from([...stream, 0]);
    const elements = {
      ...imageElements({ rows, columns, stored: 12, ...fields }),
      [tags.pixels]: ["OB", { fragments: [fragment] }] as const,
    };
    return dicomBytes(elements, { syntax: `${implicitSyntax}.4.51` });
  };

  test.each([0, 1, 4])("gives the samples of its blocks, with restarts after %i blocks", async (restart) => {
    const stream = packed(blocks, columns, rows, restart);
    const volume = await readVolume(file(stream));
    expect(volume).toMatchObject({ type: "uint16", shape: [columns, rows] });
    expect([...volume.data]).toEqual(samples(blocks, columns, rows));
  });

  test("a stream that is cut anywhere is refused", async () => {
    const stream = packed(blocks, columns, rows);
    for (let end = 4; end < stream.length; end += 13)
      expect(await refusalOf(file(stream.slice(0, end)))).toContain("frame 1: ");
    const missing = packed(blocks, columns, rows, 4).map((byte, i, all) =>
      all[i - 1] === 255 && byte === 0xd0 ? 0xd3 : byte,
    );
    expect(await refusalOf(file(missing))).toContain("restart marker 0 is missing");
    const progressive = stream.map((byte, i) => (stream[i - 1] === 255 && byte === 0xc1 ? 0xc2 : byte));
    expect(await refusalOf(file(progressive))).toContain("with 12 bits is not read");
    expect(await refusalOf(file(stream, { allocated: 8, stored: 8 }))).toContain(
      "12 bits, expected at most 8",
    );
  });

  test("a huge picture of few bytes takes no memory", () => {
    const stream = packed(blocks, 65000, 65000);
    expect(() => unpackExtendedJpeg(stream, 65000, 65000)).toThrow("ended early");
  });
});
