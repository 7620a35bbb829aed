/** The value of a function with its derivatives; the Hessian is dense and symmetric, `[n, n]`. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
}

export type Objective = (x: Float64Array) => Promise<Evaluation>;

export interface NewtonOptions {
  /** The least value of every unknown, or of each; default none. */
  readonly lower?: number | Float64Array;
  /** The largest change of an unknown at which the search ends, relative to 1 + |x|; default 1e-9. */
  readonly tolerance?: number;
  readonly iterations?: number;
}

/** The share of a value below which its changes drown in rounding. */
const unresolved = 1e-12;

/**
 * Minimises a convex function by Newton's method with step halving; unknowns at their lower bound stay there
 * while the function falls towards it.
 */
export async function minimize(
  objective: Objective,
  start: Float64Array,
  { lower = Number.NEGATIVE_INFINITY, tolerance = 1e-9, iterations = 200 }: NewtonOptions = {},
): Promise<{ readonly x: Float64Array; readonly value: number }> {
  const least = (i: number): number => (typeof lower === "number" ? lower : lower[i]!);
  let x: Float64Array = start.map((value, i) => Math.max(value, least(i)));
  let here = await objective(x);
  let polished = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const { gradient } = here;
    const free = [...x.keys()].filter((i) => x[i]! > least(i) || gradient[i]! < 0);
    const step = newtonStep(here, free);
    const largest = Math.max(0, ...free.map((i) => Math.abs(step[i]!) / (1 + Math.abs(x[i]!))));
    const moved = (t: number): Float64Array => x.map((value, i) => Math.max(least(i), value + t * step[i]!));
    if (largest <= tolerance) return { x: moved(1), value: here.value };
    const promised = -free.reduce((sum, i) => sum + gradient[i]! * step[i]!, 0);
    if (promised <= unresolved * Math.abs(here.value)) {
      // Values no longer tell better from worse, but gradients do: flat directions still move.
      x = moved(1);
      if (++polished === 5) return { x, value: here.value };
      here = await objective(x);
      continue;
    }
    let next: { x: Float64Array; at: Evaluation } | undefined;
    for (let t = 1; t > 1e-12 && next === undefined; t /= 2) {
      const there = moved(t);
      const at = await objective(there);
      const expected = there.reduce((sum, value, i) => sum + gradient[i]! * (value - x[i]!), 0);
      // Near the minimum the differences drown in the rounding of the value.
      const slack = 4e-16 * Math.abs(here.value);
      if (at.value <= here.value + 1e-4 * expected + slack) next = { x: there, at };
    }
    if (next === undefined) return { x, value: here.value };
    x = next.x;
    here = next.at;
  }
  return { x, value: here.value };
}

/** Returns -H^-1 g on the free unknowns, 0 on the others. */
function newtonStep({ gradient, hessian }: Evaluation, free: readonly number[]): Float64Array {
  const n = gradient.length;
  const step = new Float64Array(n);
  const matrix = new Float64Array(free.length * free.length);
  free.forEach((i, a) => {
    free.forEach((j, b) => {
      matrix[a * free.length + b] = hessian[i * n + j]!;
    });
  });
  const solution = solvePositive(
    matrix,
    Float64Array.from(free, (i) => -gradient[i]!),
  );
  free.forEach((i, a) => {
    step[i] = solution[a]!;
  });
  return step;
}

/**
 * Solves A x = b for a symmetric matrix that is positive up to rounding, by Cholesky's method; the diagonal
 * is raised until it is positive.
 */
export function solvePositive(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  let raise = 0;
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(matrix[i * n + i]!));
  if (largest === 0) return right.slice();
  for (;;) {
    const factor = cholesky(matrix, n, raise);
    if (factor !== undefined) return substitute(factor, right);
    raise = raise === 0 ? largest * 1e-14 : raise * 10;
  }
}

function cholesky(matrix: Float64Array, n: number, raise: number): Float64Array | undefined {
  const factor = new Float64Array(n * n);
  // A row of the factor begins where that of the matrix does, which makes tables of many cells cheap.
  const first = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    while (first[i]! < i && matrix[i * n + first[i]!] === 0) first[i]!++;
    for (let j = first[i]!; j <= i; j++) {
      let sum = matrix[i * n + j]! + (i === j ? raise : 0);
      for (let k = Math.max(first[i]!, first[j]!); k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      if (i !== j) factor[i * n + j] = sum / factor[j * n + j]!;
      else if (sum > 0) factor[i * n + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return factor;
}

function substitute(factor: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  const x = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= factor[i * n + k]! * x[k]!;
    x[i]! /= factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= factor[k * n + i]! * x[k]!;
    x[i]! /= factor[i * n + i]!;
  }
  return x;
}
