import { call, native } from "../binding.js";
import type { SignalOption } from "../device.js";
import { BandMatrix } from "./band-matrix.js";
import { defaultLambda, fitTemperature, leastScale, nearby, ridgeShare, weakRidge } from "./fit-scales.js";
import { groupFolds } from "./folds.js";
import { type Evaluation, minimize } from "./newton.js";
import { flatRanges, type PixelSource, sumBlocks } from "./pixel-source.js";

type Kind = "affine" | "vector" | "matrix";

interface LinearSums extends SignalOption {
  readonly kind: Kind;
  /** The number of parameters of a cell. */
  readonly size: number;
  readonly leastLog?: number;
}

async function linearSums(
  pixels: PixelSource,
  cases: readonly number[] | undefined,
  { kind, size, leastLog, signal }: LinearSums,
  parameters: Float64Array,
): Promise<Float64Array> {
  const length = (parameters.length / size) * (2 + size + size * size);
  return sumBlocks(pixels, cases, length, (block, ranges) => {
    const request = { ...block, kind, parameters, ranges: flatRanges(ranges) };
    return call(native.linearSums, { ...request, ...(leastLog !== undefined && { leastLog }) }, signal);
  });
}

/** Returns the mean loss of sums with its derivatives; the Hessian has room for neighbouring cells. */
function meanOf(sums: Float64Array, size: number): Evaluation {
  const length = 2 + size + size * size;
  const cells = sums.length / length;
  const n = cells * size;
  let [weight, loss] = [0, 0];
  for (let k = 0; k < cells; k++) {
    weight += sums[k * length]!;
    loss += sums[k * length + 1]!;
  }
  const total = Math.max(weight, Number.MIN_VALUE);
  const gradient = new Float64Array(n);
  const hessian = new BandMatrix(n, cells > 1 ? size : size - 1);
  for (let k = 0; k < cells; k++) {
    for (let i = 0; i < size; i++) {
      gradient[k * size + i] = sums[k * length + 2 + i]! / total;
      for (let j = 0; j <= i; j++)
        hessian.add(k * size + i, k * size + j, sums[k * length + 2 + size + i * size + j]! / total);
    }
  }
  return { value: loss / total, gradient, hessian };
}

/** Adds weight / 2 (x - anchor)^2 of unknown i. */
function addRidge(to: Evaluation, x: Float64Array, i: number, weight: number, anchor: number): number {
  const off = x[i]! - anchor;
  to.gradient[i]! += weight * off;
  to.hessian.add(i, i, weight);
  return (weight / 2) * off * off;
}

/** The affine tables of distance, and what chose them. */
export interface FittedAffine {
  /** `[cell][1 + C]`: the scale, then the shifts. */
  readonly parameters: Float64Array;
  readonly lambda: number;
}

interface AffineProblem extends SignalOption {
  readonly cells: number;
  readonly chain: number;
}

const affineLambdas = [1e-2, 1e-3, 1e-4, 1e-5] as const;

/**
 * Fits u = a z + b per cell: it minimises mean NLL + (lambda / 2) (sum over chains of squared differences of
 * neighbouring cells' a and b + 0.1 sum ((a - temperature)^2 + b^2)) over a >= 0.02. Without `lambda`
 * cross-validation chooses it on `kept`; `all` then refines the tables.
 */
export async function fitAffine(
  { kept, all, groups }: { kept: PixelSource; all: PixelSource; groups: readonly string[] },
  problem: AffineProblem,
  options: { readonly lambda?: number; readonly cases?: readonly number[] } = {},
): Promise<FittedAffine> {
  const cases = options.cases ?? groups.map((_, index) => index);
  const { signal } = problem;
  const lambda = options.lambda ?? (await chooseLambda(kept, problem, cases, groups));
  let anchor = await fitTemperature(kept, cases, { signal });
  let parameters = await affine(kept, cases, problem, { lambda, anchor });
  if (all !== kept) {
    anchor = await fitTemperature(all, cases, { start: anchor, signal });
    parameters = await affine(all, cases, problem, { lambda, anchor, start: parameters, near: true });
  }
  return { parameters, lambda };
}

