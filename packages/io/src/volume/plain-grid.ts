import type { Grid, Vector } from "./volume.js";

/** The note on a volume of a format without geometry. */
export const noGeometry = "the format has no directions; axes are taken to run left, posterior, superior";

const axes: readonly Vector[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** Returns the grid of a format without directions; spacings default to 1. */
export const plainGrid = (shape: readonly number[], spacing: readonly number[] = []): Grid => ({
  shape,
  spacing: shape.map((_, axis) => spacing[axis] ?? 1),
  origin: [0, 0, 0],
  direction: axes.slice(0, shape.length),
});
