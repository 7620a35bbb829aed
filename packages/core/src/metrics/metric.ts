import type { SignalOption } from "../device.js";
import type { Labels, Probabilities } from "../tensor.js";
import { checkCounts, checkTotals, type MetricJson } from "./metric-state.js";

/** The options of a metric's update. */
export interface MetricUpdateOptions extends SignalOption {
  /** The physical size of a pixel per spatial dimension, for distances. */
  readonly spacing?: readonly number[];
}

/**
 * A score over a stream of cases in bounded memory. `update` takes probabilities `[N, C, ...spatial]` and
 * labels `[N, ...spatial]`; each of the N images is a case. `merge` adds what another accumulator with the
 * same options has seen, in any order (counts exactly, sums up to float64 rounding). `state` is a documented
 * byte string from which the class's static `restore` makes an equal accumulator; `toJSON`, which
 * `JSON.stringify` calls, and the static `fromJSON` do the same with JSON. An update that
 * fails or is aborted adds nothing.
 */
export interface Metric<R> {
  update(probs: Probabilities, labels: Labels, options?: MetricUpdateOptions): Promise<void>;
  merge(other: this): void;
  compute(): R;
  reset(): void;
  state(): Uint8Array;
  toJSON(): MetricJson;
}

/** The statistics of one number per case. */
export interface CaseStatistics {
  /** The mean over the defined cases: Infinity if any case is, NaN if there is no case. */
  readonly mean: number;
  /** The sample standard deviation over the finite cases; NaN for fewer than two. */
  readonly deviation: number;
  /** The mean over the finite cases. */
  readonly finiteMean: number;
  /** The number of defined cases, including infinite ones. */
  readonly count: number;
  readonly infinite: number;
  /** The number of cases whose score is undefined (NaN); they count in no other field. */
  readonly undefined: number;
}

/**
 * The sums behind {@link CaseStatistics}, at `at` in a shared array of `CaseSums.length` numbers per series.
 */
export const CaseSums: {
  readonly length: number;
  add(sums: Float64Array, at: number, value: number): void;
  /** Throws unless the sums at `at`, read from a state, are possible. */
  check(sums: Float64Array, at: number): void;
  statistics(sums: Float64Array, at: number): CaseStatistics;
} = {
  length: 5,
  add(sums, at, value) {
    if (Number.isNaN(value)) sums[at + 4]! += 1;
    else if (!Number.isFinite(value)) sums[at + 3]! += 1;
    else {
      sums[at]! += 1;
      sums[at + 1]! += value;
      sums[at + 2]! += value * value;
    }
  },
  check(sums, at) {
    checkCounts(sums, at, at + 1);
    checkTotals(sums, at + 1, at + 3);
    checkCounts(sums, at + 3, at + 5);
  },
  statistics(sums, at) {
    const value = (i: number): number => sums[at + i]!;
    const [finite, sum, squares, infinite, undefinedCases] = [
      value(0),
      value(1),
      value(2),
      value(3),
      value(4),
    ];
    const finiteMean = sum / finite;
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
