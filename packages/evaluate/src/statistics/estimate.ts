import { bcaInterval, expandedLevel, type Interval, percentileInterval } from "./interval.js";
import { pacer, type Resampled } from "./resample.js";

/** The number of independent cases (or groups of cases) below which no interval is given. */
export const fewestGroups = 8;

/** A number over cases and how far it is known. */
export interface Estimate {
  readonly value: number;
  /**
   * The interval to show, which is `percentile`; absent for fewer than 8 groups of cases ("too few to say"),
   * and where the value is infinite or undefined.
   */
  readonly interval?: Interval;
  /** The percentile interval, its level expanded for few groups. */
  readonly percentile?: Interval;
  /** The bias-corrected and accelerated interval, expanded likewise. */
  readonly bca?: Interval;
}

/** Returns the estimates of `count` statistics from `first` on, in slices that let others run. */
export async function estimatesOf(
  { observed, drawn, without }: Resampled,
  {
    first,
    count,
    level,
    signal,
  }: {
    readonly first: number;
    readonly count: number;
    readonly level: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly Estimate[]> {
  const pause = pacer(signal);
  const estimates: Estimate[] = [];
  for (let i = first; i < first + count; i++) {
    estimates.push(estimateOf(observed[i]!, drawn[i]!, without[i]!, level));
    const waiting = pause();
    if (waiting) await waiting;
  }
  return estimates;
}

/** Returns a value with its intervals from the values of draws and those without one group each. */
function estimateOf(value: number, drawn: Float64Array, without: Float64Array, level: number): Estimate {
  if (without.length < fewestGroups || !Number.isFinite(value)) return { value };
  const expanded = expandedLevel(level, without.length);
  const percentile = percentileInterval(drawn, expanded);
  const bca = bcaInterval(drawn, value, without, expanded);
  return { value, interval: percentile, percentile, bca };
}
