import { expect, test } from "vitest";
import { roundToHalf } from "./round-to-half.js";

const value = (bits: number): number => {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
};

test("every half is itself, and what lies between two goes to the nearer, a tie to the even one", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [value(bits), value(bits + 1)];
    const middle = (low + high) / 2;
    const even = bits % 2 === 0 ? bits : bits + 1;
    const step = (high - low) / 16;
    const given = Float32Array.of(low, -low, middle, middle - step, middle + step);
    expect([...roundToHalf(given, "float16")]).toEqual([bits, bits | 0x8000, even, bits, bits + 1]);
  }
});

test("beyond the largest half is infinity; NaN stays one", () => {
  const given = Float32Array.of(
    65519,
    65520,
    -1e30,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    2 ** -25,
    2 ** -149,
  );
  expect([...roundToHalf(given, "float16")]).toEqual([0x7bff, 0x7c00, 0xfc00, 0xfc00, 0x7e00, 0, 0]);
});

test("bfloat16 is the upper half of a float32, rounded", () => {
  const given = Float32Array.of(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -3e38, 3.4e38, Number.NaN);
  expect([...roundToHalf(given, "bfloat16")]).toEqual([0x3f80, 0x3f80, 0x3f82, 0xff62, 0x7f80, 0x7fc0]);
});
