import { Random } from "@pixelcal/core";
import { expect, test } from "vitest";
import type { CaseTable } from "./case-table.js";
import { resample } from "./resample.js";

const random = Random.fromSeed(3);
const tableOf = (groups: number, width: number): CaseTable => ({
  rows: [],
  groups,
  groupOf: new Uint32Array(),
  unit: "case",
  layout: { width, scores: new Map(), topLabel: undefined, classes: [], boundary: undefined },
  sums: Float64Array.from({ length: groups * width }, () => random.normal()),
});

/** The slow, obvious twin: the sums of all groups, each as often as its weight says. */
const sumsOf = ({ groups, sums, layout: { width } }: CaseTable, weights: readonly number[]): number[] =>
  Array.from({ length: width }, (_, i) => {
    let sum = 0;
    for (let g = 0; g < groups; g++) sum += weights[g]! * sums[g * width + i]!;
    return sum;
  });

test.each([1, 2, 9, 300])("statistics of draws, and without one group each, of %i groups", async (groups) => {
  const tables = [tableOf(groups, 5), tableOf(groups, 2)];
  // The sums themselves, so that every one of them is compared.
  const found = await resample(
    tables,
    7,
    ([first, second], into) => {
      into.set(first!);
      into.set(second!, 5);
    },
    { draws: 300, seed: 11 },
  );
  const twin = (weights: readonly number[]): number[] => tables.flatMap((table) => sumsOf(table, weights));
  const expectClose = (values: readonly Float64Array[], at: number, expected: readonly number[]): void => {
    for (const [s, value] of expected.entries()) expect(values[s]![at]).toBeCloseTo(value, 11);
  };
  const ones = Array.from({ length: groups }, () => 1);
  for (const [s, value] of twin(ones).entries()) expect(found.observed[s]).toBeCloseTo(value, 11);
  for (let g = 0; g < groups; g++) expectClose(found.without, g, twin(ones.with(g, 0)));
  const draws = Random.fromSeed(11);
  for (let i = 0; i < 300; i++) {
    const weights = ones.map(() => 0);
    for (let g = 0; g < groups; g++) weights[draws.integer(groups)]! += 1;
    expectClose(found.drawn, i, twin(weights));
  }
});
