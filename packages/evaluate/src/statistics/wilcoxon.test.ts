import { expect, test } from "vitest";
import { signedRankTest } from "./wilcoxon.js";

/** Counts the sign patterns whose rank sum is as far from the middle as the observed one, one by one. */
function everyPattern(differences: readonly number[]): number {
  const sizes = differences.filter((d) => d !== 0).map(Math.abs);
  const rank = (size: number): number =>
    (sizes.filter((other) => other < size).length + sizes.filter((other) => other <= size).length + 1) / 2;
  const ranks = sizes.map(rank);
  const middle = ranks.reduce((a, b) => a + b, 0) / 2;
  const signs = differences.filter((d) => d !== 0).map((d) => d > 0);
  const sum = (chosen: (i: number) => boolean): number =>
    ranks.reduce((total, value, i) => (chosen(i) ? total + value : total), 0);
  const far = Math.abs(sum((i) => signs[i]!) - middle);
  const patterns = Array.from({ length: 2 ** ranks.length }, (_, bits) =>
    Math.abs(sum((i) => (bits & (1 << i)) !== 0) - middle),
  );
  return patterns.filter((size) => size >= far - 1e-9).length / patterns.length;
}

test.each([
  [[1, -2, 3, 4, -5, 6, 7]],
  [[1, 1, -1, 2, 2, 0, 0, 3]],
  [[0.5, 0.5, 0.5, 0.5]],
  [[-1, -1, 2, 2, -3, 3, 4, Infinity, Infinity]],
])("%j has the p-value of all patterns of signs", (differences) => {
  expect(signedRankTest(differences).p).toBeCloseTo(everyPattern(differences), 12);
});

test("no differences, and undefined ones", () => {
  expect(signedRankTest([0, 0])).toEqual({ p: 1, positive: 0, count: 0, exact: true });
  expect(signedRankTest([Number.NaN, 1, 2])).toMatchObject({ count: 2, positive: 3, p: 0.5 });
});
