import { expect, test } from "vitest";
import { roundsOf, successiveHalving } from "./successive-halving.js";

test.each([
  [1, [1, 1, 1]],
  [3, [1, 1, 2]],
  [24, [3, 6, 12]],
  [50, [7, 13, 25]],
])("rounds of %i epochs", (epochs, rounds) => {
  expect(roundsOf(epochs)).toEqual(rounds);
});

test.each([
  [16, [16, 8, 4]],
  [5, [5, 3, 2]],
  [2, [2, 0, 0]],
  [1, [0, 0, 0]],
])("of %i candidates the rounds train %j", async (count, expected) => {
  const candidates = Array.from({ length: count }, (_, i) => i);
  const rounds = [1, 2, 4];
  const trained: number[][] = [[], [], []];
  // The order turns round in the last round, so that its scores decide.
  const best = await successiveHalving(candidates, rounds, async (candidate, epochs) => {
    trained[rounds.indexOf(epochs)]!.push(candidate);
    return epochs === 4 ? -candidate : candidate;
  });
  expect(trained.map(({ length }) => length)).toEqual(expected);
  const last = trained.filter(({ length }) => length > 0).at(-1) ?? candidates;
  expect(best).toBe(count > 2 ? Math.max(...last) : 0);
});

test("equal and infinite scores keep the earlier candidate", async () => {
  const infinite = async (): Promise<number> => Number.POSITIVE_INFINITY;
  expect(await successiveHalving(["a", "b", "c"], [1, 2], infinite)).toBe("a");
});
