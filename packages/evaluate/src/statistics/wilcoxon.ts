import { portableMath } from "@pixelcal/core";

/** The largest number of differences other than 0 for which all signs are counted. */
const mostExact = 25;

/** The outcome of a Wilcoxon signed-rank test. */
export interface SignedRanks {
  /** The two-sided p-value; 1 without differences. */
  readonly p: number;
  /** The sum of the ranks of positive differences. */
  readonly positive: number;
  /** The number of differences other than 0. */
  readonly count: number;
  /** Whether all patterns of signs were counted, or the normal approximation was used. */
  readonly exact: boolean;
}

/**
 * Tests whether paired differences are symmetric around 0. Differences of 0 are left out (Wilcoxon's own
 * treatment) and equal sizes share their mean rank. Up to 25 differences the p-value counts all patterns of
 * signs given these ranks; beyond that it is the normal approximation, corrected for ties, without a
 * correction for continuity.
 */
export function signedRankTest(differences: readonly number[]): SignedRanks {
  const sizes = differences.filter((d) => d !== 0 && !Number.isNaN(d));
  const count = sizes.length;
  if (count === 0) return { p: 1, positive: 0, count, exact: true };
  const order = sizes.map((d) => Math.abs(d)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  // Twice the mean rank is whole: the first place plus the last.
  const doubled = new Map<number, number>();
  let ties = 0;
  for (let first = 0; first < count; ) {
    let last = first;
    while (order[last + 1] === order[first]) last++;
    doubled.set(order[first]!, first + last + 2);
    const tied = last - first + 1;
    ties += tied * tied * tied - tied;
    first = last + 1;
  }
  const ranks = sizes.map((d) => doubled.get(Math.abs(d))!);
  const sum = ranks.reduce((total, rank, i) => (sizes[i]! > 0 ? total + rank : total), 0);
  const exact = count <= mostExact;
  const p = exact ? exactP(ranks, sum) : normalP(count, sum / 2, ties);
  return { p, positive: sum / 2, count, exact };
}

/** Returns the share of sign patterns whose sum is as extreme as `sum`, both sides. */
function exactP(ranks: readonly number[], sum: number): number {
  const most = ranks.reduce((total, rank) => total + rank, 0);
  const patterns = new Float64Array(most + 1);
  patterns[0] = 1;
  let reach = 0;
  for (const rank of ranks) {
    reach += rank;
    for (let at = reach; at >= rank; at--) patterns[at]! += patterns[at - rank]!;
  }
  const upTo = (last: number): number => patterns.subarray(0, last + 1).reduce((total, n) => total + n, 0);
  const tail = Math.min(upTo(sum), upTo(most - sum));
  return Math.min(1, (2 * tail) / 2 ** ranks.length);
}

function normalP(count: number, positive: number, ties: number): number {
  const mean = (count * (count + 1)) / 4;
  const variance = (count * (count + 1) * (2 * count + 1)) / 24 - ties / 48;
  return Math.min(1, 2 * portableMath.normalCdf(-Math.abs(positive - mean) / Math.sqrt(variance)));
}
