import type { Interval } from "./interval.js";
import type { Measure } from "./measures.js";

/** The words that a difference allows. */
export type Verdict =
  | "better"
  | "worse"
  | "lower"
  | "higher"
  | "no difference"
  | "unchanged"
  | "too few to say"
  | "undefined";

/**
 * Returns the word for a difference from its interval alone: a difference is claimed only if the interval
 * does not contain 0. A measure that is no quality is "lower" or "higher". "no difference" means that none
 * can be shown with these cases.
 */
export function verdictOf(
  better: Measure["better"],
  {
    difference,
    interval,
    same,
    tooFew,
  }: {
    readonly difference: number;
    readonly interval: Interval | undefined;
    /** Whether every case has the same score in both. */
    readonly same: boolean;
    readonly tooFew: boolean;
  },
): Verdict {
  if (same) return "unchanged";
  if (tooFew) return "too few to say";
  if (interval === undefined || !Number.isFinite(difference)) return "undefined";
  if (!(interval.low > 0) && !(interval.high < 0)) return "no difference";
  const direction = interval.low > 0 ? "higher" : "lower";
  if (better === undefined) return direction;
  return direction === better ? "better" : "worse";
}
