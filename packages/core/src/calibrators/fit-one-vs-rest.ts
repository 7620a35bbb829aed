import { call, native } from "../binding.js";
import { BandMatrix } from "./band-matrix.js";
import { weakRidge } from "./fit-scales.js";
import { minimize } from "./newton.js";
import { flatRanges, type PixelSource, sumBlocks } from "./pixel-source.js";

/** The levels of log-odds x = ln(p / (1 - p)) from -16 to 16. */
export const logOddsLimit = 16;
const levelCount = 4096;

/** One class against the rest, by levels of its probability. */
export interface Levels {
  readonly weight: Float64Array;
  readonly positive: Float64Array;
  /** The mean log-odds of a level, or its centre where it has no pixels. */
  readonly logOdds: Float64Array;
}

/** Sums the pixels by level for every class. */
export async function classLevels(
  pixels: PixelSource,
  cases: readonly number[] | undefined,
  signal?: AbortSignal,
): Promise<Levels[]> {
  const { classes } = pixels;
  const sums = await sumBlocks(pixels, cases, classes * levelCount * 3, ({ cells: _, ...block }, ranges) =>
    call(native.levelSums, { ...block, ranges: flatRanges(ranges) }, signal),
  );
  return Array.from({ length: classes }, (_, c) => {
    const at = (level: number, i: number): number => sums[(c * levelCount + level) * 3 + i]!;
    const per = (value: (level: number) => number): Float64Array =>
      Float64Array.from({ length: levelCount }, (_, level) => value(level));
    return {
      weight: per((level) => at(level, 0)),
      positive: per((level) => at(level, 1)),
      logOdds: per((level) => (at(level, 0) > 0 ? at(level, 2) / at(level, 0) : centre(level))),
    };
  });
}

const centre = (level: number): number => ((level + 0.5) / levelCount) * 2 * logOddsLimit - logOddsLimit;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Fits a logistic regression of features per level, with a ridge of 1e-8 towards `start`. */
async function logistic(
  { weight, positive }: Levels,
  features: (level: number) => readonly number[],
  start: readonly number[],
): Promise<Float64Array> {
  const n = start.length;
  const used = [...weight.keys()].filter((level) => weight[level]! > 0);
  const rows = used.map(features);
  const total = Math.max(
    used.reduce((sum, level) => sum + weight[level]!, 0),
    Number.MIN_VALUE,
  );
  const { x } = await minimize(async (unknowns) => {
    let value = 0;
    const gradient = new Float64Array(n);
    const hessian = new BandMatrix(n);
    for (const [r, level] of used.entries()) {
      const row = rows[r]!;
      const u = row.reduce((sum, feature, j) => sum + feature * unknowns[j]!, 0);
      const [w, y, q] = [weight[level]! / total, positive[level]! / total, sigmoid(u)];
      value += w * softplus(u) - y * u;
      for (let j = 0; j < n; j++) {
        gradient[j]! += (w * q - y) * row[j]!;
        for (let k = 0; k <= j; k++) hessian.add(j, k, w * q * (1 - q) * row[j]! * row[k]!);
      }
    }
    for (let j = 0; j < n; j++) {
      const off = unknowns[j]! - start[j]!;
      value += (weakRidge / 2) * off * off;
      gradient[j]! += weakRidge * off;
      hessian.add(j, j, weakRidge);
    }
    return { value, gradient, hessian };
  }, Float64Array.from(start));
  return x;
}

/** Fits q = sigmoid(a x + b) on the log-odds x; returns [a, b]. */
export function fitPlatt(levels: Levels): Promise<Float64Array> {
  return logistic(levels, (level) => [levels.logOdds[level]!, 1], [1, 0]);
}

/**
 * Fits logit q = a ln p - b ln(1 - p) + c with a, b >= 0 as betacal does: a negative coefficient is left out
 * and the others are fitted again. Returns [a, b, c].
 */
export async function fitBeta(levels: Levels): Promise<[number, number, number]> {
  const logP = (level: number): number => -softplus(-levels.logOdds[level]!);
  const logRest = (level: number): number => -softplus(levels.logOdds[level]!);
  const [a, b, c] = await logistic(levels, (level) => [logP(level), -logRest(level), 1], [1, 1, 0]);
  if (a! < 0) {
    const [only, shift] = await logistic(levels, (level) => [-logRest(level), 1], [1, 0]);
    return [0, Math.max(0, only!), shift!];
  }
  if (b! < 0) {
    const [only, shift] = await logistic(levels, (level) => [logP(level), 1], [1, 0]);
    return [Math.max(0, only!), 0, shift!];
  }
  return [a!, b!, c!];
}

/**
 * Fits a non-decreasing function of p by pooling adjacent violators over levels; levels without pixels lie on
 * the line between their neighbours in p.
 */
