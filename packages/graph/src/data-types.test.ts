import type { DataType } from "@pixelcal/core";
import { expect, test } from "vitest";
import { numberOf, numbersOf, textOf } from "./attributes.js";
import { dataType, fromNumbers, onnxTypes, toNumbers } from "./index.js";

test("every type has ONNX's number and holds numbers", () => {
  for (const type of Object.keys(onnxTypes) as DataType[]) {
    expect(dataType(onnxTypes[type])).toBe(type);
    expect(Array.from(toNumbers(fromNumbers(type, [0, 1, 1], [3])))).toEqual([0, 1, 1]);
  }
  expect(dataType(8)).toBeUndefined();
});

test.each([
  [1, 0x3c00],
  [-2, 0xc000],
  [65504, 0x7bff],
  [65520, 0x7c00],
  [Number.NEGATIVE_INFINITY, 0xfc00],
  [2 ** -24, 1],
  [2 ** -25, 0],
  [3 * 2 ** -25, 2],
  [2 ** -14, 0x0400],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [2 - 2 ** -12, 0x4000],
  [-0, 0x8000],
])("%d in half precision", (value, bits) => {
  expect(fromNumbers("float16", [value], [1]).data[0]).toBe(bits);
});

test("every half number survives", () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = toNumbers({ type: "float16", dims: [1], data: Uint16Array.of(bits) });
    expect(fromNumbers("float16", value, [1]).data[0]).toBe(bits);
  }
  expect(toNumbers(fromNumbers("float16", [Number.NaN], [1]))[0]).toBeNaN();
});

test.each([
  [2 ** 63, 2n ** 63n - 1n],
  [Number.POSITIVE_INFINITY, 2n ** 63n - 1n],
  [-(2 ** 64), -(2n ** 63n)],
  [-1.5, -1n],
])("%d as a 64-bit integer saturates", (value, expected) => {
  expect(fromNumbers("int64", [value], [1]).data[0]).toBe(expected);
});

test("attributes are read by type, floats in single precision", () => {
  const node = { name: "n", attributes: { epsilon: 1e-5, axis: 2, mode: "edge", pads: [1, 2] } };
  expect(numberOf(node, "epsilon")).toBe(Math.fround(1e-5));
  expect(numberOf(node, "missing", 7)).toBe(7);
  expect(textOf(node, "mode", "constant")).toBe("edge");
  expect(numbersOf(node, "pads")).toEqual([1, 2]);
  expect(numbersOf(node, "missing")).toBeUndefined();
  expect(() => numberOf(node, "mode")).toThrow("n.mode: expected a number, got edge");
  expect(() => numberOf(node, "missing")).toThrow("n.missing: missing; expected a number");
  expect(() => textOf(node, "axis", "")).toThrow("n.axis: expected a string, got 2");
  expect(() => numbersOf(node, "axis")).toThrow("n.axis: expected a list of numbers, got 2");
});

// Node has it from version 24 on.
const Float16Array = (globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => Uint16Array })
  .Float16Array;
test.skipIf(Float16Array === undefined)("a Float16Array (Node 24 or newer) is read as its bits", () => {
  const data = new Float16Array!(Uint16Array.of(0x3c00, 0x3800, 0xc000).buffer);
  expect([...toNumbers({ type: "float16", dims: [3], data })]).toEqual([1, 0.5, -2]);
});
