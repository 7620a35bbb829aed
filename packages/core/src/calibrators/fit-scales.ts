import { call, native } from "../binding.js";
import type { SignalOption } from "../device.js";
import { BandMatrix } from "./band-matrix.js";
import { groupFolds } from "./folds.js";
import { type Evaluation, minimize } from "./newton.js";
import { flatRanges, type PixelSource, sumBlocks } from "./pixel-source.js";
import { type Placement, placesOf } from "./placement.js";

/** The least scale: a cell that stays there has labels no better than chance. */
export const leastScale = 0.02;

// Keeps the scale of a set finite whose predictions are all right.
export const weakRidge = 1e-8;
/**
 * The search where a pass costs much, or only the loss is needed: each step squares the error, so the last
 * one, of at most 1e-5, leaves next to none.
 */
export const nearby = { tolerance: 1e-5 } as const;
export const ridgeShare = 0.1;
const lambdas = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6] as const;
/** The lambda where there is but one group to validate on. */
export const defaultLambda = 1e-5;

/** The problem of finding one scale per cell. */
export interface ScaleProblem extends SignalOption {
  readonly placement: Placement;
  readonly cells: number;
  /** The number of cells of a chain, whose neighbours are alike: depths of a side, or knots. */
  readonly chain: number;
}

/** The weight, loss, gradient, Hessian and its next element for each cell. */
export async function scaleSums(
  pixels: PixelSource,
  cases: readonly number[] | undefined,
  problem: ScaleProblem,
  scales: Float64Array,
): Promise<Float64Array> {
  const { placement, signal } = problem;
  return sumBlocks(pixels, cases, 5 * scales.length, async (block, ranges) => {
    const { cells: _, ...rest } = block;
    const places = await placesOf(placement, block, ranges);
    const request = { ...rest, ...places, scales, ranges: flatRanges(ranges) };
    return call(native.scaleSums, request, signal);
  });
}

function meanLoss(sums: Float64Array): { loss: number; weight: number } {
  let [loss, weight] = [0, 0];
  for (let i = 0; i < sums.length; i += 5) {
    weight += sums[i]!;
    loss += sums[i + 1]!;
  }
  return { loss, weight };
}

/**
 * Fits the scale of temperature scaling: it minimises mean NLL + (1e-8 / 2) (a - 1)^2 over a >= 0.02.
 */
export async function fitTemperature(
  pixels: PixelSource,
  cases?: readonly number[],
  { start, signal }: SignalOption & { readonly start?: number } = {},
): Promise<number> {
  const problem: ScaleProblem = { placement: {}, cells: 1, chain: 1, ...(signal && { signal }) };
  const { x } = await minimize(
    async (scales) => {
      const sums = await scaleSums(pixels, cases, problem, scales);
      const weight = Math.max(sums[0]!, Number.MIN_VALUE);
      const off = scales[0]! - 1;
      return {
        value: sums[1]! / weight + (weakRidge / 2) * off * off,
        gradient: Float64Array.of(sums[2]! / weight + weakRidge * off),
        hessian: BandMatrix.full([sums[3]! / weight + weakRidge]),
      };
    },
    Float64Array.of(start ?? 1),
    { lower: leastScale, ...(start !== undefined && nearby) },
  );
  return x[0]!;
}

/** The result of {@link fitScales}. */
export interface FittedScales {
  readonly scales: Float64Array;
  readonly temperature: number;
  readonly lambda: number;
}

/**
 * Fits one scale per cell: it minimises mean NLL(a) + (lambda / 2) (sum over chains of (a[d + 1] - a[d])^2 +
 * 0.1 sum (a - temperature)^2) over a >= 0.02. Without `lambda` cross-validation chooses it on `kept`; `all`
 * then refines the scales.
 */
export async function fitScales(
  { kept, all, groups }: { kept: PixelSource; all: PixelSource; groups: readonly string[] },
  problem: ScaleProblem,
  options: { readonly lambda?: number; readonly cases?: readonly number[] } = {},
): Promise<FittedScales> {
  const { signal } = problem;
  const cases = options.cases ?? groups.map((_, index) => index);
  let temperature = await fitTemperature(kept, cases, { signal });
  const lambda = options.lambda ?? (await chooseLambda(kept, problem, cases, groups));
  let scales = await penalized(kept, cases, problem, { lambda, anchor: temperature });
  if (all !== kept) {
    temperature = await fitTemperature(all, cases, { start: temperature, signal });
    scales = await penalized(all, cases, problem, { lambda, anchor: temperature, start: scales, near: true });
  }
  return { scales, temperature, lambda };
}

interface Penalty {
  readonly lambda: number;
  readonly anchor: number;
  readonly start?: Float64Array;
  /** Whether the last step may be larger; see {@link nearby}. */
  readonly near?: boolean;
}

async function penalized(
  pixels: PixelSource,
  cases: readonly number[],
  problem: ScaleProblem,
  penalty: Penalty,
): Promise<Float64Array> {
  const start = penalty.start ?? new Float64Array(problem.cells).fill(penalty.anchor);
  const objective = async (scales: Float64Array): Promise<Evaluation> =>
    penalizedLoss(await scaleSums(pixels, cases, problem, scales), scales, problem.chain, penalty);
  const options = { lower: leastScale, ...(penalty.near && nearby) };
  return (await minimize(objective, start, options)).x;
}

function penalizedLoss(
  sums: Float64Array,
  scales: Float64Array,
  chain: number,
  { lambda, anchor }: Penalty,
): Evaluation {
  const n = scales.length;
  const { loss, weight } = meanLoss(sums);
  const total = Math.max(weight, Number.MIN_VALUE);
  let value = loss / total;
  const gradient = new Float64Array(n);
  const hessian = new BandMatrix(n, 1);
  for (let k = 0; k < n; k++) {
    const off = scales[k]! - anchor;
    value += (lambda / 2) * ridgeShare * off * off;
    gradient[k]! += sums[5 * k + 2]! / total + lambda * ridgeShare * off;
    hessian.add(k, k, sums[5 * k + 3]! / total + lambda * ridgeShare);
    if (k % chain === chain - 1) continue;
    const rise = scales[k + 1]! - scales[k]!;
    value += (lambda / 2) * rise * rise;
    gradient[k + 1]! += lambda * rise;
    gradient[k]! -= lambda * rise;
    hessian.add(k, k, lambda);
    hessian.add(k + 1, k + 1, lambda);
    hessian.add(k + 1, k, sums[5 * k + 4]! / total - lambda);
  }
  return { value, gradient, hessian };
}

/** Returns the lambda of the least held-out NLL over 4 folds of groups, pooled over pixels. */
async function chooseLambda(
  pixels: PixelSource,
  problem: ScaleProblem,
  cases: readonly number[],
  groups: readonly string[],
): Promise<number> {
  const folds = groupFolds(cases, groups, 4);
  if (folds.length === 0) return defaultLambda;
  const scores = new Float64Array(lambdas.length);
  for (const { train, test } of folds) {
    const anchor = await fitTemperature(pixels, train, { signal: problem.signal });
    let start: Float64Array | undefined;
    for (const [i, lambda] of lambdas.entries()) {
      const penalty = { lambda, anchor, near: true, ...(start && { start }) };
      const scales = await penalized(pixels, train, problem, penalty);
      scores[i]! += meanLoss(await scaleSums(pixels, test, problem, scales)).loss;
      start = scales;
    }
  }
  // The first of equals is the smoothest.
  return lambdas[scores.indexOf(Math.min(...scores))]!;
}
