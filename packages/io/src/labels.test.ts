import type { Labels } from "@pixelcal/core";
import { expect, test } from "vitest";
import { checkLabelRange, FormatError, labelHash, labelHashSync, labelNumbers, toInt64 } from "./index.js";

const wide = (...values: bigint[]): Labels => ({
  type: "int64",
  dims: [values.length],
  data: BigInt64Array.from(values),
});

test("int64 labels as numbers, also beyond 32 bits", () => {
  expect(labelNumbers(wide(0n, 3n, -1n, 2n ** 31n - 1n, -(2n ** 31n)))).toEqual(
    Int32Array.of(0, 3, -1, 2 ** 31 - 1, -(2 ** 31)),
  );
  expect(labelNumbers(wide(1n, 2n ** 31n, -(2n ** 40n)))).toEqual(Float64Array.of(1, 2 ** 31, -(2 ** 40)));
  const narrow: Labels = { type: "uint8", dims: [1], data: Uint8Array.of(7) };
  expect(labelNumbers(narrow)).toBe(narrow.data);
});

test("and back", () => {
  const labels = wide(0n, 5n);
  expect(toInt64(labels).data).toBe(labels.data);
  expect(toInt64({ type: "int32", dims: [3], data: Int32Array.of(-1, 0, 7) })).toEqual(wide(-1n, 0n, 7n));
  expect(toInt64({ type: "uint8", dims: [2], data: Uint8Array.of(255, 0) })).toEqual(wide(255n, 0n));
});

test.each([
  [wide(0n, 3n), 3, undefined, /x: label: expected classes 0 to 2, got 3 at pixel 1/],
  [wide(-1n), 3, undefined, /got -1 at pixel 0/],
  [wide(2n ** 32n), 3, undefined, /got 4294967296/],
  [wide(2n ** 32n + 1n), 3, 255, /got 4294967297/],
] as const)("%o outside of %i classes", (labels, classes, ignore, message) => {
  expect(() => checkLabelRange("x", labels, classes, ignore)).toThrow(FormatError);
  expect(() => checkLabelRange("x", labels, classes, ignore)).toThrow(message);
});

test("labels in range and the ignore label pass", () => {
  expect(() => checkLabelRange("x", wide(0n, 2n, 255n), 3, 255)).not.toThrow();
  expect(() => checkLabelRange("x", wide(-1n), 3, -1)).not.toThrow();
});

test("the hash is that of the numbers and their shape, whatever the type", () => {
  const hash = (...numbers: number[]): string[] => {
    const dims = [numbers.length];
    const types: Labels[] = [
      wide(...numbers.map(BigInt)),
      { type: "int32", dims, data: Int32Array.from(numbers) },
      { type: "uint8", dims, data: Uint8Array.from(numbers) },
    ];
    return types.map(labelHashSync);
  };
  expect(new Set(hash(0, 1, 255)).size).toBe(1);
  expect(new Set(hash(0, 1, -1)).size).toBe(2);
  expect(new Set([...hash(0, 1), ...hash(1, 0), ...hash(0, 1, 0)]).size).toBe(3);
  const row: Labels = { type: "uint8", dims: [1, 2], data: Uint8Array.of(0, 1) };
  expect(labelHashSync(row)).not.toBe(labelHashSync({ ...row, dims: [2, 1] }));
});

test("hashes are the same in steps and at once", async () => {
  const long = Uint8Array.from({ length: 600_000 }, (_, i) => i % 7);
  for (const labels of [
    { type: "uint8", dims: [600_000], data: long },
    { type: "int64", dims: [600_000], data: BigInt64Array.from(long, BigInt) },
    { type: "int32", dims: [600_000], data: Int32Array.from(long, (value) => value - 3) },
  ] as const) {
    expect(await labelHash(labels)).toBe(labelHashSync(labels));
  }
  expect(labelHashSync({ type: "int32", dims: [600_000], data: Int32Array.from(long) })).toBe(
    labelHashSync({ type: "uint8", dims: [600_000], data: long }),
  );
});