export function fitIsotonic({ weight, positive, logOdds }: Levels): number[] {
  const pools: { weight: number; positive: number; levels: number[] }[] = [];
  for (const [level, w] of weight.entries()) {
    if (w === 0) continue;
    pools.push({ weight: w, positive: positive[level]!, levels: [level] });
    for (;;) {
      const [before, last] = pools.slice(-2);
      if (last === undefined || before!.positive * last.weight < last.positive * before!.weight) break;
      pools.splice(-2, 2, {
        weight: before!.weight + last.weight,
        positive: before!.positive + last.positive,
        levels: [...before!.levels, ...last.levels],
      });
    }
  }
  const known = pools.flatMap((pool) =>
    pool.levels.map((level) => ({ level, p: sigmoid(logOdds[level]!), value: pool.positive / pool.weight })),
  );
  return betweenKnown(known);
}

function betweenKnown(known: readonly { level: number; p: number; value: number }[]): number[] {
  let next = 0;
  return Array.from({ length: levelCount }, (_, level) => {
    while (next < known.length && known[next]!.level < level) next++;
    const [below, above] = [known[next - 1], known[next]];
    if (above?.level === level || below === undefined) return above?.value ?? sigmoid(centre(level));
    if (above === undefined) return below.value;
    const share = (sigmoid(centre(level)) - below.p) / (above.p - below.p);
    return below.value + share * (above.value - below.value);
  });
}

/** Returns the mean label of bins of equal width in p, the middle of bins without pixels, by level. */
export function fitHistogram(levels: Levels, bins = 10): number[] {
  return binned(levels, bins).values;
}

function binned(
  { weight, positive, logOdds }: Levels,
  bins: number,
): { values: number[]; logLikelihood: number } {
  const sums = new Float64Array(2 * bins);
  const binOf = (level: number): number => Math.min(bins - 1, Math.floor(sigmoid(logOdds[level]!) * bins));
  for (const [level, w] of weight.entries()) {
    sums[2 * binOf(level)]! += w;
    sums[2 * binOf(level) + 1]! += positive[level]!;
  }
  const means = Array.from({ length: bins }, (_, bin) =>
    sums[2 * bin]! > 0 ? sums[2 * bin + 1]! / sums[2 * bin]! : (bin + 0.5) / bins,
  );
  let logLikelihood = 0;
  for (let bin = 0; bin < bins; bin++) {
    const [n, k, q] = [sums[2 * bin]!, sums[2 * bin + 1]!, means[bin]!];
    if (k > 0) logLikelihood += k * Math.log(q);
    if (n - k > 0) logLikelihood += (n - k) * Math.log(1 - q);
  }
  return { values: Array.from({ length: levelCount }, (_, level) => means[binOf(level)]!), logLikelihood };
}

/**
 * Averages histograms of many bin counts by their BIC, -2 ln L + b ln N, from N^(1/3) / 10 bins to ten times
 * N^(1/3), at most 1,000 (after Naeini et al., 2015). Models are kept while the drop to the next weight
 * exceeds a thousandth of the weights' variance.
 */
export function fitBbq(levels: Levels): number[] {
  const total = levels.weight.reduce((sum, w) => sum + w, 0);
  const root = Math.cbrt(Math.max(total, 1));
  const least = Math.max(1, Math.floor(root / 10));
  const most = Math.max(least, Math.min(1000, Math.ceil(total / 5), Math.ceil(10 * root)));
  const step = Math.max(1, Math.ceil((most - least + 1) / 64));
  const models: { values: number[]; score: number; weight: number }[] = [];
  for (let bins = least; bins <= most; bins += step) {
    const { values, logLikelihood } = binned(levels, bins);
    models.push({ values, score: -2 * logLikelihood + bins * Math.log(Math.max(total, 2)), weight: 0 });
  }
  const best = Math.min(...models.map(({ score }) => score));
  for (const model of models) model.weight = Math.exp((best - model.score) / 2);
  models.sort((a, b) => b.weight - a.weight);
  const kept = models.slice(0, keptModels(models.map(({ weight }) => weight)));
  const sum = kept.reduce((all, { weight }) => all + weight, 0);
  return Array.from({ length: levelCount }, (_, level) =>
    kept.reduce((value, model) => value + (model.weight / sum) * model.values[level]!, 0),
  );
}

function keptModels(weights: readonly number[]): number {
  const mean = weights.reduce((sum, w) => sum + w, 0) / weights.length;
  const variance = weights.reduce((sum, w) => sum + (w - mean) ** 2, 0) / weights.length;
  if (variance === 0) return weights.length;
  let count = 1;
  while (count < weights.length && weights[count] === weights[0]) count++;
  while (count < weights.length && (weights[count - 1]! - weights[count]!) / variance > 1e-3) count++;
  return count;
}
