import { setImmediate as nextTurn } from "node:timers/promises";
import { elements } from "../../element.js";
import { checkedBytes, refusal } from "../refuse.js";
import type { ReadSettings, Volume } from "../volume.js";
import type { DataSet } from "./data-set.js";
import type { DicomFile } from "./dicom-file.js";
import { type Frames, openFrames } from "./frames.js";
import { type PixelLayout, pixelLayoutOf } from "./pixel-layout.js";
import { FrameGroups } from "./plane.js";
import { type Places, placesOf } from "./segment-places.js";
import { labelMapOrChannels } from "./segments.js";
import { tags, tagText } from "./tags.js";

/** Returns whether a data set is a segmentation: it has segments and says of which type. */
export const isSegmentation = (dataSet: DataSet): boolean =>
  dataSet.element(tags.segmentationType) !== undefined;

/** An open segmentation. */
interface Segmentation {
  readonly file: DicomFile;
  readonly layout: PixelLayout;
  readonly frames: Frames;
  readonly places: Places;
  /** The segment of each frame; none for a label map. */
  readonly segments: readonly number[];
  /** The name of each segment, in the order of the file. */
  readonly names: ReadonlyMap<number, string>;
  readonly settings: ReadSettings;
}

/**
 * Reads a DICOM segmentation. BINARY gives a label map, or a channel per segment if segments overlap;
 * FRACTIONAL a channel per segment; LABELMAP its labels. Slices without a frame are background, or the
 * padding value of a LABELMAP that has one. Throws FormatError.
 */
export async function readSegmentation(file: DicomFile, settings: ReadSettings): Promise<Volume> {
  const { path, dataSet } = file;
  const layout = pixelLayoutOf(file);
  if (layout.samples !== 1 || layout.type.startsWith("float"))
    throw dataSet.fail(tags.samplesPerPixel, "segments have one whole number per pixel");
  const frames = await openFrames(file, layout, settings.limits);
  const groups = new FrameGroups(dataSet, layout.frames);
  const kind = dataSet.text(tags.segmentationType);
  const names = namesOf(dataSet);
  const segments = kind === "LABELMAP" ? [] : segmentsOf(file, layout, groups, names);
  const places = placesOf(path, dataSet, layout, groups, settings.grid);
  checkFrames(path, places, segments);
  const open = { file, layout, frames, places, segments, names, settings };
  if (kind === "BINARY") return readBinary(open);
  if (kind === "FRACTIONAL") return readFractional(open);
  if (kind === "LABELMAP") return readLabelMap(open);
  throw dataSet.fail(
    tags.segmentationType,
    `expected BINARY, FRACTIONAL or LABELMAP, got ${JSON.stringify(kind)}`,
  );
}

function namesOf(dataSet: DataSet): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const item of dataSet.items(tags.segmentSequence)) {
    const number = item.need(tags.segmentNumber);
    if (names.has(number)) throw item.fail(tags.segmentNumber, `segment ${number} is described twice`);
    names.set(number, item.text(tags.segmentLabel) ?? `${number}`);
  }
  if (names.size === 0) throw dataSet.missing(tags.segmentSequence);
  return names;
}

function segmentsOf(
  { path }: DicomFile,
  { frames }: PixelLayout,
  groups: FrameGroups,
  names: ReadonlyMap<number, string>,
): readonly number[] {
  return Array.from({ length: frames }, (_, frame) => {
    const group = groups.group(frame, tags.segmentIdentificationSequence);
    const number = group?.unsigned(tags.referencedSegmentNumber);
    if (number === undefined || number === 0 || !names.has(number)) {
      const what = `frame ${frame + 1} belongs to segment ${number ?? "(none)"}, which is not described`;
      throw refusal(path, tagText(tags.referencedSegmentNumber), 0, what);
    }
    return number;
  });
}

/** Throws if two frames are of the same segment and place: one of them would be lost. */
function checkFrames(path: string, { frames }: Places, segments: readonly number[]): void {
  const seen = new Map<string, number>();
  for (const [i, { start }] of frames.entries()) {
    const key = `${segments[i] ?? ""}@${start}`;
    const before = seen.get(key);
    if (before !== undefined)
      throw refusal(
        path,
        tagText(tags.frameGroupsSequence),
        0,
        `frames ${before + 1} and ${i + 1} are of the same segment and place`,
      );
    seen.set(key, i);
  }
}

