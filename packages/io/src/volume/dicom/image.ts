import { setImmediate as nextTurn } from "node:timers/promises";
import { elements } from "../../element.js";
import type { Limits } from "../../limits.js";
import { noGeometry, plainGrid } from "../plain-grid.js";
import { checkedBytes } from "../refuse.js";
import { channelsLast } from "../values.js";
import type { Grid, ReadSettings, Volume } from "../volume.js";
import type { DicomFile } from "./dicom-file.js";
import { openFrames } from "./frames.js";
import { type PixelLayout, pixelLayoutOf } from "./pixel-layout.js";
import { FrameGroups, type Plane, pixelSpacingOf, planeOf, shifted } from "./plane.js";
import { type Scaling, scaleFrames, scalingOf, sharedScaling } from "./scaling.js";
import { stackOf } from "./stack.js";
import { tags, tagText } from "./tags.js";

/** The properties of a stack of frames that are known before its pixels are read. */
export interface ImageParts {
  readonly path: string;
  readonly layout: PixelLayout;
  readonly grid: Grid;
  readonly units: string;
  /** The scaling of each frame, in the order of the volume. */
  readonly scalings: readonly Scaling[];
  readonly notes: readonly string[];
}

/** Reads the frames of a stack, one by one, into one buffer. */
export async function assemble(
  { path, layout, grid, units, scalings, notes }: ImageParts,
  limits: Limits,
  read: (index: number, out: Uint8Array) => Promise<void>,
  more: () => Iterable<string>,
): Promise<Volume> {
  const { rows, columns, samples, type, frameBytes, planar, photometric } = layout;
  const { bytes: width, view } = elements[type];
  const count = scalings.length;
  const size = checkedBytes(path, tagText(tags.rows), 0, [columns, rows, samples, count], width, limits);
  const all = new Uint8Array(size);
  for (let i = 0; i < count; i++) {
    await read(i, all.subarray(i * frameBytes, (i + 1) * frameBytes));
    await nextTurn();
  }
  const stored = view(all.buffer, 0, size / width);
  const scaling = sharedScaling(scalings);
  const real = scaling === undefined ? await scaleFrames(stored as Uint8Array, scalings) : undefined;
  const data = real ?? stored;
  return {
    format: "DICOM",
    type: real ? "float32" : type,
    data: samples === 1 ? data : await channelsLast(data, planar ? rows * columns : 1, samples),
    ...grid,
    ...(samples > 1 ? { channels: samples } : {}),
    units,
    ...(scaling && (scaling.slope !== 1 || scaling.inter !== 0) ? { scaled: scaling } : {}),
    notes: [
      ...notes,
      ...(real ? ["slices have scalings of their own; values are scaled"] : []),
      ...(photometric === "MONOCHROME1" ? ["0 is white; values are as stored"] : []),
      ...(photometric.startsWith("YBR") ? [`colours are ${photometric}, as stored`] : []),
      ...more(),
    ],
  };
}

/** Returns the planes of a file's frames, or undefined if one of them has no place. */
export function planesOf(
  { dataSet }: DicomFile,
  groups: FrameGroups,
  frames: number,
): readonly Plane[] | undefined {
  const offsets = dataSet.decimals(tags.gridFrameOffsets);
  if (offsets && offsets.length === frames && frames > 1) {
    const plane = planeOf(groups, 0);
    // The first offset is 0, or else the coordinate of the first plane.
    return plane && offsets.map((offset) => shifted(plane, offset - offsets[0]!));
  }
  const planes = Array.from({ length: frames }, (_, frame) => planeOf(groups, frame));
  // One position for all frames is that of none: a film.
  const single = frames > 1 && !groups.group(0, tags.planePositionSequence);
  return !single && planes.every((plane) => plane !== undefined) ? planes : undefined;
}

/** Reads the image of one file, of one frame or of several. Throws FormatError. */
export async function readImage(file: DicomFile, settings: ReadSettings): Promise<Volume> {
  const { path, dataSet } = file;
  const layout = pixelLayoutOf(file);
  const { frames: count, columns, rows } = layout;
  const frames = await openFrames(file, layout, settings.limits);
  const groups = new FrameGroups(dataSet, count);
  const planes = planesOf(file, groups, count);
  const notes = [...file.notes];
  if (dataSet.items(tags.modalityLutSequence).length > 0) notes.push("a table of real values is not applied");
  const scalings = Array.from({ length: count }, (_, frame) => scalingOf(dataSet, groups, frame));
  if (!planes) {
    const spacing = pixelSpacingOf(groups, 0);
    const shape = count > 1 ? [columns, rows, count] : [columns, rows];
    notes.push(spacing ? "no position is given" : "no spacing is given; 1 is assumed", noGeometry);
    if (count > 1) notes.push("frames have no positions; their distance of 1 mm is assumed");
    const grid = plainGrid(shape, spacing ?? []);
    const parts = { path, layout, grid, units: spacing ? "mm" : "unknown", scalings, notes };
    return assemble(parts, settings.limits, frames.read, () => frames.notes);
  }
  const name = (frame: number): string => `frame ${frame + 1}`;
  const {
    order,
    grid,
    notes: seen,
  } = stackOf(path, planes, [columns, rows], name, {
    allowGaps: settings.allowGaps ?? false,
    keepOrder: true,
  });
  const parts = {
    path,
    layout,
    grid,
    units: "mm",
    scalings: order.map((frame) => scalings[frame]!),
    notes: [...notes, ...seen],
  };
  return assemble(
    parts,
    settings.limits,
    (i, out) => frames.read(order[i]!, out),
    () => frames.notes,
  );
}
