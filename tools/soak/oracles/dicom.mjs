// A second, simple decoder of DICOM images and segmentations whose frames are native, RLE or deflated.
//
// Frames are compared as a set, because their order in a volume depends on places that damage changes.
import { inflateRawSync } from "node:zlib";
import { sameContours } from "./contours.mjs";
import { bytesOf } from "./judge.mjs";

const long = /^(O[BDFLVW]|S[QV]|U[CNRTV])$/;

/** Reads the elements from `at` to `end` as { tag: Buffer, or a list of items, or { fragments } }. */
function parse(bytes, at, end, { little, explicit }, isSequence) {
  const two = (i) => (little ? bytes.readUInt16LE(i) : bytes.readUInt16BE(i));
  const four = (i) => (little ? bytes.readUInt32LE(i) : bytes.readUInt32BE(i));
  const tagAt = (i) => two(i) * 65536 + two(i + 2);
  const elements = new Map();
  while (at + 8 <= end) {
    const tag = tagAt(at);
    if (tag === 0xfffee00d || tag === 0xfffee0dd) return { elements, at: at + 8 };
    let vr = "";
    let start = at + 8;
    let length;
    if (explicit) {
      vr = bytes.toString("latin1", at + 4, at + 6);
      if (long.test(vr)) [length, start] = [four(at + 8), at + 12];
      else length = two(at + 6);
    } else length = four(at + 4);
    const open = length === 0xffffffff;
    if (tag === 0x7fe00010) {
      elements.set("vr", vr);
      if (!open) {
        elements.set(tag, bytes.subarray(start, start + length));
        return { elements, at: start + length };
      }
      const fragments = [];
      for (at = start; at + 8 <= end && tagAt(at) === 0xfffee000; at += 8 + four(at + 4))
        fragments.push(bytes.subarray(at + 8, at + 8 + four(at + 4)));
      elements.set(tag, { fragments });
      return { elements, at };
    }
    if (vr === "SQ" || (open && vr !== "UN") || (!explicit && isSequence(tag))) {
      const items = [];
      const limit = open ? end : start + length;
      at = start;
      while (at + 8 <= limit && tagAt(at) === 0xfffee000) {
        const size = four(at + 4);
        const inner = size === 0xffffffff ? limit : at + 8 + size;
        const found = parse(bytes, at + 8, inner, { little, explicit }, isSequence);
        items.push(found.elements);
        at = size === 0xffffffff ? found.at : inner;
      }
      if (open) at += 8;
      else at = limit;
      elements.set(tag, items);
      continue;
    }
    // A value of open length and unknown type holds implicit items, which nothing here looks at.
    if (open) return { elements, at, lost: true };
    elements.set(tag, bytes.subarray(start, start + length));
    at = start + length;
  }
  return { elements, at };
}

const text = (value) =>
  value
    ?.toString("latin1")
    .replace(/[\0 ]+$/, "")
    .trim();

/** Returns the data set and its encoding; undefined for a file of another packing. */
function open(bytes, isSequence) {
  let at = bytes.toString("latin1", 128, 132) === "DICM" ? 132 : 0;
  let uid = "1.2.840.10008.1.2.1";
  if (bytes.readUInt16LE(at) !== 2) return undefined;
  while (at + 8 <= bytes.length && bytes.readUInt16LE(at) === 2) {
    const vr = bytes.toString("latin1", at + 4, at + 6);
    const wide = long.test(vr);
    const length = wide ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
    const start = at + (wide ? 12 : 8);
    if (bytes.readUInt16LE(at + 2) === 0x10) uid = text(bytes.subarray(start, start + length));
    at = start + length;
  }
  const suffix = uid.slice("1.2.840.10008.1.2".length);
  if (!["", ".1", ".2", ".1.99", ".5"].includes(suffix)) return undefined;
  const little = suffix !== ".2";
  let body = bytes.subarray(at);
  if (suffix === ".1.99") body = inflateRawSync(body);
  // Writers contradict the head: the first element says whether types are named.
  const named = /^[A-Z]{2}$/.test(body.toString("latin1", 4, 6));
  const explicit = suffix === ".2" || suffix === ".1.99" ? true : named;
  const { elements, lost } = parse(body, 0, body.length, { little, explicit }, isSequence);
  return lost ? undefined : { elements, little, packing: suffix === ".5" ? "rle" : "native" };
}

function unRle(stream, planes, count) {
  const out = Buffer.alloc(planes * count);
  for (let plane = 0; plane < planes; plane++) {
    let at = stream.readUInt32LE(4 + 4 * plane);
    for (let to = 0; to < count; ) {
      const code = stream.readInt8(at++);
      if (code >= 0) for (let i = 0; i <= code && to < count; i++) out[plane * count + to++] = stream[at++];
      else if (code !== -128) {
        for (let i = 0; i < 1 - code && to < count; i++) out[plane * count + to++] = stream[at];
        at++;
      }
    }
  }
  return out;
}

