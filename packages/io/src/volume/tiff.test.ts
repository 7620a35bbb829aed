import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readVolume } from "./read-volume.js";
import { type TiffPage, tiffBytes } from "./testing/tiff-bytes.js";

const values = Uint8Array.of(1, 2, 3, 4, 5, 6);
const fields = { 256: [3], 257: [2], 258: [8], 259: [1], 262: [1], 277: [1], 278: [2] };
const page = (more: TiffPage["fields"] = {}, ...blocks: readonly Uint8Array[]): TiffPage => ({
  fields: { ...fields, ...more },
  blocks: blocks.length > 0 ? blocks : [values],
});

/** Packs into codes of 9 bits: a clear code, every byte as it is, an end. */
function lzw(codes: readonly number[]): Uint8Array {
  const bits = codes.map((code) => code.toString(2).padStart(9, "0")).join("");
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    Number.parseInt(bits.slice(8 * i, 8 * i + 8).padEnd(8, "0"), 2),
  );
}

const cases: readonly [string, Uint8Array, object][] = [
  ["one page", tiffBytes([page()]), { format: "TIFF", type: "uint8", shape: [3, 2], data: values }],
  [
    "a stack",
    tiffBytes([
      page(),
      page(
        {},
        values.map((x) => x + 10),
      ),
    ]),
    { shape: [3, 2, 2], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16) },
  ],
  [
    "two strips",
    tiffBytes([page({ 278: [1] }, values.subarray(0, 3), values.subarray(3))]),
    { data: values },
  ],
  [
    "tiles",
    tiffBytes([page({ 322: [2], 323: [2] }, Uint8Array.of(1, 2, 4, 5), Uint8Array.of(3, 0, 6, 0))]),
    { data: values },
  ],
  ["deflate", tiffBytes([page({ 259: [8] }, deflateSync(values))]), { data: values }],
  [
    "PackBits",
    tiffBytes([page({ 259: [32773], 256: [4] }, Uint8Array.of(254, 7, 4, 1, 2, 3, 4, 5))]),
    { data: Uint8Array.of(7, 7, 7, 1, 2, 3, 4, 5) },
  ],
  [
    "LZW",
    tiffBytes([page({ 259: [5] }, lzw([256, 1, 2, 258, 260, 257]))]),
    { data: Uint8Array.of(1, 2, 1, 2, 1, 2) },
  ],
  ["a predictor", tiffBytes([page({ 317: [2] }, Uint8Array.of(1, 1, 1, 4, 1, 1))]), { data: values }],
  [
    "16 bits, big-endian",
    tiffBytes([page({ 258: [16], 256: [3], 257: [1], 278: [1] })], false),
    { type: "uint16", data: Uint16Array.of(258, 772, 1286) },
  ],
  [
    "16 bits, little-endian",
    tiffBytes([page({ 258: [16], 339: [2], 257: [1], 278: [1] })]),
    { type: "int16", data: Int16Array.of(513, 1027, 1541) },
  ],
  [
    "RGB",
    tiffBytes([page({ 256: [2], 257: [1], 258: [8, 8, 8], 277: [3], 262: [2] })]),
    { channels: 3, shape: [2, 1], data: Uint8Array.of(1, 4, 2, 5, 3, 6) },
  ],
  [
    "ImageJ",
    tiffBytes(
      [0, 1].map(() =>
        page({ 270: "ImageJ=1.53\nimages=2\nslices=2\nspacing=3\nunit=mm\n", 282: [2], 283: [4] }),
      ),
    ),
    { spacing: [0.5, 0.25, 3], units: "mm" },
  ],
  [
    "ImageJ in micrometres",
    tiffBytes(
      [0, 1].map(() =>
        page({ 270: "ImageJ=1.53\nimages=2\nslices=2\nspacing=3\nunit=\\u00B5m\n", 282: [2], 283: [4] }),
      ),
    ),
    { spacing: [0.0005, 0.00025, 0.003], units: "um" },
  ],
  [
    "ImageJ channels",
    tiffBytes(
      [1, 2, 3, 4].map((i) =>
        page({ 270: "ImageJ=1.53\nimages=4\nchannels=2\nslices=2\n", 256: [1], 257: [1] }, Uint8Array.of(i)),
      ),
    ),
    { channels: 2, shape: [1, 1, 2], data: Uint8Array.of(1, 3, 2, 4) },
  ],
];
test.each(cases)("%s", async (_, bytes, expected) => {
  expect(await readVolume(bytes)).toMatchObject(expected);
});

