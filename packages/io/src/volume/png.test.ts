import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readVolume } from "./read-volume.js";
import { type PngFields, pngBytes, pngChunk } from "./testing/png-bytes.js";

const grey: PngFields = {
  width: 3,
  height: 2,
  depth: 8,
  colour: 0,
  rows: Uint8Array.of(0, 1, 2, 3, 0, 4, 5, 6),
};

const cases: readonly [string, PngFields, object][] = [
  [
    "8 bits",
    grey,
    { format: "PNG", type: "uint8", shape: [3, 2], spacing: [1, 1], data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  ],
  [
    "16 bits",
    { ...grey, depth: 16, width: 1, rows: Uint8Array.of(0, 1, 2, 0, 255, 0) },
    { type: "uint16", data: Uint16Array.of(258, 65280) },
  ],
  [
    "1 bit",
    { ...grey, depth: 1, rows: Uint8Array.of(0, 0b10100000, 0, 0b01000000) },
    { data: Uint8Array.of(1, 0, 1, 0, 1, 0) },
  ],
  [
    "2 bits of grey",
    { ...grey, depth: 2, rows: Uint8Array.of(0, 0b00011000, 0, 0b11000000) },
    { data: Uint8Array.of(0, 85, 170, 255, 0, 0) },
  ],
  [
    "a palette of 4 bits",
    { ...grey, depth: 4, colour: 3, rows: Uint8Array.of(0, 0x12, 0x30, 0, 0x00, 0xf0) },
    { data: Uint8Array.of(1, 2, 3, 0, 0, 15) },
  ],
  [
    "RGB",
    { ...grey, width: 2, height: 1, colour: 2, rows: Uint8Array.of(0, 1, 2, 3, 4, 5, 6) },
    { channels: 3, shape: [2, 1], data: Uint8Array.of(1, 4, 2, 5, 3, 6) },
  ],
  [
    "Adam7",
    { ...grey, interlace: 1, rows: Uint8Array.of(0, 1, 0, 3, 0, 2, 0, 4, 5, 6) },
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  ],
  [
    "filter 1",
    { ...grey, rows: Uint8Array.of(1, 1, 1, 1, 1, 4, 1, 1) },
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  ],
  [
    "filter 2",
    { ...grey, rows: Uint8Array.of(2, 1, 2, 3, 2, 3, 3, 3) },
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  ],
  [
    "filter 3",
    { ...grey, rows: Uint8Array.of(0, 1, 2, 3, 3, 4, 2, 2) },
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  ],
  [
    "filter 4",
    { ...grey, rows: Uint8Array.of(0, 1, 2, 3, 4, 3, 1, 1) },
    { data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  ],
];
test.each(cases)("%s", async (_, fields, expected) => {
  expect(await readVolume(pngBytes(fields))).toMatchObject(expected);
});

const whole = pngBytes(grey);
const changed = (at: number): Uint8Array => whole.map((byte, i) => (i === at ? byte ^ 1 : byte));
/** Returns a file whose IDAT chunk holds other bytes, under a right or a wrong checksum. */
const withPixels = (packed: Uint8Array, damage = 0): Uint8Array =>
  Buffer.concat([
    whole.subarray(0, 33),
    pngChunk("IDAT", packed, damage),
    pngChunk("IEND", new Uint8Array(0)),
  ]);

test("a wrong checksum of packed pixels that are intact is noted", async () => {
  const { data, notes } = await readVolume(withPixels(deflateSync(grey.rows), 5));
  expect(data).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
  expect(notes.join()).toMatch(/checksum of the IDAT chunk at byte 33 is wrong/);
});

const lies: readonly [string, Uint8Array, RegExp][] = [
  ["no signature", changed(0), /not a PNG file \(at byte 0\)/],
  ["a damaged header", changed(20), /IHDR: checksum mismatch, the file is damaged \(at byte 8\)/],
  ["a file cut short", whole.subarray(0, -15), /ended early/],
  ["no end", whole.subarray(0, -12), /ended early: no IEND chunk/],
  ["no pixels", Buffer.concat([whole.subarray(0, 33), whole.subarray(-12)]), /IDAT: is missing/],
  ["no header", Buffer.concat([whole.subarray(0, 8), whole.subarray(33)]), /expected one IHDR chunk/],
  ["two headers", Buffer.concat([whole.subarray(0, 33), whole.subarray(8)]), /expected one IHDR chunk/],
  [
    "an unknown critical chunk",
    pngBytes({ ...grey, before: [pngChunk("ABCD", new Uint8Array(2))] }),
    /ABCD: a chunk that must be known/,
  ],
  ["three bits", pngBytes({ ...grey, depth: 3 }), /3 bits of colour type 0 do not exist/],
  ["colour type 5", pngBytes({ ...grey, colour: 5 }), /colour type 5/],
  ["interlace 2", pngBytes({ ...grey, interlace: 2 }), /interlace/],
  ["no width", pngBytes({ ...grey, width: 0 }), /is empty/],
  ["huge sizes", pngBytes({ ...grey, width: 2 ** 31, height: 2 ** 31 }), /exceeds the limit/],
  ["more than packed can hold", pngBytes({ ...grey, width: 30000, height: 30000 }), /cannot unpack to/],
  ["too few rows", pngBytes({ ...grey, height: 3 }), /ended early: unpacks to 8 bytes, 12 were expected/],
  [
    "an unknown filter",
    pngBytes({ ...grey, rows: Uint8Array.of(9, 1, 2, 3, 0, 4, 5, 6) }),
    /unknown filter 9/,
  ],
  [
    "damaged pixels",
    withPixels(
      deflateSync(grey.rows).map((byte, i) => (i === 8 ? byte ^ 4 : byte)),
      5,
    ),
    /damaged zlib stream|ended early/,
  ],
];
describe("lies", () => {
  test.each(lies)("%s", async (_, bytes, message) => {
    const error = await readVolume(bytes, { source: "a.png" }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message).toMatch(message);
  });
});
