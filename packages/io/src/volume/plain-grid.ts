import type { Grid, Vector } from "./volume.js";

/** What a volume of a format without geometry says of itself. */
export const noGeometry = "the format has no directions; axes are taken to run left, posterior, superior";

const axes: readonly Vector[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** Returns the grid of a format without directions; spacings are 1 where they are not given. */
export const plainGrid = (shape: readonly number[], spacing: readonly number[] = []): Grid => ({
  shape,
  spacing: shape.map((_, axis) => spacing[axis] ?? 1),
  origin: [0, 0, 0],
  direction: axes.slice(0, shape.length),
});
