import { invalidArgument, Random, resampledSums, tensor } from "@pixelcal/core";
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
  const [band] = await nullBands([{ residuals, counts }], options);
  return band!;
}

/** The residuals of every group and the pixels of all, by bin. */
interface Histogram {
  readonly residuals: readonly ArrayLike<number>[];
  readonly counts: ArrayLike<number>;
}

/** Returns the {@link nullBand} of each histogram of the same groups; they share the signs. */
export async function nullBands(
  histograms: readonly Histogram[],
  options: NullBandOptions = {},
): Promise<NullBand[]> {
  const { level, draws, seed, signal } = statisticsOptions(options);
  const [first] = histograms;
  if (first === undefined) return [];
  const groups = first.residuals.length;
  const other = histograms.find(({ residuals: { length } }) => length === 0 || length !== groups);
  if (other)
    throw invalidArgument(
      "histograms",
      "residuals of at least one group, as many in each",
      other.residuals.length,
    );
  const firsts: number[] = [];
  let width = 0;
  for (const { counts } of histograms) {
    firsts.push(width);
    width += counts.length;
  }
  const rows = tensor("float64", new Float64Array(groups * width), [groups, width]);
  for (const [h, { residuals }] of histograms.entries())
    for (const [g, own] of residuals.entries()) rows.data.set(own, g * width + firsts[h]!);
  const sizes = Array.from({ length: width }, () => new Float64Array(draws));
  let random = Random.fromSeed(seed);
  const pause = pacer(signal);
  const together = drawnTogether(groups);
  for (let begin = 0; begin < draws; begin += together) {
    const height = Math.min(together, draws - begin);
    const found = await resampledSums(rows, { draws: height, weights: "signs", random, signal });
    random = found.random;
    for (const [b, own] of sizes.entries())
      takeSizes(found.sums.data, b, width, own.subarray(begin, begin + height));
    const waiting = pause();
    if (waiting) await waiting;
  }
  const bands: NullBand[] = [];
  for (const [h, { counts }] of histograms.entries()) {
    bands.push(bandOf(sizes.slice(firsts[h]!, firsts[h]! + counts.length), counts, { level, draws }));
    const waiting = pause();
    if (waiting) await waiting;
  }
  return bands;
}

/** Writes the size of every `width`-th sum from `first` on. */
function takeSizes(sums: Float64Array, first: number, width: number, sizes: Float64Array): void {
  for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(sums[i * width + first]!);
}

/** Returns the band of a histogram from the sizes of its sums, [bins][draws]. */
function bandOf(
  sizes: readonly Float64Array[],
  counts: ArrayLike<number>,
  { level, draws }: { readonly level: number; readonly draws: number },
): NullBand {
  const errors = new Float64Array(draws);
  let pixels = 0;
  for (const [b, own] of sizes.entries()) {
    pixels += counts[b]!;
    for (let i = 0; i < draws; i++) errors[i]! += own[i]!;
  }
  // The order statistic that keeps the level exactly, as the observed signs are one of the patterns.
  const bound = (values: Float64Array): number =>
    ascending(values)[Math.min(draws, Math.ceil(level * (draws + 1))) - 1] ?? Number.NaN;
  const total = errors.reduce((sum, value) => sum + value, 0);
  return {
    gaps: Float64Array.from(sizes, (own, b) => bound(own) / counts[b]!),
    bound: bound(errors) / pixels,
    mean: total / pixels / draws,
  };
}
