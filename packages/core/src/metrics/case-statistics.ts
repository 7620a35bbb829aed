import { invalidArgument } from "../errors.js";
import { addDigits, digitSum, digitSumLength, isDigitSum, mergeDigits } from "./digit-sums.js";
import type { CaseStatistics } from "./metric.js";
import { checkCounts, checkTotals } from "./metric-state.js";

// A series is the number of finite, infinite and undefined cases, then the sums of values and of squares.
const valuesAt = 3;
const squaresAt = valuesAt + digitSumLength;

/**
 * The sums behind {@link CaseStatistics}, at `at` in a shared array of `CaseSums.length` numbers per series.
 * They have the same bits in any order.
 */
export const CaseSums: {
  readonly length: number;
  add(sums: Float64Array, at: number, value: number): void;
  /** Adds the series at `at` of another array. */
  merge(sums: Float64Array, other: Float64Array, at: number): void;
  /** Throws unless the sums at `at`, read from a state, are possible. */
  check(sums: Float64Array, at: number): void;
  statistics(sums: Float64Array, at: number): CaseStatistics;
} = {
  length: squaresAt + digitSumLength,
  add(sums, at, value) {
    if (Number.isNaN(value)) sums[at + 2]! += 1;
    else if (!Number.isFinite(value)) sums[at + 1]! += 1;
    else {
      sums[at]! += 1;
      addDigits(sums, at + valuesAt, value);
      addDigits(sums, at + squaresAt, value * value);
    }
  },
  merge(sums, other, at) {
    for (let i = at; i < at + valuesAt; i++) sums[i]! += other[i]!;
    mergeDigits(sums, other, at + valuesAt);
    mergeDigits(sums, other, at + squaresAt);
  },
  check(sums, at) {
    checkCounts(sums, at, at + valuesAt);
    for (const begin of [at + valuesAt, at + squaresAt])
      if (!isDigitSum(sums, begin))
        throw invalidArgument("state", "sums of at least 0", sums.subarray(begin, begin + digitSumLength));
  },
  statistics(sums, at) {
    const [finite = 0, infinite = 0, undefinedCases = 0] = sums.subarray(at, at + valuesAt);
    const finiteMean = digitSum(sums, at + valuesAt) / finite;
    const squares = digitSum(sums, at + squaresAt);
    const variance = Math.max(0, squares - finite * finiteMean * finiteMean) / (finite - 1);
    return {
      mean: infinite > 0 ? Number.POSITIVE_INFINITY : finiteMean,
      deviation: finite > 1 ? Math.sqrt(variance) : Number.NaN,
      finiteMean,
      count: finite + infinite,
      infinite,
      undefined: undefinedCases,
    };
  },
};

/** The length of a series before version 3: finite cases, two sums, infinite and undefined cases. */
export const oldSeriesLength = 5;

/** Returns sums with the series from `start` on, of a state before version 3, in the present form. */
export function withDigits(sums: Float64Array, start: number): Float64Array {
  const series = (sums.length - start) / oldSeriesLength;
  if (!Number.isInteger(series) || series < 0)
    throw invalidArgument("state", `${oldSeriesLength} sums per series`, `${sums.length} sums`);
  const upgraded = new Float64Array(start + series * CaseSums.length);
  upgraded.set(sums.subarray(0, start));
  for (let i = 0; i < series; i++) {
    const from = start + i * oldSeriesLength;
    const to = start + i * CaseSums.length;
    const [finite = 0, values = 0, squares = 0, infinite = 0, undefinedCases = 0] = sums.subarray(from);
    checkTotals(sums, from + 1, from + 3);
    upgraded.set([finite, infinite, undefinedCases], to);
    addDigits(upgraded, to + valuesAt, values);
    addDigits(upgraded, to + squaresAt, squares);
  }
  return upgraded;
}
