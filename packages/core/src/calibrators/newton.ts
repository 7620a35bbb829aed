import type { BandMatrix } from "./band-matrix.js";

/** The value of a function with its derivatives. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Float64Array;
  readonly hessian: BandMatrix;
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
    const free = Array.from(x, (value, i) => value > least(i) || gradient[i]! < 0);
    const step = await here.hessian.solve(
      gradient.map((g) => -g),
      free,
    );
    const largest = step.reduce((most, s, i) => Math.max(most, Math.abs(s) / (1 + Math.abs(x[i]!))), 0);
    const moved = (t: number): Float64Array => x.map((value, i) => Math.max(least(i), value + t * step[i]!));
    if (largest <= tolerance) return { x: moved(1), value: here.value };
    const promised = -step.reduce((sum, s, i) => sum + gradient[i]! * s, 0);
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
