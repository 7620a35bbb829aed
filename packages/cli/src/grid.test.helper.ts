import type { Grid, Vector } from "@pixelcal/io";

const axes: readonly Vector[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** Returns a grid, x first, whose axes run left, posterior and superior. */
export const straightGrid = (
  shape: readonly number[],
  spacing: readonly number[] = shape.map(() => 1),
  origin: Vector = [0, 0, 0],
): Grid => ({ shape, spacing, origin, direction: axes.slice(0, shape.length) });
