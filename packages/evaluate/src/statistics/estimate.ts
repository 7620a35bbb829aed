import { ascending, bcaInterval, expandedLevel, type Interval, percentileInterval } from "./interval.js";
import { pacer, type Resampled } from "./resample.js";

/** The number of independent cases (or groups of cases) below which no interval is given. */
export const fewestGroups = 8;

/** A number over cases and how far it is known. */
export interface Estimate {
  readonly value: number;
  /**
   * The interval to show: `percentile`, for errors of all pixels together moved by their bias, which the
   * draws show. Absent for fewer than 8 groups of cases ("too few to say"), and where the value is infinite
   * or undefined.
   */
  readonly interval?: Interval;
  /** The percentile interval, its level expanded for few groups. */
  readonly percentile?: Interval;
  /** The bias-corrected and accelerated interval, expanded likewise. */
  readonly bca?: Interval;
}

/**
 * The kinds of statistics: means over cases, errors of all pixels together, which have a bias upwards and a
 * least value of 0, and differences of such errors.
 */
export type StatisticKind = "mean" | "error" | "difference of errors";

/** Returns the estimates of statistics of these kinds from `first` on, in slices that let others run. */
export async function estimatesOf(
  { observed, drawn, without }: Resampled,
  {
    first,
    kinds,
    level,
    signal,
  }: {
    readonly first: number;
    readonly kinds: readonly StatisticKind[];
    readonly level: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly Estimate[]> {
  const pause = pacer(signal);
  const estimates: Estimate[] = [];
  for (const [k, kind] of kinds.entries()) {
    const i = first + k;
    estimates.push(estimateOf(observed[i]!, drawn[i]!, without[i]!, level, kind));
    const waiting = pause();
    if (waiting) await waiting;
  }
  return estimates;
}

/** Returns a value with its intervals from the values of draws and those without one group each. */
function estimateOf(
  value: number,
  drawn: Float64Array,
  without: Float64Array,
  level: number,
  kind: StatisticKind,
): Estimate {
  if (without.length < fewestGroups || !Number.isFinite(value)) return { value };
  const expanded = expandedLevel(level, without.length);
  const sorted = ascending(drawn);
  const percentile = percentileInterval(sorted, expanded);
  const bca = bcaInterval(sorted, value, without, expanded);
  const interval = kind === "mean" ? percentile : unbiased(percentile, value, drawn);
  const least = kind === "error" ? 0 : Number.NEGATIVE_INFINITY;
  return { value, interval: { low: Math.max(least, interval.low), high: interval.high }, percentile, bca };
}

/** Returns an interval moved by the mean difference between the draws' values and the observed one. */
function unbiased({ low, high }: Interval, value: number, drawn: Float64Array): Interval {
  const defined = drawn.filter((each) => !Number.isNaN(each));
  const bias = defined.reduce((sum, each) => sum + each, 0) / defined.length - value;
  return Number.isFinite(bias) ? { low: low - bias, high: high - bias } : { low, high };
}