export const dicomOracle = (tags, sequenceTags, grid) => (bytes, volume) => {
  const opened = open(bytes, (tag) => sequenceTags.has(tag));
  if (opened?.elements.has(tags.roiSequence)) return sameContours(volume, opened.elements, tags, grid);
  const pixels = opened?.elements.get(tags.pixels);
  if (!opened || pixels === undefined || volume.notes.some((note) => note.includes("values are scaled")))
    return;
  const { elements, little, packing } = opened;
  const number = (tag, otherwise) => {
    const value = elements.get(tag);
    if (value === undefined || value.length < 2) return otherwise;
    return little ? value.readUInt16LE(0) : value.readUInt16BE(0);
  };
  const [rows, columns] = [number(tags.rows), number(tags.columns)];
  const samples = number(tags.samplesPerPixel, 1);
  const allocated = number(tags.bitsAllocated);
  const stored = number(tags.bitsStored, allocated);
  const low = number(tags.highBit, stored - 1) - stored + 1;
  const signed = number(tags.pixelRepresentation, 0) === 1 && allocated > 1;
  const count = Number(text(elements.get(tags.numberOfFrames)) || 1);
  const size = rows * columns * samples;
  // The planes of colours, and words of bytes in big-endian files, are left to the reader's own tests.
  if (samples > 1 || (!little && allocated <= 8)) return;
  const width = allocated / 8;
  const raw = (frame, i) => {
    if (allocated === 1) {
      const bit = frame * size + i;
      return (pixels[bit >> 3] >> (bit & 7)) & 1;
    }
    const at = (frame * size + i) * width;
    return little ? pixels.readUIntLE(at, width) : pixels.readUIntBE(at, width);
  };
  const streams = packing === "rle" ? (pixels.fragments ?? []).slice(1) : undefined;
  if (streams && streams.length !== count) return;
  const planes = streams?.map((stream) => unRle(stream, width, size));
  const packedAt = (frame, i) => {
    let value = 0;
    for (let plane = 0; plane < width; plane++) value = value * 256 + planes[frame][plane * size + i];
    return value;
  };
  const List = volume.data.constructor;
  const frames = Array.from({ length: count }, (_, frame) =>
    List.from({ length: size }, (_, i) => {
      const value = Math.floor((streams ? packedAt(frame, i) : raw(frame, i)) / 2 ** low) % 2 ** stored;
      return signed && value >= 2 ** (stored - 1) ? value - 2 ** stored : value;
    }),
  );
  if (elements.has(tags.segmentationType)) sameSegments(volume, elements, frames, { tags, rows, columns });
  else sameFrames(volume.data, frames, size);
};

const slicesOf = (data, size) =>
  Array.from({ length: data.length / size }, (_, i) =>
    bytesOf(data.subarray(i * size, (i + 1) * size)).toString("hex"),
  );

function sameFrames(data, frames, size, kind = "frames") {
  const got = slicesOf(data, size).sort();
  const wanted = frames.map((frame) => bytesOf(frame).toString("hex")).sort();
  if (got.join() !== wanted.join()) throw new Error(`other ${kind} than the oracle's ${wanted.length}`);
}

/** Compares the voxels of each segment: the label map may have gained empty slices between the frames. */
function sameSegments(volume, elements, frames, { tags, rows, columns }) {
  const kind = text(elements.get(tags.segmentationType));
  const size = rows * columns;
  const padding = elements.get(tags.pixelPadding)?.readUInt16LE(0) ?? 0;
  const segmentOf = (frame) => {
    const item = elements.get(tags.frameGroupsSequence)?.[frame];
    const shared = elements.get(tags.sharedGroupsSequence)?.[0];
    const group = (item?.get(tags.segmentIdentificationSequence) ??
      shared?.get(tags.segmentIdentificationSequence))?.[0];
    return group?.get(tags.referencedSegmentNumber)?.readUInt16LE(0);
  };
  const filled = (list) => list.filter((slice) => slice.some((value) => value !== 0));
  const slices = (data) =>
    Array.from({ length: data.length / size }, (_, i) => data.subarray(i * size, (i + 1) * size));
  if (kind === "LABELMAP") {
    const real = slices(volume.data);
    const rest = real.length - frames.length;
    const plain = (frame) => frame.every((value) => value === padding);
    const left = real.filter((slice) => !plain(slice)).length;
    if (left !== frames.filter((frame) => !plain(frame)).length || rest < 0)
      throw new Error("other slices than the oracle's label map");
    const some = (list) =>
      list
        .filter((frame) => !plain(frame))
        .map((frame) => [...frame].join())
        .sort()
        .join(";");
    if (some(real) !== some(frames)) throw new Error("other labels than the oracle's");
    return;
  }
  if (volume.segments) {
    // A channel a segment: its slices that are not empty are its frames.
    const { data, segments } = volume;
    const length = data.length / segments.length;
    for (const [i, segment] of segments.entries()) {
      const mine = frames.filter((_, frame) => segmentOf(frame) === segment);
      const some = (list) =>
        filled(list)
          .map((slice) => [...slice].join())
          .sort()
          .join(";");
      if (some(slices(data.subarray(i * length, (i + 1) * length))) !== some(mine))
        throw new Error(`other values of segment ${segment} than the oracle's`);
    }
    return;
  }
  const counts = new Map();
  for (const [i, frame] of frames.entries())
    for (const value of frame) if (value !== 0) counts.set(segmentOf(i), (counts.get(segmentOf(i)) ?? 0) + 1);
  for (const label of new Set([...volume.data, ...counts.keys()]))
    if (label !== 0 && volume.data.filter((value) => value === label).length !== (counts.get(label) ?? 0))
      throw new Error(`other voxels of segment ${label} than the oracle's`);
}
