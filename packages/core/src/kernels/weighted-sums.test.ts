import { expect, test } from "vitest";
import { Random, resampledSums, type Tensor, tensor, weightedSums, weightedSumsSync } from "../index.js";

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

/** The slow twin's weights, from the same generator, which advances. */
function weightsOf(kind: "counts" | "signs", random: Random, draws: number, groups: number): Float64Array {
  const weights = new Float64Array(draws * groups);
  let bits = 0;
  for (let i = 0; i < weights.length; i++) {
    if (kind === "counts") weights[i - (i % groups) + random.integer(groups)]! += 1;
    else {
      bits = i % 32 === 0 ? random.bits() : bits >>> 1;
      weights[i] = bits & 1 ? 1 : -1;
    }
  }
  return weights;
}

test.each([
  ["counts", 1, 1, 1],
  ["counts", 70, 13, 65],
  ["counts", 3, 1100, 2],
  ["signs", 1, 1, 1],
  ["signs", 5, 33, 66],
  ["signs", 65, 64, 3],
] as const)(
  "%s of %i draws of %i rows of %i numbers: the twin's bits",
  async (weights, draws, groups, width) => {
    const rows = matrix(Random.fromSeed(2), groups, width);
    const given = Random.fromSeed(3);
    const own = Random.fromSeed(3);
    const drawn = tensor("float64", weightsOf(weights, own, draws, groups), [draws, groups]);
    const { sums, random } = await resampledSums(rows, { draws, weights, random: given });
    expect(sums.dims).toEqual([draws, width]);
    expect(sums.data).toEqual(twin(drawn, rows));
    expect(random.state()).toEqual(own.state());
    expect(given.state()).toEqual(Random.fromSeed(3).state());
  },
);

test("refuses draws and weights that are none", async () => {
  const [rows, random] = [matrix(Random.fromSeed(1), 2, 2), Random.fromSeed(1)];
  await expect(resampledSums(rows, { draws: 0, weights: "signs", random })).rejects.toThrow(
    "draws: expected at least 1, got 0",
  );
  await expect(resampledSums(rows, { draws: 1, weights: "all" as "signs", random })).rejects.toThrow(
    "weights: expected one of counts, signs",
  );
});