async function affine(
  pixels: PixelSource,
  cases: readonly number[],
  { cells, chain, signal }: AffineProblem,
  { lambda, anchor, start, near }: { lambda: number; anchor: number; start?: Float64Array; near?: boolean },
): Promise<Float64Array> {
  const size = 1 + pixels.classes;
  const sums: LinearSums = { kind: "affine", size, ...(signal && { signal }) };
  const isScale = (i: number): boolean => i % size === 0;
  const begin = start ?? Float64Array.from({ length: cells * size }, (_, i) => (isScale(i) ? anchor : 0));
  const lower = begin.map((_, i) => (isScale(i) ? leastScale : Number.NEGATIVE_INFINITY));
  const { x } = await minimize(
    async (parameters) => {
      const mean = meanOf(await linearSums(pixels, cases, sums, parameters), size);
      let { value } = mean;
      const n = parameters.length;
      for (let i = 0; i < n; i++) {
        value += addRidge(mean, parameters, i, lambda * ridgeShare, isScale(i) ? anchor : 0);
        const next = i + size;
        if (Math.floor(i / size) % chain === chain - 1) continue;
        const rise = parameters[next]! - parameters[i]!;
        value += (lambda / 2) * rise * rise;
        mean.gradient[next]! += lambda * rise;
        mean.gradient[i]! -= lambda * rise;
        mean.hessian.add(i, i, lambda);
        mean.hessian.add(next, next, lambda);
        mean.hessian.add(next, i, -lambda);
      }
      return { ...mean, value };
    },
    begin,
    { lower, ...(near && nearby) },
  );
  return x;
}

async function chooseLambda(
  pixels: PixelSource,
  problem: AffineProblem,
  cases: readonly number[],
  groups: readonly string[],
): Promise<number> {
  const folds = groupFolds(cases, groups, 4);
  if (folds.length === 0) return defaultLambda;
  const { signal } = problem;
  const size = 1 + pixels.classes;
  const scores = new Float64Array(affineLambdas.length);
  for (const { train, test } of folds) {
    const anchor = await fitTemperature(pixels, train, { signal });
    let start: Float64Array | undefined;
    for (const [i, lambda] of affineLambdas.entries()) {
      start = await affine(pixels, train, problem, { lambda, anchor, near: true, ...(start && { start }) });
      const sums = await linearSums(pixels, test, { kind: "affine", size, ...(signal && { signal }) }, start);
      const length = 2 + size + size * size;
      for (let k = 0; k < problem.cells; k++) scores[i]! += sums[k * length + 1]!;
    }
  }
  return affineLambdas[scores.indexOf(Math.min(...scores))]!;
}

/** Fits u_c = w_c z_c + b_c: mean NLL + (1e-8 / 2) (sum (w - 1)^2 + sum b^2). Returns `[C][2]`. */
export async function fitVector(
  pixels: PixelSource,
  cases: readonly number[] | undefined,
  { signal }: SignalOption,
): Promise<Float64Array> {
  const size = 2 * pixels.classes;
  const sums: LinearSums = { kind: "vector", size, ...(signal && { signal }) };
  const { x } = await minimize(
    async (parameters) => {
      const mean = meanOf(await linearSums(pixels, cases, sums, parameters), size);
      let { value } = mean;
      for (let i = 0; i < size; i++) value += addRidge(mean, parameters, i, weakRidge, i % 2 === 0 ? 1 : 0);
      return { ...mean, value };
    },
    Float64Array.from({ length: size }, (_, i) => (i % 2 === 0 ? 1 : 0)),
  );
  return x;
}

/** The most classes whose full matrix is fitted by Newton's method. */
export const mostMatrixClasses = 36;

/**
 * Fits u = W x + b with ODIR: mean NLL + lambda (sum over i != j of W_ij^2 / (C (C - 1)) + sum b^2 / C) +
 * (1e-8 / 2) sum (W_ii - 1)^2. Returns `[C][C + 1]`.
 */
export async function fitMatrix(
  pixels: PixelSource,
  cases: readonly number[] | undefined,
  { lambda, leastLog, signal }: SignalOption & { readonly lambda: number; readonly leastLog?: number },
): Promise<Float64Array> {
  const { classes } = pixels;
  const inputs = classes + 1;
  const size = classes * inputs;
  const sums = {
    kind: "matrix",
    size,
    ...(leastLog !== undefined && { leastLog }),
    ...(signal && { signal }),
  } as const;
  const isDiagonal = (i: number): boolean => i % inputs === Math.floor(i / inputs);
  const weightOf = (i: number): number => {
    if (isDiagonal(i)) return weakRidge;
    return i % inputs === classes ? (2 * lambda) / classes : (2 * lambda) / (classes * (classes - 1));
  };
  const { x } = await minimize(
    async (parameters) => {
      const mean = meanOf(await linearSums(pixels, cases, sums, parameters), size);
      let { value } = mean;
      for (let i = 0; i < size; i++)
        value += addRidge(mean, parameters, i, weightOf(i), isDiagonal(i) ? 1 : 0);
      return { ...mean, value };
    },
    Float64Array.from({ length: size }, (_, i) => (isDiagonal(i) ? 1 : 0)),
  );
  return x;
}
