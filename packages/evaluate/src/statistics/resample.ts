import { setImmediate } from "node:timers/promises";
import { Random, type Tensor, tensor, weightedSums } from "@pixelcal/core";
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
  const sums = tables.map((table) => tensor("float64", table.sums, [groups, table.layout.width]));
  const values = new Float64Array(count);
  const pause = pacer(signal);
  /** Returns the statistics of as many weightings of the groups as `prepare` writes. */
  const many = async (
    length: number,
    prepare: (weights: Float64Array, i: number) => void,
  ): Promise<Float64Array[]> => {
    const kept = Array.from({ length: count }, () => new Float64Array(length));
    const together = drawnTogether(groups);
    const height = (begin: number): number => Math.min(together, length - begin);
    const sumsFrom = (begin: number): Promise<Tensor<"float64">[]> => {
      const weights = new Float64Array(height(begin) * groups);
      for (let i = 0; i < height(begin); i++)
        prepare(weights.subarray(i * groups, (i + 1) * groups), begin + i);
      return sumsOf(tensor("float64", weights, [height(begin), groups]), sums, signal);
    };
    // The next sums are computed on other threads while the statistics of these are.
    let coming = sumsFrom(0);
    for (let begin = 0; begin < length; begin += together) {
      const weighted = await coming;
      if (begin + together < length) {
        coming = sumsFrom(begin + together);
        // Its error is thrown in the next round, unless this one throws first.
        coming.catch(() => undefined);
      }
      for (let i = 0; i < height(begin); i++) {
        statistics(
          weighted.map(({ data, dims: [, width = 0] }) => data.subarray(i * width, (i + 1) * width)),
          values,
        );
        for (let s = 0; s < count; s++) kept[s]![begin + i] = values[s]!;
        const waiting = pause();
        if (waiting) await waiting;
      }
    }
    return kept;
  };
  const observed = Float64Array.from(await many(1, (weights) => void weights.fill(1)), ([value]) => value!);
  const without = await leavingOut(tables, count, statistics, pause);
  const random = Random.fromSeed(seed);
  const drawn = await many(draws, (weights) => {
    for (let g = 0; g < groups; g++) weights[random.integer(groups)]! += 1;
  });
  return { observed, drawn, without };
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
    for (const [t, { sums }] of tables.entries()) {
      const [own, others, later] = [before[t]!, rest[t]!, behind[t]!];
      const at = g * own.length;
      for (let i = 0; i < own.length; i++) {
        others[i] = own[i]! + later[at + i]!;
        own[i]! += sums[at + i]!;
      }
    }
    statistics(rest, values);
    for (let s = 0; s < count; s++) kept[s]![g] = values[s]!;
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

function sumsOf(
  weights: Tensor<"float64">,
  tables: readonly Tensor<"float64">[],
  signal: AbortSignal | undefined,
): Promise<Tensor<"float64">[]> {
  return Promise.all(tables.map((table) => weightedSums(weights, table, { signal })));
}
