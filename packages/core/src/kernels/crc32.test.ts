import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { crc32Sync } from "../index.js";

test("crc32 equals that of zlib, of bytes anywhere in a buffer and behind others", () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 2654435761) >>> 24);
  for (const [begin, end] of [
    [0, 0],
    [1, 64],
    [3, 67],
    [7, 4100],
    [0, 5000],
  ] as const) {
    const part = bytes.subarray(begin, end);
    expect(crc32Sync(part)).toBe(crc32(part));
    expect(crc32Sync(part, 0xfedcba98)).toBe(crc32(part, 0xfedcba98));
  }
});

test("crc32 refuses anything but bytes and a number of 32 bits", () => {
  expect(() => crc32Sync([1] as never)).toThrow("bytes: expected");
  expect(() => crc32Sync(new Uint8Array(1), -1)).toThrow("start: expected 0 to 2^32 - 1, got -1");
});