test("nnU-Net's spacing beside an image and its labels", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tiff-"));
  const stack = tiffBytes([page(), page()]);
  for (const name of ["case_1.tif", "case_1_0000.tif"]) await writeFile(join(folder, name), stack);
  await writeFile(join(folder, "case_1.json"), '{"spacing": [3, 2, 1]}');
  for (const name of ["case_1.tif", "case_1_0000.tif"])
    expect((await readVolume(join(folder, name))).spacing).toEqual([1, 2, 3]);
  await writeFile(join(folder, "case_1.json"), '{"spacing": [3, 0, 1]}');
  await expect(readVolume(join(folder, "case_1.tif"))).rejects.toThrow(
    /case_1\.json: spacing: expected three positive/,
  );
  await writeFile(join(folder, "case_1.json"), "{");
  await expect(readVolume(join(folder, "case_1.tif"))).rejects.toThrow(FormatError);
  await rm(folder, { recursive: true });
});

const circle = tiffBytes([page(), page()]);
const view = new DataView(circle.buffer);
const first = view.getUint32(4, true);
const second = view.getUint32(first + 2 + 12 * view.getUint16(first, true), true);
view.setUint32(second + 2 + 12 * view.getUint16(second, true), first, true);

const lies: readonly [string, Uint8Array, RegExp][] = [
  ["no pages", Uint8Array.of(0x49, 0x49, 42, 0, 0, 0, 0, 0), /holds no pages/],
  ["a page past the end", Uint8Array.of(0x49, 0x49, 42, 0, 255, 255, 0, 0), /ended early/],
  ["pages in a circle", circle, /in a circle/],
  ["a header cut short", Uint8Array.of(0x49, 0x49, 42, 0), /ended early|not a TIFF file/],
  ["no width", tiffBytes([page({ 256: [0] })]), /is empty/],
  ["huge sizes", tiffBytes([page({ 256: [2 ** 31], 257: [2 ** 31] })]), /exceeds the limit/],
  ["more than there is", tiffBytes([page({ 256: [3000], 257: [2000], 278: [2000] })]), /ended early/],
  ["one bit", tiffBytes([page({ 258: [1] })]), /samples of 1 bits and format 1 are not read/],
  ["complex samples", tiffBytes([page({ 258: [64], 339: [6] })]), /format 6 are not read/],
  ["JPEG", tiffBytes([page({ 259: [7] })]), /compression: 7 is not read; store uncompressed/],
  ["an unknown predictor", tiffBytes([page({ 317: [3] })]), /predictor: 3 is not read/],
  ["too few strips", tiffBytes([page({ 278: [1] })]), /expected 2 blocks of pixels, got 1/],
  ["a strip past the end", tiffBytes([page({ 273: [99999] })]), /ended early/],
  ["a short strip", tiffBytes([page({ 279: [4] })]), /ended early: 4 bytes of pixels, 6 were expected/],
  [
    "deflate of less",
    tiffBytes([page({ 259: [8] }, deflateSync(values.subarray(1)))]),
    /unpacks to 5 bytes, 6/,
  ],
  ["PackBits of less", tiffBytes([page({ 259: [32773] }, Uint8Array.of(255, 1))]), /damaged or end early/],
  ["LZW without sense", tiffBytes([page({ 259: [5] }, lzw([256, 1, 400]))]), /damaged or end early/],
  ["pages of two sizes", tiffBytes([page(), page({ 256: [2] })]), /page 2 has another size or type/],
  [
    "other numbers of images",
    tiffBytes([page({ 270: "ImageJ=1\nimages=3\n" })]),
    /ImageJ names 3 images, the file has 1 pages/,
  ],
  ["a film", tiffBytes([page({ 270: "ImageJ=1\nframes=2\n" })]), /2 frames of a film/],
];
describe("lies", () => {
  test.each(lies)("%s", async (_, bytes, message) => {
    const error = await readVolume(bytes, { source: "a.tif" }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message).toMatch(message);
  });
});