/** Calls `put` with each frame's bytes, row by row: the voxel of the row's first pixel and its pixels. */
async function eachRow(
  { layout, frames, places }: Segmentation,
  put: (frame: number, voxel: number, row: Uint8Array) => void,
): Promise<void> {
  const { frameBytes, rows } = layout;
  const buffer = new Uint8Array(frameBytes);
  const stride = places.grid.shape[0]!;
  const pitch = frameBytes / rows;
  for (const [i, { start, columns, rows: count }] of places.frames.entries()) {
    await frames.read(i, buffer);
    const wide = (pitch / layout.columns) * columns;
    for (let row = 0; row < count; row++)
      put(i, start + row * stride, buffer.subarray(row * pitch, row * pitch + wide));
    await nextTurn();
  }
}

const common = ({
  file,
  places,
  names,
  frames,
}: Segmentation): Pick<Volume, "format" | "units" | "names" | "notes"> => ({
  format: "DICOM",
  units: places.units,
  names,
  notes: [...file.notes, ...places.notes, ...frames.notes],
});

async function readBinary(open: Segmentation): Promise<Volume> {
  const { file, layout, places, names, segments, settings } = open;
  const { grid } = places;
  if (layout.type !== "uint8")
    throw file.dataSet.fail(tags.bitsAllocated, `${layout.allocated} bits of a BINARY segmentation`);
  const painted = await labelMapOrChannels(file.path, grid.shape, [...names.keys()], settings.limits, (set) =>
    eachRow(open, (frame, voxel, row) => {
      const segment = segments[frame]!;
      for (let x = 0; x < row.length; x++) if (row[x] !== 0) set(segment, voxel + x);
    }),
  );
  return { ...painted, ...grid, ...common(open) };
}

async function readFractional(open: Segmentation): Promise<Volume> {
  const { file, layout, places, names, segments, settings } = open;
  const { dataSet, path } = file;
  const { grid } = places;
  if (layout.type !== "uint8" || layout.allocated !== 8)
    throw dataSet.fail(tags.bitsAllocated, `${layout.allocated} bits of a FRACTIONAL segmentation`);
  const most = dataSet.need(tags.maximumFractionalValue);
  if (most === 0) throw dataSet.fail(tags.maximumFractionalValue, "is 0");
  const kind = dataSet.text(tags.fractionalType)?.toLowerCase();
  if (kind !== "probability" && kind !== "occupancy")
    throw dataSet.fail(tags.fractionalType, `expected PROBABILITY or OCCUPANCY, got ${JSON.stringify(kind)}`);
  const labels = [...names.keys()];
  const size = checkedBytes(path, "segments", 0, [...grid.shape, labels.length], 1, settings.limits);
  const data = new Uint8Array(size);
  const channel = new Map(labels.map((label, i) => [label, (i * size) / labels.length]));
  await eachRow(open, (frame, voxel, row) => {
    const above = row.findIndex((value) => value > most);
    if (above >= 0)
      throw dataSet.fail(
        tags.maximumFractionalValue,
        `is ${most}, and frame ${frame + 1} holds ${row[above]}`,
      );
    data.set(row, channel.get(segments[frame]!)! + voxel);
  });
  return {
    type: "uint8",
    data,
    ...grid,
    ...(labels.length > 1 ? { channels: labels.length } : {}),
    segments: labels,
    fraction: kind,
    scaled: { slope: 1 / most, inter: 0 },
    ...common(open),
  };
}

async function readLabelMap(open: Segmentation): Promise<Volume> {
  const { file, layout, places, settings } = open;
  const { grid } = places;
  const { type } = layout;
  if (type !== "uint8" && type !== "uint16")
    throw file.dataSet.fail(tags.bitsAllocated, `labels of type ${type}`);
  const { bytes: width, view } = elements[type];
  const size = checkedBytes(file.path, "segments", 0, grid.shape, width, settings.limits);
  const all = new Uint8Array(size);
  const data = view(all.buffer, 0, size / width) as Uint8Array | Uint16Array;
  const padding = file.dataSet.unsigned(tags.pixelPadding) ?? 0;
  if (padding >= 2 ** layout.allocated)
    throw file.dataSet.fail(tags.pixelPadding, `${padding} is no value of ${layout.allocated} bits`);
  const notes: string[] = [];
  if (padding !== 0) {
    data.fill(padding);
    if (places.notes.length > 0) notes.push(`pixels without a frame hold the padding value ${padding}`);
  }
  await eachRow(open, (_, voxel, row) => all.set(row, voxel * width));
  const shared = common(open);
  return { type, data, ...grid, ...shared, notes: [...shared.notes, ...notes] };
}
