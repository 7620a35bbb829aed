import { normalQuantile } from "./quantile.js";

/** The number of cases (or groups) that an interval of a given half-width needs. */
export interface SampleSize {
  readonly name: string;
  readonly halfWidth: number;
  /** The number of cases, given how much the cases seen vary. */
  readonly needed: number;
}

/** The half-widths that sample sizes are given for, by measure. */
export const wantedHalfWidths: ReadonlyMap<string, number> = new Map([
  ["ECE", 0.005],
  ["DSC", 0.02],
]);

/**
 * Returns the number of groups at which the interval of a measure has this half-width: the spread of
 * bootstrap values over `groups` groups shrinks with the root of their number.
 */
export function groupsNeeded(drawn: Float64Array, groups: number, halfWidth: number, level: number): number {
  const values = drawn.filter(Number.isFinite);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length;
  const z = normalQuantile((1 + level) / 2);
  return Math.ceil((groups * z * z * variance) / (halfWidth * halfWidth));
}
