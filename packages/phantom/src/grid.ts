import type { Anatomy } from "./anatomy.js";

/** The positions of the pixels. */
export interface Grid {
  readonly slices: number;
  readonly rows: number;
  readonly columns: number;
  /** The slice thickness, row height and column width in mm. */
  readonly spacing: readonly [number, number, number];
  /** Whether there is one slice alone, at the level `first`. */
  readonly single: boolean;
  /** The first slice's level (single), or its distance in mm below the valve. */
  readonly first: number;
  readonly x: (column: number) => number;
  readonly y: (row: number) => number;
}

export function makeGrid(
  size: readonly [number, number, number],
  spacing: readonly [number, number, number],
  single: boolean,
  first: number,
): Grid {
  const [slices, rows, columns] = size;
  return {
    slices,
    rows,
    columns,
    spacing,
    single,
    first,
    x: (column) => (column - (columns - 1) / 2) * spacing[2],
    y: (row) => (row - (rows - 1) / 2) * spacing[1],
  };
}

/** Returns the level of a slice, or of a plane `offset` mm towards the apex from it. */
export function levelOf(grid: Grid, anatomy: Anatomy, slice: number, offset = 0): number {
  if (grid.single) return grid.first + offset / anatomy.length;
  return (grid.first + slice * grid.spacing[0] + offset) / anatomy.length;
}

/** Returns a length in mm as pixels per axis; 0 across a single slice, where nothing varies. */
export function inPixels({ single, spacing }: Grid, length: number): number[] {
  return spacing.map((size, axis) => (single && axis === 0 ? 0 : length / size));
}
