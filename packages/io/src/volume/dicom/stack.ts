import { FormatError } from "../../errors.js";
import { dot, gridOf, norm, scaleBy } from "../geometry.js";
import type { Grid, Vector } from "../volume.js";
import { normalOf, type Plane, sameOrientation } from "./plane.js";

/** The order of slices along their normal, and the grid on which they lie. */
export interface Stack {
  /** The index of each slice's plane, by its distance along the normal. */
  readonly order: readonly number[];
  readonly grid: Grid;
  readonly notes: readonly string[];
}

/** The part of the median step by which a step may differ. */
const tolerance = 0.01;

const minus = ([a, b, c]: Vector, [d, e, f]: Vector): Vector => [a - d, b - e, c - f];
const round = (value: number): number => Number(value.toPrecision(6));

export interface StackOptions {
  /** Whether steps that differ by more than 1 % are accepted. */
  readonly allowGaps: boolean;
  /** Whether planes that all run against the normal keep their order; the grid then has the other hand. */
  readonly keepOrder: boolean;
}

/**
 * Sorts parallel planes by the projection of their positions on the normal; spacing is the median step.
 * `names` are those of planes in messages. Throws FormatError for two planes at one place and, unless
 * `allowGaps`, for steps that differ by more than 1 %.
 */
export function stackOf(
  path: string,
  planes: readonly Plane[],
  shape: readonly [number, number],
  names: (index: number) => string,
  { allowGaps, keepOrder }: StackOptions,
): Stack {
  const first = planes[0]!;
  const upward = normalOf(first);
  const heights = planes.map(({ position }) => dot(position, upward));
  const turned = keepOrder && heights.every((height, i) => i === 0 || height < heights[i - 1]!);
  const normal = turned ? minus([0, 0, 0], upward) : upward;
  const odd = planes.findIndex((plane) => !sameOrientation(plane, first));
  if (odd >= 0)
    throw new FormatError(
      path,
      "orientation",
      `${names(odd)} is not parallel to ${names(0)}, or has other pixels`,
    );
  const along = planes.map(({ position }) => dot(position, normal));
  const order = planes.map((_, i) => i).sort((a, b) => along[a]! - along[b]!);
  const steps = order.slice(1).map((index, i) => along[index]! - along[order[i]!]!);
  const still = steps.findIndex((step) => !(step > 1e-6));
  if (still >= 0) {
    const what = `${names(order[still]!)} and ${names(order[still + 1]!)} lie at the same place`;
    throw new FormatError(path, "position", `${what}; several times or echoes in one series are not read`);
  }
  if (order.length === 1) return { order, grid: flatGrid(path, first, shape), notes: [] };
  const spacing = median(steps);
  const notes: string[] = [];
  const gap = steps.findIndex((step) => Math.abs(step - spacing) > tolerance * spacing);
  if (gap >= 0) {
    const what = `the step from ${names(order[gap]!)} to ${names(order[gap + 1]!)} is ${round(steps[gap]!)} mm, the median step ${round(spacing)} mm`;
    if (!allowGaps)
      throw new FormatError(
        path,
        "spacing",
        `${what}; slices are missing, or allowGaps accepts uneven steps`,
      );
    notes.push(`${what}; slices are taken to be evenly spaced`);
  }
  const low = planes[order[0]!]!;
  const high = planes[order.at(-1)!]!;
  const total = spacing * steps.length;
  if (gap < 0 && Math.abs(along[order.at(-1)!]! - along[order[0]!]! - total) > 1e-3 * spacing)
    notes.push(
      `steps between slices vary from ${round(Math.min(...steps))} to ${round(Math.max(...steps))} mm`,
    );
  const travelled = minus(high.position, low.position);
  const depth = dot(travelled, normal);
  const aside = norm(minus(travelled, scaleBy(normal, depth)));
  // A tilted gantry moves each slice sideways; the stack is then a slanted one.
  const slanted = aside > 1e-3 * depth;
  if (slanted)
    notes.push(
      `each slice lies ${round(aside / steps.length)} mm beside the one before; the grid is slanted`,
    );
  const step = slanted ? scaleBy(travelled, spacing / depth) : scaleBy(normal, spacing);
  const columns = [...flatColumns(low), step];
  return {
    order,
    grid: gridOf(path, "position", [...shape, order.length], { columns, origin: low.position }),
    notes,
  };
}

const flatColumns = ({ right, down, spacing }: Plane): readonly Vector[] => [
  scaleBy(right, spacing[0]),
  scaleBy(down, spacing[1]),
];

/** Returns the grid of a single plane: two axes. */
export const flatGrid = (path: string, plane: Plane, shape: readonly [number, number]): Grid =>
  gridOf(path, "position", shape, { columns: flatColumns(plane), origin: plane.position });

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
