import { FormatError } from "../errors.js";
import type { Grid, Vector } from "./volume.js";

/** The columns of a voxel-to-patient matrix, one per axis, and the place of the first voxel. */
export interface Affine {
  readonly columns: readonly Vector[];
  readonly origin: Vector;
}

export const norm = ([x, y, z]: Vector): number => Math.hypot(x, y, z);

export const scaleBy = ([x, y, z]: Vector, factor: number): Vector => [x * factor, y * factor, z * factor];

/** Converts right-anterior-superior into left-posterior-superior, or back. */
export const flipXY = ([x, y, z]: Vector): Vector => [0 - x, 0 - y, z];

/** Returns the affine columns of a grid: direction times spacing. */
export function affineOf({ direction, spacing, origin }: Grid): Affine {
  return { columns: direction.map((column, axis) => scaleBy(column, spacing[axis]!)), origin };
}

/**
 * Splits affine columns into spacing and direction. Throws FormatError for columns without a direction or in
 * one plane.
 */
export function gridOf(path: string, key: string, shape: readonly number[], affine: Affine): Grid {
  const columns = affine.columns.slice(0, shape.length);
  const spacing = columns.map(norm);
  const text = (): string => columns.map((column) => `[${column}]`).join(", ");
  if (!affine.origin.every(Number.isFinite))
    throw new FormatError(path, key, `the origin [${affine.origin}] is not finite`);
  // Spacings far outside any scanner's range overflow or vanish in later products.
  if (spacing.some((size) => !(size > 1e-12 && size < 1e12)))
    throw new FormatError(path, key, `the axes ${text()} do not have positive, finite lengths`);
  const direction = columns.map((column, axis) => scaleBy(column, 1 / spacing[axis]!));
  if (!independent(direction))
    throw new FormatError(path, key, `the axes ${text()} lie in one plane or line`);
  return { shape, spacing, origin: affine.origin, direction };
}

export const cross = ([a, b, c]: Vector, [d, e, f]: Vector): Vector => [
  b * f - c * e,
  c * d - a * f,
  a * e - b * d,
];

export const dot = ([a, b, c]: Vector, [d, e, f]: Vector): number => a * d + b * e + c * f;

function independent([first, second, third]: readonly Vector[]): boolean {
  if (!first || !second) return true;
  const normal = cross(first, second);
  return third ? Math.abs(dot(normal, third)) > 1e-6 : norm(normal) > 1e-6;
}

/** Returns the voxel coordinates of `point` in a grid; axes that the grid lacks count as perpendicular. */
export function toVoxels(grid: Grid, point: Vector): readonly number[] {
  const [a, b, c] = columnsOfThree(affineOf(grid).columns);
  const { origin } = grid;
  const offset: Vector = [point[0] - origin[0], point[1] - origin[1], point[2] - origin[2]];
  const volume = dot(a, cross(b, c));
  return [dot(offset, cross(b, c)), dot(offset, cross(c, a)), dot(offset, cross(a, b))].map(
    (part) => part / volume,
  );
}

/** Returns the columns of three axes; those that a grid lacks are unit vectors across the others. */
export function columnsOfThree(columns: readonly Vector[]): readonly [Vector, Vector, Vector] {
  const [a = [1, 0, 0] as const, given] = columns;
  const b = given ?? unit(cross(a, Math.abs(a[0]) < Math.abs(a[2]) ? [1, 0, 0] : [0, 0, 1]));
  return [a, b, columns[2] ?? unit(cross(a, b))];
}

export const unit = (vector: Vector): Vector => scaleBy(vector, 1 / norm(vector));

/** Returns the place of a voxel, whose coordinates need not be whole. */
function placeOf(grid: Grid, voxel: readonly number[]): Vector {
  const { columns, origin } = affineOf(grid);
  const at = (part: 0 | 1 | 2): number =>
    columns.reduce((sum, column, axis) => sum + column[part] * (voxel[axis] ?? 0), origin[part]);
  return [at(0), at(1), at(2)];
}

const corners = (shape: readonly number[]): readonly (readonly number[])[] =>
  shape.reduce<readonly (readonly number[])[]>(
    (list, size) =>
      list.flatMap((corner) => [
        [...corner, 0],
        [...corner, size - 1],
      ]),
    [[]],
  );

/**
 * Returns whether the shapes are the same and every corner voxel of `a` lies within 1e-3 of a voxel of its
 * namesake in `b`.
 */
export function sameGrid(a: Grid, b: Grid): boolean {
  if (a.shape.length !== b.shape.length || a.shape.some((size, axis) => size !== b.shape[axis])) return false;
  // One voxel beyond the last, because an axis of one voxel has a spacing too.
  const shape = a.shape.map((size) => size + 1);
  return corners(shape).every((corner) =>
    toVoxels(b, placeOf(a, corner)).every((at, axis) => Math.abs(at - (corner[axis] ?? 0)) <= 1e-3),
  );
}

/** Describes a grid in one line, for messages. */
export function describeGrid({ shape, spacing, origin, direction }: Grid): string {
  const round = (values: readonly number[]): string =>
    values.map((value) => `${Number(value.toPrecision(7))}`).join(", ");
  return `shape [${shape}], spacing [${round(spacing)}] mm, origin [${round(origin)}], directions ${direction
    .map((column) => `[${round(column)}]`)
    .join(" ")}`;
}

/** Throws FormatError with both geometries unless two volumes lie on the same grid. */
export function checkSameGrid(path: string, grid: Grid, otherPath: string, other: Grid): void {
  if (sameGrid(grid, other)) return;
  const cure = permutationBetween(grid, other)
    ? "; the axes are only ordered or flipped otherwise: reorient one of them (--reorient)"
    : "";
  const what = `${describeGrid(grid)} is not the grid of ${otherPath}: ${describeGrid(other)}${cure}`;
  throw new FormatError(path, "geometry", what);
}

/**
 * The axes of one grid along another's: axis `from[i]` of the source, backwards where `flipped[i]`, is axis
 * i.
 */
export interface AxisOrder {
  readonly from: readonly number[];
  readonly flipped: readonly boolean[];
}

/**
 * Returns the signed permutation of axes that turns `grid` into `target` exactly (to 1e-3 of a voxel), if
 * there is one.
 */
export function permutationBetween(grid: Grid, target: Grid): AxisOrder | undefined {
  const rank = grid.shape.length;
  if (target.shape.length !== rank) return undefined;
  const from: number[] = [];
  const flipped: boolean[] = [];
  for (const wanted of target.direction) {
    const along = grid.direction.map((column) => dot(column, wanted));
    const axis = along.reduce((best, part, i) => (Math.abs(part) > Math.abs(along[best]!) ? i : best), 0);
    if (from.includes(axis)) return undefined;
    from.push(axis);
    flipped.push(along[axis]! < 0);
  }
  const order = { from, flipped };
  return sameGrid(reorderedGrid(grid, order), target) ? order : undefined;
}

/** Returns the grid whose axes are those of `grid` in another order and direction. */
export function reorderedGrid(grid: Grid, { from, flipped }: AxisOrder): Grid {
  const first = grid.shape.map(() => 0);
  from.forEach((axis, i) => {
    if (flipped[i]) first[axis] = grid.shape[axis]! - 1;
  });
  return {
    shape: from.map((axis) => grid.shape[axis]!),
    spacing: from.map((axis) => grid.spacing[axis]!),
    origin: placeOf(grid, first),
    direction: from.map((axis, i) => scaleBy(grid.direction[axis]!, flipped[i] ? -1 : 1)),
  };
}
