/** A candidate's score after a training of so many epochs; lower is better. */
export type Score<T> = (candidate: T, epochs: number) => Promise<number>;

/** The lengths of short trainings as shares of the whole one. */
const shares = [1 / 8, 1 / 4, 1 / 2];

/** Returns the epochs of each round of short trainings beside a whole one of `epochs`, at least 1 each. */
export function roundsOf(epochs: number): readonly number[] {
  return shares.map((share) => Math.ceil(epochs * share));
}

/**
 * Returns the best of `candidates` by successive halving (Jamieson and Talwalkar, 2016): every round trains
 * twice as long and keeps the better half, the last one the best. Of equal scores the earlier candidate wins.
 */
export async function successiveHalving<T>(
  candidates: readonly T[],
  rounds: readonly number[],
  score: Score<T>,
): Promise<T> {
  let left = candidates;
  for (const [i, epochs] of rounds.entries()) {
    if (left.length === 1) break;
    const scored: { readonly candidate: T; readonly score: number }[] = [];
    for (const candidate of left) scored.push({ candidate, score: await score(candidate, epochs) });
    const kept = i === rounds.length - 1 ? 1 : Math.ceil(left.length / 2);
    scored.sort((a, b) => (a.score === b.score ? 0 : a.score - b.score));
    left = scored.slice(0, kept).map(({ candidate }) => candidate);
  }
  return left[0]!;
}
