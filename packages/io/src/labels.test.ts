import type { Labels } from "@pixelcal/core";
import { expect, test } from "vitest";
import { checkLabelRange, FormatError, labelNumbers, toInt64 } from "./index.js";

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
