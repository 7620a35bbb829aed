// Sums of values of any magnitude that have the same bits in any order, to float64's precision of the largest
// value. A sum is four numbers in a shared array: the position of its first digit in base 2^26, counted from
// 1, or 0 before the first value, and three sums of digits that are never carried. Every value is cut into
// digits at the same positions, and digits three positions below the largest value's first count in no sum,
// whether they come before it or after it. Digits add up exactly for 2^27 values. After Demmel and Nguyen,
// "Parallel reproducible summation" (2015).

const digitBits = 26;
const digits = 3;
/** The position of the values from 1 to below 2^26, and those of the least and the largest values. */
const onePosition = 38;
const last = 77;

/** The count of numbers that a sum takes. */
export const digitSumLength: number = 1 + digits;

/** Adds a value of at least 0, possibly infinite, to the sum at `at`. */
export function addDigits(sums: Float64Array, at: number, value: number): void {
  if (value === 0 || sums[at]! > last) return;
  if (!Number.isFinite(value)) {
    overflow(sums, at);
    return;
  }
  makeRoom(sums, at, positionOf(value));
  let rest = value;
  for (let i = 0; i < digits; i++) {
    const unit = unitOf(sums[at]! - i);
    const digit = Math.floor(rest / unit);
    sums[at + 1 + i]! += digit;
    rest -= digit * unit;
  }
}

/** Adds the sum at `at` of another array to the one at `at` of `sums`. */
export function mergeDigits(sums: Float64Array, other: Float64Array, at: number): void {
  if (other[at] === 0 || sums[at]! > last) return;
  if (other[at]! > last) {
    overflow(sums, at);
    return;
  }
  makeRoom(sums, at, other[at]!);
  const below = sums[at]! - other[at]!;
  for (let i = 0; i + below < digits; i++) sums[at + 1 + below + i]! += other[at + 1 + i]!;
}

/** Returns the sum at `at` as a number. */
export function digitSum(sums: Float64Array, at: number): number {
  let sum = 0;
  for (let i = digits - 1; i >= 0; i--)
    if (sums[at + 1 + i]! > 0) sum += sums[at + 1 + i]! * unitOf(sums[at]! - i);
  return sum;
}

/** Tells whether the numbers at `at`, read from a state, can be a sum. */
export function isDigitSum(sums: Float64Array, at: number): boolean {
  const [position = -1, ...parts] = sums.subarray(at, at + digitSumLength);
  if (!Number.isInteger(position) || position < 0 || position > last + 1) return false;
  if (position === 0) return parts.every((part) => part === 0);
  if (position > last) return parts[0] === Number.POSITIVE_INFINITY && parts[1] === 0 && parts[2] === 0;
  return parts.every((part) => Number.isSafeInteger(part) && part >= 0);
}

function positionOf(value: number): number {
  // The logarithm may be rounded up to a whole number, which the comparison mends.
  const exponent = Math.floor(Math.log2(value) / digitBits);
  const position = Math.min(last, Math.max(1, exponent + onePosition));
  return position > 1 && value < unitOf(position) ? position - 1 : position;
}

function unitOf(position: number): number {
  return 2 ** (digitBits * (position - onePosition));
}

/** Moves the digits down, so that the first is at `position` or above. */
function makeRoom(sums: Float64Array, at: number, position: number): void {
  const below = position - sums[at]!;
  if (below <= 0) return;
  for (let i = digits - 1; i >= 0; i--) sums[at + 1 + i] = i >= below ? sums[at + 1 + i - below]! : 0;
  sums[at] = position;
}

function overflow(sums: Float64Array, at: number): void {
  sums.set([last + 1, Number.POSITIVE_INFINITY, 0, 0], at);
}
