import fc from "fast-check";
import { expect, test } from "vitest";
import { addDigits, digitSum, digitSumLength, isDigitSum, mergeDigits } from "./digit-sums.js";

/** Returns the sum of values in whole units of 2^-1074, the slow exact twin. */
function exactSum(values: readonly number[]): number {
  let units = 0n;
  const view = new DataView(new ArrayBuffer(8));
  for (const value of values) {
    view.setFloat64(0, value);
    const bits = view.getBigUint64(0);
    const [exponent, fraction] = [bits >> 52n, bits & (2n ** 52n - 1n)];
    units += exponent === 0n ? fraction : (fraction + 2n ** 52n) << (exponent - 1n);
  }
  const length = BigInt(units.toString(2).length);
  const shift = length > 60n ? length - 60n : 0n;
  // Two steps, as 2^-1074 times a number of 60 bits is not a product of two finite numbers otherwise.
  const [scale, half] = [Number(shift) - 1074, Math.floor((Number(shift) - 1074) / 2)];
  return Number(units >> shift) * 2 ** half * 2 ** (scale - half);
}

function summed(values: readonly number[]): Float64Array {
  const sums = new Float64Array(digitSumLength);
  for (const value of values) addDigits(sums, 0, value);
  return sums;
}

const magnitudes = fc
  .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: -300, max: 300 }))
  .map(([factor, power]) => factor * 10 ** power);
const close = fc.tuple(fc.double({ min: 0, max: 9, noNaN: true }), fc.constant(0)).map(([value]) => value);
const lists = fc.array(fc.oneof(close, magnitudes), { maxLength: 30 });

test("a sum is right to float64, whatever the magnitudes", () => {
  fc.assert(
    fc.property(lists, (values) => {
      const expected = exactSum(values);
      const slack = values.length * Math.max(0, ...values) * 2 ** -52 + 2 ** -1000;
      expect(Math.abs(digitSum(summed(values), 0) - expected)).toBeLessThanOrEqual(slack);
    }),
  );
});

test("one value comes back to the bit", () => {
  for (const value of [0, 1, 0.1, 1 / 3, 2 ** 26, 2 ** 26 - 2 ** -26, 5e-290, 1e308, Number.MAX_VALUE])
    expect(digitSum(summed([value]), 0)).toBe(value);
});

test("any order and any split have the same numbers", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(close, magnitudes, fc.constant(Number.POSITIVE_INFINITY)), { maxLength: 20 }),
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 20, maxLength: 20 }),
      (values, part) => {
        const whole = summed(values);
        expect(isDigitSum(whole, 0)).toBe(true);
        expect(summed([...values].reverse())).toEqual(whole);
        const merged = new Float64Array(digitSumLength);
        for (let p = 0; p < 7; p++) mergeDigits(merged, summed(values.filter((_, i) => part[i] === p)), 0);
        expect(merged).toEqual(whole);
      },
    ),
    { numRuns: 300 },
  );
});
