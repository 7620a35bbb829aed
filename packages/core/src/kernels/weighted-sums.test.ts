import { expect, test } from "vitest";
import { Random, type Tensor, tensor, weightedSums, weightedSumsSync } from "../index.js";

const matrix = (random: Random, height: number, width: number): Tensor<"float64"> =>
  tensor(
    "float64",
    Float64Array.from({ length: height * width }, () => random.uniform() - 0.3),
    [height, width],
  );

/** The slow twin: number by number, in the order of the groups. */
function twin(weights: Tensor<"float64">, rows: Tensor<"float64">): Float64Array {
  const [draws, groups] = weights.dims as [number, number];
  const width = rows.dims[1]!;
  return Float64Array.from({ length: draws * width }, (_, i) => {
    let sum = 0;
    for (let g = 0; g < groups; g++)
      sum += weights.data[Math.floor(i / width) * groups + g]! * rows.data[g * width + (i % width)]!;
    return sum;
  });
}

test.each([
  [1, 1, 1],
  [3, 5, 7],
  [65, 9, 64],
  [2, 40, 197],
])("%i draws of %i rows of %i numbers: the twin's bits", async (draws, groups, width) => {
  const random = Random.fromSeed(1);
  const [weights, rows] = [matrix(random, draws, groups), matrix(random, groups, width)];
  const sums = await weightedSums(weights, rows);
  expect(sums.dims).toEqual([draws, width]);
  expect(sums.data).toEqual(twin(weights, rows));
  const out = tensor("float64", new Float64Array(draws * width), [draws, width]);
  expect(weightedSumsSync(weights, rows, { out }).data).toBe(out.data);
  expect(out.data).toEqual(sums.data);
});

test("refuses rows that do not fit the weights", async () => {
  const random = Random.fromSeed(1);
  const [weights, rows] = [matrix(random, 2, 3), matrix(random, 4, 2)];
  await expect(weightedSums(weights, rows)).rejects.toThrow(
    "rows: expected 3 rows, one for each weight, got 4",
  );
});
