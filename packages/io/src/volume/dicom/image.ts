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
  /** The number of frames at each place, which are channels. */
  readonly repeats?: number;
  /** The scaling of each frame, in the order of the volume. */
  readonly scalings: readonly Scaling[];
  readonly notes: readonly string[];
}

const colours = (photometric: string, toRgb: boolean): string =>
  toRgb ? `colours are turned from ${photometric} to RGB` : `colours are ${photometric}, as stored`;

/** Reads the frames of a stack, one by one, into one buffer. */
export async function assemble(
  { path, layout, grid, units, scalings, notes, repeats = 1 }: ImageParts,
  limits: Limits,
  read: (index: number, out: Uint8Array) => Promise<void>,
  more: () => Iterable<string>,
): Promise<Volume> {
  const { rows, columns, samples, type, frameBytes, planar, photometric, toRgb } = layout;
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
    ...(samples * repeats > 1 ? { channels: samples * repeats } : {}),
    units,
    ...(scaling && (scaling.slope !== 1 || scaling.inter !== 0) ? { scaled: scaling } : {}),
    notes: [
      ...notes,
      ...(real ? ["slices have scalings of their own; values are scaled"] : []),
      ...(photometric === "MONOCHROME1" ? ["0 is white; values are as stored"] : []),
      ...(photometric.startsWith("YBR") ? [colours(photometric, toRgb)] : []),
      ...more(),
    ],
  };
}

/** Returns the planes of a file's frames, or undefined if one of them has no place. */
function planesOf({ dataSet }: DicomFile, groups: FrameGroups, frames: number): readonly Plane[] | undefined {
  const offsets = dataSet.decimals(tags.gridFrameOffsets);
  if (offsets && frames > 1) {
    // Files cut to their first frames keep the offsets of the others.
    if (offsets.length < frames)
      throw dataSet.fail(tags.gridFrameOffsets, `${offsets.length} offsets of ${frames} frames`);
    const plane = planeOf(groups, 0);
    // The first offset is 0, or else the coordinate of the first plane.
    return plane && offsets.slice(0, frames).map((offset) => shifted(plane, offset - offsets[0]!));
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
  const { frames: count, columns, rows, samples } = layout;
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
  const places = framesByPlace(planes);
  const repeats = places[0]!.length;
  if (repeats > 1 && samples > 1)
    throw dataSet.fail(tags.numberOfFrames, `${repeats} frames of colours at each place are not read`);
  if (repeats > 1) notes.push(`the ${repeats} frames at each place are channels, in the order of the file`);
  const stack = stackOf(
    path,
    places.map(([first]) => planes[first!]!),
    [columns, rows],
    (place) => `frame ${places[place]![0]! + 1}`,
    { allowGaps: settings.allowGaps ?? false, keepOrder: true },
  );
  const order = Array.from({ length: repeats }, (_, i) =>
    stack.order.map((place) => places[place]![i]!),
  ).flat();
  const parts = {
    path,
    layout,
    grid: stack.grid,
    units: "mm",
    scalings: order.map((frame) => scalings[frame]!),
    notes: [...notes, ...stack.notes],
    repeats,
  };
  return assemble(
    parts,
    settings.limits,
    (i, out) => frames.read(order[i]!, out),
    () => frames.notes,
  );
}

/**
 * Returns the frames at each place, in the order of the file: several where times, echoes or directions of
 * diffusion share places. Where their numbers differ, each frame is a place of its own.
 */
function framesByPlace(planes: readonly Plane[]): readonly (readonly number[])[] {
  const places = new Map<string, number[]>();
  for (const [frame, { position }] of planes.entries()) {
    const key = position.map((part) => part.toFixed(3)).join();
    const list = places.get(key);
    if (list) list.push(frame);
    else places.set(key, [frame]);
  }
  const lists = [...places.values()];
  return lists.every(({ length }) => length === lists[0]!.length) ? lists : planes.map((_, frame) => [frame]);
}
