import { setImmediate as nextTurn } from "node:timers/promises";
import { InvalidArgumentError, invalidArgument } from "@pixelcal/core";
import { defaultLimits } from "../../limits.js";
import { cross, dot } from "../geometry.js";
import type { Vector } from "../volume.js";
import type { VolumeWriter, WritableVolume, WriteSettings } from "../volume-writer.js";
import { type DicomElements, dataSetBytes, elementHead } from "./encode.js";
import {
  dimensions,
  frameGroups,
  referencedSeries,
  type SegmentFrame,
  segmentItem,
  sharedGroups,
  slicePosition,
} from "./segment-elements.js";
import { readSourceImages, type SourceImages, withoutImages } from "./source-images.js";
import { tags } from "./tags.js";
import { uidOf } from "./uid.js";
import { written } from "./written-tags.js";

const root = "1.2.840.10008";
const sopClasses = { binary: `${root}.5.1.4.1.1.66.4`, labelmap: `${root}.5.1.4.1.1.66.7` };

/** The number of segments that gaps between labels may add. */
const mostSegments = 1000;

/** The labels of a volume, or the masks of segments that may overlap. */
interface Segments {
  readonly data: Uint8Array | Uint16Array;
  /** The number of voxels of a slice. */
  readonly size: number;
  readonly slices: number;
  readonly labels: readonly number[];
  readonly names: ReadonlyMap<number, string>;
  /** The label of each channel; undefined for a label map. */
  readonly channels: readonly number[] | undefined;
}

const fail = (field: string, what: string): InvalidArgumentError =>
  new InvalidArgumentError(`volume.${field}`, `volume.${field}: ${what}`);

/** Throws unless slices are stacked at right angles, as the planes of DICOM are. */
function checkGeometry({ shape, direction }: WritableVolume): void {
  if (shape.length < 2) throw fail("shape", `DICOM holds 2 or 3 axes, got [${shape}]`);
  const [right, down, through] = direction as readonly [Vector, Vector, Vector?];
  const normal = cross(right, down);
  const slanted = through !== undefined && Math.abs(dot(through, normal)) < 1 - 1e-4;
  if (Math.abs(dot(right, down)) > 1e-4 || slanted)
    throw fail(
      "direction",
      `DICOM holds axes at right angles only, got ${direction.map((d) => `[${d}]`).join(" ")}`,
    );
  if (shape[0]! > 65535 || shape[1]! > 65535)
    throw fail("shape", `DICOM holds 65535 pixels a row, got [${shape}]`);
}

async function segmentsOf(volume: WritableVolume): Promise<Segments> {
  const { shape, type, data, channels, names = new Map<number, string>() } = volume;
  if (!(data instanceof Uint8Array || (data instanceof Uint16Array && type === "uint16")))
    throw fail("type", `DICOM segmentations hold uint8 or uint16 labels, got ${type}`);
  const size = shape[0]! * shape[1]!;
  const slices = shape[2] ?? 1;
  const found = new Set<number>();
  for (let at = 0; at < data.length; at += size) {
    for (let i = at; i < Math.min(data.length, at + size); i++) found.add(data[i]!);
    await nextTurn();
  }
  if (channels === undefined) {
    const labels = [...new Set([...found, ...names.keys()])].filter((label) => label > 0);
    return { data, size, slices, labels: labels.sort((a, b) => a - b), names, channels: undefined };
  }
  const stray = [...found].find((value) => value > 1);
  if (stray !== undefined)
    throw fail("data", `channels of a segmentation are masks of 0 and 1, got ${stray}`);
  const given = volume.segments ?? Array.from({ length: channels }, (_, i) => i + 1);
  if (
    given.length !== channels ||
    new Set(given).size !== channels ||
    given.some((label) => !(label > 0 && label < 65536))
  )
    throw fail("segments", `expected ${channels} different labels from 1 to 65535, got [${given}]`);
  return { data, size, slices, labels: [...given].sort((a, b) => a - b), names, channels: given };
}

/** Returns the mask of a segment in a slice, in its channel or among the labels of a map. */
function maskOf(
  { data, size, slices, channels }: Segments,
  { segment, slice }: SegmentFrame,
): readonly [data: Uint8Array | Uint16Array, value: number] {
  const channel = channels?.indexOf(segment!) ?? 0;
  const at = (channel * slices + slice) * size;
  return [data.subarray(at, at + size), channels ? 1 : segment!];
}

