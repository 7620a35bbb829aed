import { invalidArgument } from "@pixelcal/core";

/** The place of a process among those that share batches. */
export interface Share {
  /** This process, from 0. */
  readonly rank: number;
  readonly size: number;
}

/** Returns the numbers of the `count` cases of a batch that each rank takes: they differ by 1 at most. */
export const sharesOf = (count: number, size: number): readonly number[] =>
  Array.from(
    { length: size },
    (_, rank) => Math.floor(((rank + 1) * count) / size) - Math.floor((rank * count) / size),
  );

/**
 * Returns a rank's share of a batch, in order. A rank whose share is empty, because a last batch has fewer
 * cases than there are ranks, computes the first case too; by its share of 0 that counts nothing.
 */
export function shareOf<T>(all: readonly T[], { rank, size }: Share): readonly T[] {
  const begin = Math.floor((rank * all.length) / size);
  const end = Math.floor(((rank + 1) * all.length) / size);
  return begin < end ? all.slice(begin, end) : all.slice(0, 1);
}

/** Returns how many images of a batch of `count` a rank computes. */
export const imagesOf = (count: number, { rank, size }: Share): number =>
  Math.max(1, sharesOf(count, size)[rank]!);

/** Throws `InvalidArgumentError` unless `share` is a rank of a job. */
export function checkShare({ rank, size }: Share): void {
  if (!(Number.isInteger(size) && size >= 1))
    throw invalidArgument("share.size", "1 or more processes", size);
  if (!(Number.isInteger(rank) && rank >= 0 && rank < size))
    throw invalidArgument("share.rank", `a rank from 0 to ${size - 1}`, rank);
}
