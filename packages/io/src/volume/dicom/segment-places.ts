import { FormatError, overLimit } from "../../errors.js";
import { defaultLimits } from "../../limits.js";
import { describeGrid, dot, gridOf, scaleBy, toVoxels } from "../geometry.js";
import { refusal } from "../refuse.js";
import type { Grid, Vector } from "../volume.js";
import type { DataSet } from "./data-set.js";
import type { PixelLayout } from "./pixel-layout.js";
import {
  directionsOf,
  type FrameGroups,
  normalOf,
  type Plane,
  pixelSpacingOf,
  planeOf,
  sameOrientation,
} from "./plane.js";
import { flatGrid } from "./stack.js";
import { tags, tagText } from "./tags.js";

/** The grid of a segmentation, and where its frames lie in it. */
export interface Places {
  readonly grid: Grid;
  readonly units: string;
  /** The voxel of each frame's first pixel, and the part of the frame that lies in the grid. */
  readonly frames: readonly { readonly start: number; readonly columns: number; readonly rows: number }[];
  readonly notes: readonly string[];
}

/** The distance from a slice, in slices, at which a frame still counts as lying on it. */
const tolerance = 0.01;

/**
 * Places the frames of a segmentation: on a given grid, by their positions in the total matrix of a slide, or
 * on the grid that their positions span. Slices without a frame are part of the grid. Throws FormatError.
 */
export function placesOf(
  path: string,
  dataSet: DataSet,
  layout: PixelLayout,
  groups: FrameGroups,
  grid?: Grid,
): Places {
  const { frames, rows, columns } = layout;
  if (groups.group(0, tags.planePositionSlideSequence) && !grid)
    return tilesOf(path, dataSet, layout, groups);
  const planes = Array.from({ length: frames }, (_, frame) => {
    const plane = planeOf(groups, frame);
    if (!plane) throw refusal(path, tagText(tags.imagePosition), 0, `frame ${frame + 1} has no place`);
    return plane;
  });
  const first = planes[0]!;
  const odd = planes.findIndex((plane) => !sameOrientation(plane, first));
  if (odd >= 0) throw new FormatError(path, "orientation", `frame ${odd + 1} is not parallel to frame 1`);
  const found = grid ?? spannedGrid(path, planes, [columns, rows], groups);
  const [width, height] = found.shape;
  const depth = found.shape[2] ?? 1;
  const starts = planes.map(({ position }, frame) => {
    const [x, y, z] = toVoxels(found, position) as [number, number, number];
    const slice = Math.round(z);
    if (Math.max(Math.abs(x), Math.abs(y), Math.abs(z - slice)) > tolerance || slice < 0 || slice >= depth) {
      const what = `frame ${frame + 1} at [${position}] mm lies on no slice of the grid: ${describeGrid(found)}`;
      throw new FormatError(path, "position", what);
    }
    return { start: slice * width! * height!, columns, rows };
  });
  if (grid) checkPixels(path, first, grid, [columns, rows]);
  return { grid: found, units: "mm", frames: starts, notes: emptySlices(starts, depth) };
}

/** Throws unless the pixels of a frame are those of a slice of the grid. */
function checkPixels(path: string, plane: Plane, grid: Grid, shape: readonly [number, number]): void {
  const flat = flatGrid(path, plane, shape);
  const same =
    shape.every((size, axis) => size === grid.shape[axis]) &&
    flat.spacing.every((size, axis) => Math.abs(size / grid.spacing[axis]! - 1) * shape[axis]! < 1e-2) &&
    flat.direction.every((column, axis) => dot(column, grid.direction[axis]!) > 1 - 1e-6);
  if (!same)
    throw new FormatError(
      path,
      "geometry",
      `${describeGrid(flat)} are not the slices of ${describeGrid(grid)}`,
    );
}

function emptySlices(frames: readonly { start: number }[], depth: number): readonly string[] {
  const empty = depth - new Set(frames.map(({ start }) => start)).size;
  return empty > 0 ? [`${empty} of ${depth} slices have no frame`] : [];
}