/** Lists the frames: the slices that hold a segment, and the outermost two, which keep the grid. */
async function binaryFrames(segments: Segments): Promise<readonly SegmentFrame[]> {
  const { labels, slices } = segments;
  const frames: SegmentFrame[] = [];
  const held = new Set<number>();
  for (const segment of labels) {
    for (let slice = 0; slice < slices; slice++) {
      const [mask, value] = maskOf(segments, { segment, slice });
      if (!mask.includes(value)) continue;
      held.add(slice);
      frames.push({ segment, slice });
    }
    await nextTurn();
  }
  const first = labels[0] ?? 1;
  for (const slice of new Set([0, slices - 1])) if (!held.has(slice)) frames.push({ segment: first, slice });
  return frames.sort((a, b) => a.segment! - b.segment! || a.slice - b.slice);
}

/** Packs masks into bits, frame behind frame without gaps, the lowest bit first. */
async function* packedBits(segments: Segments, frames: readonly SegmentFrame[]): AsyncGenerator<Uint8Array> {
  const { size } = segments;
  let held = 0;
  let bits = 0;
  for (const frame of frames) {
    const [mask, value] = maskOf(segments, frame);
    const bytes = new Uint8Array(Math.floor((bits + size) / 8));
    let to = 0;
    for (let i = 0; i < size; i++) {
      if (mask[i] === value) held |= 1 << bits;
      if (++bits === 8) {
        bytes[to++] = held;
        held = bits = 0;
      }
    }
    yield bytes;
    await nextTurn();
  }
  if (bits > 0) yield Uint8Array.of(held);
}

async function* encode(volume: WritableVolume, settings: WriteSettings): AsyncGenerator<Uint8Array> {
  checkGeometry(volume);
  const { segmentation: kind } = settings;
  const segments = await segmentsOf(volume);
  const { data, slices, channels, size } = segments;
  if (kind === "labelmap" && channels)
    throw invalidArgument("segmentation", "binary for segments in channels, which may overlap", kind);
  const largest = Math.max(1, ...segments.labels);
  if (kind === "binary" && largest > segments.labels.length + mostSegments)
    throw fail(
      "data",
      `label ${largest} would need ${largest} segments, which are numbered from 1; write segmentation "labelmap"`,
    );
  const frames =
    kind === "binary"
      ? await binaryFrames(segments)
      : Array.from({ length: slices }, (_, slice): SegmentFrame => ({ segment: undefined, slice }));
  const allocated = kind === "binary" ? 1 : 8 * data.BYTES_PER_ELEMENT;
  const length = Math.ceil((frames.length * size * allocated) / 8);
  if (length > 2 ** 32 - 4) throw fail("data", `${length} bytes of pixels; DICOM holds 2^32`);
  const images =
    settings.series === undefined
      ? undefined
      : await readSourceImages(settings.series, volume, defaultLimits);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const uid = (what: string): string =>
    uidOf(what, kind, JSON.stringify([volume.shape, volume.origin]), bytes);
  const numbers =
    kind === "binary" ? Array.from({ length: largest }, (_, i) => i + 1) : [0, ...segments.labels];
  const name = (label: number): string =>
    segments.names.get(label) ?? (label === 0 ? "Background" : `Label ${label}`);
  const head = headElements(volume, { kind, uid, images, frames, allocated });
  yield fileHead(sopClasses[kind], uid("instance"));
  yield dataSetBytes({
    ...head,
    [tags.segmentSequence]: ["SQ", numbers.map((number) => segmentItem(number, name(number)))],
  });
  yield elementHead(tags.pixels, allocated > 8 ? "OW" : "OB", length + (length % 2));
  if (kind === "binary") yield* packedBits(segments, frames);
  else yield bytes;
  if (length % 2 === 1) yield new Uint8Array(1);
}

