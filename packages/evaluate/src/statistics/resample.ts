import { setImmediate } from "node:timers/promises";
import { Random, resampledSums, type Tensor, tensor, weightedSums } from "@pixelcal/core";
import type { CaseTable } from "./case-table.js";

export interface ResampleOptions {
  readonly draws: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** The values of statistics over cases, and the ways in which they vary with the cases. */
export interface Resampled {
  readonly observed: Float64Array;
  /** The values over groups drawn with replacement, [statistics][draws]. */
  readonly drawn: readonly Float64Array[];
  /** The values without one group, [statistics][groups]. */
  readonly without: readonly Float64Array[];
}

/** Writes the values of statistics of the sums of all tables. */
export type Statistics = (sums: readonly Float64Array[], into: Float64Array) => void;

/** The time in ms after which a long loop lets others have the event loop. */
const slice = 5;

/** Returns a function that waits when a slice of time is over; it throws once `signal` is aborted. */
export function pacer(signal: AbortSignal | undefined): () => Promise<void> | undefined {
  let begun = performance.now();
  return () => {
    signal?.throwIfAborted();
    if (performance.now() - begun < slice) return undefined;
    return setImmediate().then(() => {
      begun = performance.now();
    });
  };
}

/**
 * Draws the groups of `tables`, which have the same groups, again and again: a drawn group counts in every
 * table with all its cases. The draws depend on the seed and the number of groups alone.
 */
export async function resample(
  tables: readonly CaseTable[],
  count: number,
  statistics: Statistics,
  { draws, seed, signal }: ResampleOptions,
): Promise<Resampled> {
  const { groups } = tables[0]!;
  const rows = tables.map((table) => tensor("float64", table.sums, [groups, table.layout.width]));
  const pause = pacer(signal);
  const values = new Float64Array(count);
  const draw = async (): Promise<Float64Array[]> => {
    const kept = Array.from({ length: count }, () => new Float64Array(draws));
    const together = drawnTogether(groups);
    const height = (begin: number): number => Math.min(together, draws - begin);
    let random = Random.fromSeed(seed);
    const sumsFrom = async (begin: number): Promise<Tensor<"float64">[]> => {
      const options = { draws: height(begin), weights: "counts", random, signal } as const;
      const found = await Promise.all(rows.map((each) => resampledSums(each, options)));
      // Every table was drawn from by the same numbers.
      random = found[0]!.random;
      return found.map(({ sums }) => sums);
    };
    // The next sums are computed on other threads while the statistics of these are.
    let coming = sumsFrom(0);
    for (let begin = 0; begin < draws; begin += together) {
      const sums = await coming;
      if (begin + together < draws) {
        coming = sumsFrom(begin + together);
        // Its error is thrown in the next round, unless this one throws first.
        coming.catch(() => undefined);
      }
      for (let i = 0; i < height(begin); i++) {
        statistics(
          sums.map(({ data, dims: [, width = 0] }) => data.subarray(i * width, (i + 1) * width)),
          values,
        );
        keep(values, kept, begin + i);
        const waiting = pause();
        if (waiting) await waiting;
      }
    }
    return kept;
  };
  // Side by side: other threads add up the draws while the groups are left out.
  const [drawn, without] = await Promise.all([draw(), leavingOut(tables, count, statistics, pause)]);
  const observed = new Float64Array(count);
  const ones = tensor("float64", new Float64Array(groups).fill(1), [1, groups]);
  const all = await Promise.all(rows.map((each) => weightedSums(ones, each, { signal })));
  statistics(
    all.map(({ data }) => data),
    observed,
  );
  return { observed, drawn, without };
}

// The loops below are functions of their own, because V8 compiles short functions soonest.

/** Writes a value of every statistic to the place `at` of its own. */
function keep(values: Float64Array, kept: readonly Float64Array[], at: number): void {
  for (let s = 0; s < values.length; s++) kept[s]![at] = values[s]!;
}

/** Writes the sums before and behind the row at `at`, and adds the row to those before. */
function leaveOut(
  rest: Float64Array,
  before: Float64Array,
  behind: Float64Array,
  sums: Float64Array,
  at: number,
): void {
  for (let i = 0; i < rest.length; i++) {
    rest[i] = before[i]! + behind[at + i]!;
    before[i]! += sums[at + i]!;
  }
}

/** Returns the statistics without one group each, of the sums of the groups before it and behind it. */
async function leavingOut(
  tables: readonly CaseTable[],
  count: number,
  statistics: Statistics,
  pause: () => Promise<void> | undefined,
): Promise<Float64Array[]> {
  const { groups } = tables[0]!;
  const kept = Array.from({ length: count }, () => new Float64Array(groups));
  const values = new Float64Array(count);
  const behind = tables.map(sumsBehind);
  const before = tables.map(({ layout: { width } }) => new Float64Array(width));
  const rest = before.map(({ length }) => new Float64Array(length));
  for (let g = 0; g < groups; g++) {
    for (const [t, { sums, layout }] of tables.entries())
      leaveOut(rest[t]!, before[t]!, behind[t]!, sums, g * layout.width);
    statistics(rest, values);
    keep(values, kept, g);
    const waiting = pause();
    if (waiting) await waiting;
  }
  return kept;
}

/** Returns the sums of the groups behind each, [groups][width]. */
function sumsBehind({ groups, sums, layout: { width } }: CaseTable): Float64Array {
  const behind = new Float64Array(groups * width);
  for (let at = (groups - 1) * width - 1; at >= 0; at--) behind[at] = behind[at + width]! + sums[at + width]!;
  return behind;
}

/** Returns the number of draws whose sums are computed at once: few enough to be drawn within a slice. */
export const drawnTogether = (groups: number): number =>
  Math.max(1, Math.min(128, Math.floor(2 ** 17 / groups)));
