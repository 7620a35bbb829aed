import type { Value } from "../ir.js";
import { integers, scalar } from "../operators/operand.js";
import * as ops from "../operators/ops.js";

// Slices of volumes that are laid side by side for a kernel's taps along depth. These copies are made for a
// run of slices at a time: all at once they would be the largest arrays of a training step.

/** A run of slices, `end` excluded. */
export interface Run {
  readonly from: number;
  readonly end: number;
}

/** Numbers that the copies of a run should have: 8 MB, which a processor's caches hold. */
const runNumbers = 1 << 21;
/** More runs than this would take longer than they save. */
const mostRuns = 16;

/** Cuts `count` slices into equal runs for copies of `numbers` a slice, with at most `most` in a run. */
export function runsOf(count: number, numbers: number, most: number = runNumbers): readonly Run[] {
  const runs = Math.min(mostRuns, count, Math.ceil((count * numbers) / most));
  const at = (run: number): number => Math.round((run * count) / runs);
  return Array.from({ length: runs }, (_, run) => ({ from: at(run), end: at(run + 1) }));
}

/** The place of a slice of zeros, outside of a volume. */
export const outside = -1;

/** Takes slices of v along an axis in any order, zeros for those that are `outside`. */
export function takeSlices(v: Value, places: readonly number[], axis: number): Value {
  const count = v.dims[axis]!;
  const inside = places.filter((place) => place !== outside);
  if (inside.length === places.length) {
    const unchanged = places.length === count && places.every((place, index) => place === index);
    return unchanged ? v : ops.Gather(v, integers(v.graph, places), axis);
  }
  const zeros = (size: number): Value =>
    ops.Expand(scalar(v.graph, v.type, 0), v.dims.with(axis, size) as number[]);
  if (inside.length === 0) return zeros(places.length);
  const [low, high] = [Math.min(...inside), Math.max(...inside) + 1];
  const seen = low === 0 && high === count ? v : ops.Slice(v, [low], [high], [axis]);
  const source = ops.Concat([seen, zeros(1)], axis);
  const moved = places.map((place) => (place === outside ? high - low : place - low));
  return ops.Gather(source, integers(v.graph, moved), axis);
}
