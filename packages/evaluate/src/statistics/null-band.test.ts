import { Random } from "@pixelcal/core";
import { expect, test } from "vitest";
import { nullBand, nullBands } from "./null-band.js";

const options = { level: 0.9, draws: 9999, seed: 1 };

function residualsOf(groups: number, bins: number): Float64Array[] {
  const random = Random.fromSeed(5);
  return Array.from({ length: groups }, () => Float64Array.from({ length: bins }, () => random.normal()));
}

test("of few groups it is the quantile of all patterns of signs", async () => {
  const residuals = residualsOf(9, 4);
  const counts = Float64Array.of(10, 20, 30, 40);
  const band = await nullBand(residuals, counts, options);
  const patterns = Array.from({ length: 2 ** 9 }, (_, bits) =>
    counts.map((__, b) =>
      Math.abs(residuals.reduce((sum, own, g) => sum + (bits & (1 << g) ? -own[b]! : own[b]!), 0)),
    ),
  );
  const share = (values: readonly number[], bound: number): number =>
    values.filter((value) => value <= bound + 1e-12).length / values.length;
  for (let b = 0; b < 4; b++)
    expect(
      share(
        patterns.map((sums) => sums[b]! / counts[b]!),
        band.gaps[b]!,
      ),
    ).toBeCloseTo(0.9, 1.5);
  const errors = patterns.map((sums) => sums.reduce((a, b) => a + b, 0) / 100);
  expect(share(errors, band.bound)).toBeCloseTo(0.9, 1.5);
  expect(band.mean).toBeCloseTo(errors.reduce((a, b) => a + b, 0) / errors.length, 2);
});

test("the same seed gives the same bits, an abort ends it", async () => {
  const residuals = residualsOf(12, 3);
  const counts = Float64Array.of(5, 5, 0);
  expect(await nullBand(residuals, counts, options)).toEqual(await nullBand(residuals, counts, options));
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(nullBand(residuals, counts, { ...options, signal })).rejects.toThrow("enough");
});

test("bands of several histograms are those of each alone", async () => {
  const [first, second] = [
    { residuals: residualsOf(33, 4), counts: Float64Array.of(10, 20, 30, 40) },
    { residuals: residualsOf(33, 2), counts: Float64Array.of(7, 0) },
  ];
  const alone = await Promise.all(
    [first, second].map(({ residuals, counts }) => nullBand(residuals, counts, options)),
  );
  expect(await nullBands([first, second], options)).toEqual(alone);
  expect(await nullBands([], options)).toEqual([]);
});

test("histograms of other groups, and of none, are refused", async () => {
  const [few, more] = [9, 10].map((n) => ({ residuals: residualsOf(n, 1), counts: [1] }));
  await expect(nullBands([few!, more!])).rejects.toThrow("as many in each, got 10");
  await expect(nullBands([{ residuals: [], counts: [1] }])).rejects.toThrow("at least one group");
});
