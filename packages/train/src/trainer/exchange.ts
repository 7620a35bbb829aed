/**
 * The processes of a job that train one model together, all of which make the same calls in the same order;
 * a `World` of @pixelcal/distributed is one.
 */
export interface Exchange {
  /** This process, from 0. */
  readonly rank: number;
  readonly size: number;
  /** Replaces every element by its mean over the processes, weighted by rank, in place. */
  allReduce(
    arrays: readonly (Float32Array | Float64Array)[],
    options: { readonly op: "mean"; readonly weights: readonly number[] },
  ): Promise<void>;
  /** Returns the JSON values of all processes by rank, in every process. */
  allGather<T>(own: T): Promise<readonly T[]>;
  /** Returns when every process has called it. */
  barrier(): Promise<void>;
  /** Returns the result of `work`, during which the event loop may stand still. */
  working<T>(work: () => Promise<T>): Promise<T>;
}

/** Returns the JSON values of all processes by rank, in every process; the own one alone without others. */
export const partsOfAll = async <T>(exchange: Exchange | undefined, own: T): Promise<readonly T[]> =>
  exchange === undefined ? [own] : exchange.allGather(own);

/** The bytes of gradients that are exchanged at once, while those before them are worked on. */
const bucketBytes = 2 ** 22;

/** Splits arrays, in their order, into buckets of about 4 MiB; returns the names of each. */
export function bucketsOf(
  names: readonly string[],
  bytesOf: (name: string) => number,
): readonly (readonly string[])[] {
  const buckets: string[][] = [];
  let room = 0;
  for (const name of names) {
    if (room <= 0) {
      buckets.push([]);
      room = bucketBytes;
    }
    buckets.at(-1)!.push(name);
    room -= bytesOf(name);
  }
  return buckets;
}

/**
 * Averages the arrays of every bucket over the processes. While one bucket is exchanged, `work` has the one
 * before it, which is averaged already.
 */
export async function averageBuckets(
  exchange: Exchange,
  buckets: readonly (readonly string[])[],
  {
    arrayOf,
    shares,
  }: { readonly arrayOf: (name: string) => Float32Array; readonly shares: readonly number[] },
  work: (names: readonly string[]) => Promise<void>,
): Promise<void> {
  let before: Promise<void> = Promise.resolve();
  for (const names of buckets) {
    const exchanged = exchange.allReduce(names.map(arrayOf), { op: "mean", weights: shares });
    // Both end before an error of either leaves: arrays of a call under way must not change.
    const [, worked] = await Promise.allSettled([exchanged, before]);
    await exchanged;
    if (worked.status === "rejected") throw worked.reason;
    before = work(names);
    before.catch(() => undefined);
  }
  await before;
}
