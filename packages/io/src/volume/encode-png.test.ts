import { expect, test } from "vitest";
import { encodePng } from "./encode-png.js";
import { readVolume } from "./read-volume.js";

const pixels = Uint8Array.of(0, 1, 2, 2, 1, 0);

test("readVolume returns the pixels, grey or with colours", async () => {
  const read = async (bytes: Uint8Array) => {
    const { shape, data } = await readVolume(bytes);
    return { shape, data };
  };
  const colours = [0, 1, 2].map((c) => [c, 2 * c, 255] as const);
  expect(await read(await encodePng(pixels, 3, 2))).toEqual({ shape: [3, 2], data: pixels });
  expect(await read(await encodePng(pixels, 3, 2, { colours }))).toEqual({ shape: [3, 2], data: pixels });
});

test("the palette holds the colours, and equal pixels give equal bytes", async () => {
  const colours = [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ] as const;
  const bytes = await encodePng(pixels, 2, 3, { colours });
  expect(Buffer.from(bytes).includes(Buffer.of(1, 2, 3, 4, 5, 6, 7, 8, 9))).toBe(true);
  expect(await encodePng(pixels, 2, 3, { colours })).toEqual(bytes);
});

test.each([
  [pixels, 0, 2, {}, "width: expected a whole number of at least 1, got 0"],
  [pixels, 3, 1.5, {}, "height: expected a whole number of at least 1, got 1.5"],
  [pixels, 3, 3, {}, "pixels: expected 9 values (3 x 3), got 6"],
  [pixels, 3, 2, { colours: [] }, "colours: expected 1 to 256, got 0"],
  [pixels, 3, 2, { colours: [[0, 0, 0]] as const }, "pixels: the value 2 has no colour among 1; add colours"],
])("%o as %s x %s with %o is refused", async (values, width, height, options, message) => {
  await expect(encodePng(values, width, height, options)).rejects.toThrow(message);
});
