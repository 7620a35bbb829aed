import { Random } from "@pixelcal/core";
import { expect, test } from "vitest";
import { isotonic } from "./isotonic.js";

/** Returns the isotonic fit by its formula: the largest over starts of the least mean over ends. */
function minMax(values: readonly number[], weights: readonly number[]): number[] {
  const mean = (from: number, to: number): number => {
    let [sum, weight] = [0, 0];
    for (let i = from; i <= to; i++) {
      sum += values[i]! * weights[i]!;
      weight += weights[i]!;
    }
    return sum / weight;
  };
  return values.map((_, i) =>
    Math.max(
      ...values
        .slice(0, i + 1)
        .map((__, from) => Math.min(...values.slice(i).map((___, to) => mean(from, i + to)))),
    ),
  );
}

test("equals the formula of greatest minima", () => {
  const random = Random.fromSeed(3);
  for (let round = 0; round < 50; round++) {
    const values = Array.from({ length: 1 + random.integer(12) }, () => random.uniform());
    const weights = values.map(() => 1 + random.integer(5));
    const fitted = isotonic(values, weights);
    for (const [i, value] of minMax(values, weights).entries()) expect(fitted[i]).toBeCloseTo(value, 12);
  }
});

test("values without weight take the pool before them", () => {
  const nan = Number.NaN;
  expect([...isotonic([nan, 0.2, nan, 0.1, 0.5, nan], [0, 1, 0, 3, 1, 0])]).toEqual([
    nan,
    0.125,
    0.125,
    0.125,
    0.5,
    0.5,
  ]);
});