/** Returns preamble and head of the file, whose elements the length of its group precedes. */
function fileHead(sopClass: string, instance: string): Uint8Array {
  const elements = dataSetBytes({
    [written.metaVersion]: ["OB", Uint8Array.of(0, 1)],
    [written.metaSopClass]: ["UI", sopClass],
    [written.metaSopInstance]: ["UI", instance],
    [tags.transferSyntax]: ["UI", `${root}.1.2.1`],
    [written.implementationClass]: ["UI", uidOf("PixelCal")],
    [written.implementationVersion]: ["SH", "PIXELCAL"],
  });
  const length = dataSetBytes({ [written.metaLength]: ["UL", [elements.length]] });
  return Buffer.concat([new Uint8Array(128), Buffer.from("DICM"), length, elements]);
}

function headElements(
  volume: WritableVolume,
  {
    kind,
    uid,
    images,
    frames,
    allocated,
  }: {
    readonly kind: "binary" | "labelmap";
    readonly uid: (what: string) => string;
    readonly images: SourceImages | undefined;
    readonly frames: readonly SegmentFrame[];
    readonly allocated: number;
  },
): DicomElements {
  const { shape, direction } = volume;
  const spacing = [...volume.spacing, 1].slice(0, 3);
  const shared: DicomElements = images?.shared ?? withoutImages;
  const text = (tag: number): string => (shared[tag]?.[1] as string | undefined) ?? "";
  const own = (tag: number, vr: string, otherwise: string): DicomElements => ({
    [tag]: [vr, text(tag) === "" ? otherwise : text(tag)],
  });
  return {
    ...shared,
    ...own(written.studyInstanceUid, "UI", uid("study")),
    ...own(written.frameOfReferenceUid, "UI", uid("frame of reference")),
    [tags.characterSet]: ["CS", "ISO_IR 192"],
    [written.imageType]: ["CS", "DERIVED\\PRIMARY"],
    [tags.sopClass]: ["UI", sopClasses[kind]],
    [tags.sopInstance]: ["UI", uid("instance")],
    // The same volume gives the same bytes, so the date is that of the study.
    [written.contentDate]: ["DA", text(written.studyDate) || "19700101"],
    [written.contentTime]: ["TM", text(written.studyTime) || "000000"],
    [tags.modality]: ["CS", "SEG"],
    [written.manufacturer]: ["LO", "PixelCal"],
    [written.modelName]: ["LO", "PixelCal"],
    [tags.seriesDescription]: ["LO", "Segmentation by PixelCal"],
    [written.deviceSerialNumber]: ["LO", "0"],
    [written.softwareVersions]: ["LO", "0"],
    [tags.seriesInstanceUid]: ["UI", uid("series")],
    [written.seriesNumber]: ["IS", "1"],
    [tags.instanceNumber]: ["IS", "1"],
    ...referencedSeries(images),
    ...dimensions(uid("dimensions"), kind === "binary"),
    [tags.samplesPerPixel]: ["US", [1]],
    [tags.photometric]: ["CS", "MONOCHROME2"],
    [tags.numberOfFrames]: ["IS", `${frames.length}`],
    [tags.rows]: ["US", [shape[1]!]],
    [tags.columns]: ["US", [shape[0]!]],
    [tags.bitsAllocated]: ["US", [allocated]],
    [tags.bitsStored]: ["US", [allocated]],
    [tags.highBit]: ["US", [allocated - 1]],
    [tags.pixelRepresentation]: ["US", [0]],
    ...(kind === "labelmap" ? { [tags.pixelPadding]: ["US", [0]] as const } : {}),
    [written.lossyCompression]: ["CS", "00"],
    [written.segmentsOverlap]: ["CS", volume.channels === undefined ? "NO" : "UNDEFINED"],
    [tags.segmentationType]: ["CS", kind.toUpperCase()],
    [written.contentLabel]: ["CS", "SEGMENTATION"],
    [written.contentDescription]: ["LO", ""],
    [written.contentCreator]: ["PN", ""],
    [tags.sharedGroupsSequence]: ["SQ", [sharedGroups(spacing, direction[0]!, direction[1]!)]],
    [tags.frameGroupsSequence]: [
      "SQ",
      frames.map((frame) => frameGroups(frame, slicePosition(volume, frame.slice), images)),
    ],
  };
}

/** Writes DICOM segmentations, BINARY or LABELMAP. */
export const segmentationWriter: VolumeWriter = { name: "DICOM", endings: [".dcm"], encode };
