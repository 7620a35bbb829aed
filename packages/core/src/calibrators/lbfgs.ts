/** The value of a function and its gradient. */
export interface Slope {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface DescentOptions {
  /** The most steps; default 100. */
  readonly iterations?: number;
  /** The share of the value that three steps must gain together; default 1e-6. */
  readonly tolerance?: number;
}

const remembered = 12;
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/**
 * Descends to a minimum of a smooth function by L-BFGS with step halving (Nocedal, 1980). Every step lowers
 * the value.
 */
export async function descend(
  objective: (x: Float64Array) => Promise<Slope>,
  start: Float64Array,
  { iterations = 100, tolerance = 1e-6 }: DescentOptions = {},
): Promise<{ readonly x: Float64Array; readonly value: number }> {
  let x = start;
  let here = await objective(x);
  const values = [here.value];
  const memory: { readonly s: Float64Array; readonly y: Float64Array }[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    let direction = descentOf(here.gradient, memory);
    let slope = dot(direction, here.gradient);
    if (!(slope < 0)) {
      memory.length = 0;
      direction = here.gradient.map((g) => -g);
      slope = dot(direction, here.gradient);
    }
    if (slope === 0) break;
    // The first step is along the gradient, whose length says nothing of the distance.
    const first = memory.length === 0 ? Math.min(1, 0.1 / Math.sqrt(-slope)) : 1;
    let next: { readonly x: Float64Array; readonly at: Slope } | undefined;
    for (let t = first; t > 1e-12 * first && next === undefined; t /= 2) {
      const there = x.map((value, i) => value + t * direction[i]!);
      const at = await objective(there);
      if (at.value <= here.value + 1e-4 * t * slope) next = { x: there, at };
    }
    if (next === undefined) break;
    const [s, y] = [
      next.x.map((value, i) => value - x[i]!),
      next.at.gradient.map((g, i) => g - here.gradient[i]!),
    ];
    if (dot(s, y) > 1e-10 * Math.sqrt(dot(s, s) * dot(y, y))) memory.push({ s, y });
    if (memory.length > remembered) memory.shift();
    ({ x, at: here } = next);
    values.push(here.value);
    const before = values.at(-4);
    if (before !== undefined && before - here.value <= tolerance * Math.abs(here.value)) break;
  }
  return { x, value: here.value };
}

/** Returns -H g, H the inverse Hessian that the last steps tell of (two-loop recursion). */
function descentOf(
  gradient: Float64Array,
  memory: readonly { readonly s: Float64Array; readonly y: Float64Array }[],
): Float64Array {
  const direction = gradient.map((g) => -g);
  const shares: number[] = [];
  const add = (factor: number, of: Float64Array): void => {
    for (const [i, value] of of.entries()) direction[i]! += factor * value;
  };
  for (const { s, y } of memory.toReversed()) {
    const share = dot(s, direction) / dot(s, y);
    shares.push(share);
    add(-share, y);
  }
  const last = memory.at(-1);
  if (last !== undefined) {
    const scale = dot(last.s, last.y) / dot(last.y, last.y);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  for (const { s, y } of memory) add(shares.pop()! - dot(y, direction) / dot(s, y), s);
  return direction;
}
