import { Random, tensor, weightedSums } from "@pixelcal/core";
import { ascending } from "./interval.js";
import { drawnTogether, pacer } from "./resample.js";
import { type StatisticsOptions, statisticsOptions } from "./statistics-options.js";

/** The errors that calibrated predictions would show with the same cases. */
export interface NullBand {
  /** The size of the gap of each bin that calibrated predictions exceed with probability 1 - level. */
  readonly gaps: Float64Array;
  /** The expected calibration error that they exceed with this probability, and its mean. */
  readonly bound: number;
  readonly mean: number;
}

/** The options of a null band: `draws` is the number of sign flips. */
export type NullBandOptions = StatisticsOptions;

/**
 * Returns the band of calibrated predictions by flipping the signs of whole groups' residuals (confidence
 * minus accuracy, summed by bin): if the predictions are calibrated, either sign is as likely, and pixels of
 * one group err together. `counts` has the pixels of all groups by bin.
 */
export async function nullBand(
  residuals: readonly ArrayLike<number>[],
  counts: ArrayLike<number>,
  options: NullBandOptions = {},
): Promise<NullBand> {
  const { level, draws, seed, signal } = statisticsOptions(options);
  const bins = counts.length;
  const gaps = Array.from({ length: bins }, () => new Float64Array(draws));
  const errors = new Float64Array(draws);
  let pixels = 0;
  for (let b = 0; b < bins; b++) pixels += counts[b]!;
  const random = Random.fromSeed(seed);
  const pause = pacer(signal);
  const groups = residuals.length;
  const rows = tensor("float64", new Float64Array(groups * bins), [groups, bins]);
  for (const [g, own] of residuals.entries()) rows.data.set(own, g * bins);
  const together = drawnTogether(groups);
  for (let begin = 0; begin < draws; begin += together) {
    const height = Math.min(together, draws - begin);
    const signs = tensor("float64", new Float64Array(height * groups), [height, groups]);
    for (let i = 0; i < signs.data.length; i++) signs.data[i] = random.uniform() < 0.5 ? -1 : 1;
    const { data: sums } = await weightedSums(signs, rows, { signal });
    for (let i = 0; i < height; i++) {
      let error = 0;
      for (let b = 0; b < bins; b++) {
        const size = Math.abs(sums[i * bins + b]!);
        gaps[b]![begin + i] = size / counts[b]!;
        error += size;
      }
      errors[begin + i] = error / pixels;
    }
    const waiting = pause();
    if (waiting) await waiting;
  }
  // The order statistic that keeps the level exactly, as the observed signs are one of the patterns.
  const bound = (values: Float64Array): number =>
    ascending(values)[Math.min(draws, Math.ceil(level * (draws + 1))) - 1] ?? Number.NaN;
  return {
    gaps: Float64Array.from(gaps, bound),
    bound: bound(errors),
    mean: errors.reduce((sum, value) => sum + value, 0) / draws,
  };
}