/** Returns the grid from the lowest to the highest plane, in declared steps or the smallest. */
function spannedGrid(
  path: string,
  planes: readonly Plane[],
  shape: readonly [number, number],
  groups: FrameGroups,
): Grid {
  const first = planes[0]!;
  const normal = normalOf(first);
  const along = planes.map(({ position }) => dot(position, normal));
  const heights = [...along]
    .sort((a, b) => a - b)
    .filter((height, i, all) => i === 0 || height - all[i - 1]! > 1e-3);
  if (heights.length === 1) return flatGrid(path, first, shape);
  const low = heights[0]!;
  const range = heights.at(-1)! - low;
  const fits = (step: number): boolean =>
    step > 0 &&
    heights.every((height) => {
      const slices = (height - low) / step;
      return Math.abs(slices - Math.round(slices)) < tolerance;
    });
  const declared = groups.group(0, tags.pixelMeasuresSequence)?.decimal(tags.spacingBetweenSlices);
  const smallest = Math.min(...heights.slice(1).map((height, i) => height - heights[i]!));
  const step = [declared ?? 0, smallest].find(fits);
  if (step === undefined)
    throw new FormatError(
      path,
      "spacing",
      `frames lie at uneven distances of ${smallest} mm and more; give the grid of the image (option grid)`,
    );
  const slices = Math.round(range / step) + 1;
  // A false position must not stretch a few frames to a volume that fills the memory.
  const bytes = shape[0] * shape[1] * slices;
  if (slices > defaultLimits.maxRatio * heights.length && bytes > defaultLimits.ratioFloor)
    throw overLimit(
      new FormatError(
        path,
        "position",
        `${heights.length} places span ${slices} slices; give the grid of the image (option grid)`,
      ),
    );
  const origin = planes[along.indexOf(Math.min(...along))]!.position;
  const columns: readonly Vector[] = [
    scaleBy(first.right, first.spacing[0]),
    scaleBy(first.down, first.spacing[1]),
    scaleBy(normal, range / (slices - 1)),
  ];
  return gridOf(path, "position", [...shape, slices], { columns, origin });
}

/** Places the tiles of a slide in its total matrix of pixels, in the slide's own coordinates. */
function tilesOf(
  path: string,
  dataSet: DataSet,
  { rows, columns, frames }: PixelLayout,
  groups: FrameGroups,
): Places {
  const width = dataSet.need(tags.matrixColumns);
  const height = dataSet.need(tags.matrixRows);
  const starts = Array.from({ length: frames }, (_, frame) => {
    const group = groups.group(frame, tags.planePositionSlideSequence);
    const [x, y] = [tags.columnInMatrix, tags.rowInMatrix].map((tag) => (group?.need(tag) ?? 0) | 0);
    if (!(x! >= 1 && y! >= 1 && x! <= width && y! <= height))
      throw refusal(
        path,
        tagText(tags.columnInMatrix),
        0,
        `frame ${frame + 1} lies outside of the total matrix`,
      );
    return {
      start: (y! - 1) * width + (x! - 1),
      columns: Math.min(columns, width - x! + 1),
      rows: Math.min(rows, height - y! + 1),
    };
  });
  const directions = directionsOf(dataSet, tags.slideOrientation);
  const spacing = pixelSpacingOf(groups, 0);
  const origin = dataSet.items(tags.matrixOriginSequence)[0];
  const at = (tag: number): number => origin?.decimal(tag) ?? 0;
  if (!directions || !spacing) throw dataSet.missing(directions ? tags.pixelSpacing : tags.slideOrientation);
  const plane = {
    ...directions,
    spacing,
    position: [at(tags.slidePositionX), at(tags.slidePositionY), at(tags.slidePositionZ)] as const,
  };
  return {
    grid: flatGrid(path, plane, [width, height]),
    units: "mm",
    frames: starts,
    notes: ["tiles of a slide: origin and directions are those of the slide, not of a patient"],
  };
}
