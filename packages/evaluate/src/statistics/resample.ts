import { setImmediate } from "node:timers/promises";
import { Random } from "@pixelcal/core";
import { type CaseTable, weightedSums } from "./case-table.js";

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
  const sums = tables.map(({ layout }) => new Float64Array(layout.width));
  const values = new Float64Array(count);
  const at = (weights: ArrayLike<number>): Float64Array => {
    for (const [t, table] of tables.entries()) weightedSums(table, weights, sums[t]!);
    statistics(sums, values);
    return values;
  };
  const weights = new Float64Array(groups).fill(1);
  const observed = at(weights).slice();
  const pause = pacer(signal);
  const many = async (length: number, prepare: (i: number) => void): Promise<Float64Array[]> => {
    const kept = Array.from({ length: count }, () => new Float64Array(length));
    for (let i = 0; i < length; i++) {
      prepare(i);
      for (const [s, value] of at(weights).entries()) kept[s]![i] = value;
      const waiting = pause();
      if (waiting) await waiting;
    }
    return kept;
  };
  const without = await many(groups, (g) => {
    weights.fill(1);
    weights[g] = 0;
  });
  const random = Random.fromSeed(seed);
  const drawn = await many(draws, () => {
    weights.fill(0);
    for (let g = 0; g < groups; g++) weights[random.integer(groups)]! += 1;
  });
  return { observed, drawn, without };
}
