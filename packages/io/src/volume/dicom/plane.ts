import { cross, dot, norm, scaleBy, unit } from "../geometry.js";
import type { Vector } from "../volume.js";
import type { DataSet } from "./data-set.js";
import { tags } from "./tags.js";

/** The place of a frame in the patient, or on a slide. */
export interface Plane {
  /** The centre of the first pixel, in mm. */
  readonly position: Vector;
  /** The directions in which columns and rows count up: along a row, and down a column. */
  readonly right: Vector;
  readonly down: Vector;
  /** The distance from column to column and from row to row, in mm. */
  readonly spacing: readonly [number, number];
}

/** The functional groups of a file with several frames, or the data set itself for one image. */
export class FrameGroups {
  readonly #dataSet: DataSet;
  readonly #shared: DataSet | undefined;
  readonly #frames: readonly DataSet[];

  constructor(dataSet: DataSet, frames: number) {
    this.#dataSet = dataSet;
    this.#shared = dataSet.items(tags.sharedGroupsSequence)[0];
    this.#frames = dataSet.items(tags.frameGroupsSequence);
    // Files cut to their first frames keep the items of the others.
    if (this.#frames.length > 0 && this.#frames.length < frames)
      throw dataSet.fail(tags.frameGroupsSequence, `${this.#frames.length} items of ${frames} frames`);
  }

  /** Returns a frame's item of a group's sequence, else the shared one. */
  group(frame: number, sequence: number): DataSet | undefined {
    return this.#frames[frame]?.items(sequence)[0] ?? this.#shared?.items(sequence)[0];
  }

  /** Returns the data set that holds `tag` for a frame: its group, else the file's own. */
  holder(frame: number, sequence: number, tag: number): DataSet {
    const group = this.group(frame, sequence);
    return group?.element(tag) ? group : this.#dataSet;
  }
}

const three = (values: readonly number[], from = 0): Vector => [
  values[from]!,
  values[from + 1]!,
  values[from + 2]!,
];

/** Returns the directions of an orientation (PS3.3, C.7.6.2.1.1). Throws unless they are at right angles. */
export function directionsOf(holder: DataSet, tag: number): { right: Vector; down: Vector } | undefined {
  const values = holder.decimals(tag, 6);
  if (!values) return undefined;
  const [right, down] = [three(values), three(values, 3)];
  const unlike = (vector: Vector): boolean => Math.abs(norm(vector) - 1) > 1e-3;
  if (unlike(right) || unlike(down) || Math.abs(dot(right, down)) > 1e-3)
    throw holder.fail(tag, `[${values}] are not two unit vectors at right angles`);
  return { right: unit(right), down: unit(down) };
}

/** Returns the size of pixels [columns, rows] in mm, which the file writes as [rows, columns]. */
export function pixelSpacingOf(groups: FrameGroups, frame: number): readonly [number, number] | undefined {
  for (const tag of [tags.pixelSpacing, tags.imagerPixelSpacing]) {
    const holder = groups.holder(frame, tags.pixelMeasuresSequence, tag);
    const values = holder.decimals(tag, 2);
    if (!values) continue;
    const [down, right] = values as [number, number];
    if (!(down > 1e-9 && right > 1e-9 && down < 1e9 && right < 1e9))
      throw holder.fail(tag, `expected two positive numbers, got [${values}]`);
    return [right, down];
  }
  return undefined;
}

/** Returns the place of a frame; undefined for an image without one. */
export function planeOf(groups: FrameGroups, frame: number): Plane | undefined {
  const at = tags.imagePosition;
  const position = groups.holder(frame, tags.planePositionSequence, at).decimals(at, 3);
  const turned = tags.imageOrientation;
  const directions = directionsOf(groups.holder(frame, tags.planeOrientationSequence, turned), turned);
  const spacing = pixelSpacingOf(groups, frame);
  if (!position || !directions || !spacing) return undefined;
  return { position: three(position), ...directions, spacing };
}

/** Returns the direction in which slices are stacked. */
export const normalOf = ({ right, down }: Plane): Vector => cross(right, down);

/** Returns whether two planes are parallel, with the same pixels. */
export const sameOrientation = (a: Plane, b: Plane): boolean =>
  dot(a.right, b.right) > 1 - 1e-5 &&
  dot(a.down, b.down) > 1 - 1e-5 &&
  a.spacing.every((size, axis) => Math.abs(size / b.spacing[axis]! - 1) < 1e-3);

/** Returns the plane moved by `distance` along its normal. */
export function shifted(plane: Plane, distance: number): Plane {
  const [x, y, z] = plane.position;
  const [dx, dy, dz] = scaleBy(normalOf(plane), distance);
  return { ...plane, position: [x + dx, y + dy, z + dz] };
}
