import { inflateRawSync } from "node:zlib";
import { invalidArgument } from "@pixelcal/core";
import { elements } from "../../element.js";
import type { Limits } from "../../limits.js";
import { swapBytes } from "../../reorder.js";
import { checkedBytes, refusal } from "../refuse.js";
import { type FrameDecoder, frameDecoder, type ImportPackage } from "./codecs.js";
import type { DicomFile } from "./dicom-file.js";
import { frameFragments, joinFragments } from "./fragments.js";
import type { PixelLayout } from "./pixel-layout.js";
import { unpackRle } from "./rle.js";
import { tags, tagText } from "./tags.js";
import { keepUsedBits, unpackBits } from "./used-bits.js";

/** The frames of a file, each read and unpacked when it is asked for. */
export interface Frames {
  /** Fills `out` with a frame: samples as stored, interleaved unless the layout is planar. */
  read(index: number, out: Uint8Array): Promise<void>;
  /** The notes on the frames that were read so far. */
  readonly notes: ReadonlySet<string>;
}

/** The largest packing ratio of PackBits: 128 bytes in two. */
const densestRle = 64;

/** Opens the frames of a file. Throws FormatError where the file cannot hold what its head declares. */
export async function openFrames(
  file: DicomFile,
  layout: PixelLayout,
  limits: Limits,
  load?: ImportPackage,
): Promise<Frames> {
  const { path, pixels, syntax, dataSet } = file;
  if (!pixels) throw dataSet.missing(tags.pixels);
  const { rows, columns, samples, frames, frameBytes } = layout;
  const width = elements[layout.type].bytes;
  checkedBytes(path, tagText(tags.rows), 0, [columns, rows, samples, frames], width, limits);
  const notes = new Set<string>();
  const fill =
    syntax.packing === "native"
      ? nativeFrames(file, layout, notes)
      : await packedFrames(file, layout, decoderOf(file, load));
  return {
    notes,
    read: async (index, out) => {
      if (out.length !== frameBytes) throw invalidArgument("out", `${frameBytes} bytes`, out.length);
      await fill(index, out);
      if (keepUsedBits(out, layout))
        notes.add(`bits above the ${layout.stored} that are stored are left out`);
    },
  };
}

type Fill = (index: number, out: Uint8Array) => Promise<void>;

function nativeFrames(
  { path, pixels, bytes, syntax }: DicomFile,
  layout: PixelLayout,
  notes: Set<string>,
): Fill {
  const { tag, start, length, vr } = pixels!;
  const { rows, columns, samples, frames, allocated, frameBytes } = layout;
  const fail = (what: string): Error => refusal(path, tagText(tag), start, what);
  if (length === undefined) throw fail(`fragments in transfer syntax ${syntax.name}`);
  const bits = rows * columns * samples * allocated;
  const size = Math.ceil((bits * frames) / 8);
  if (length < size) throw fail(`ended early: ${length} bytes of pixels, ${size} were expected`);
  if (length > size + (size % 2)) notes.add(`${length - size} bytes behind the pixels are ignored`);
  // Words of 16 bits are swapped whatever the samples are.
  const words = !syntax.little && vr === "OW" && allocated <= 8;
  const range = async (from: number, to: number): Promise<Uint8Array> => {
    const first = words ? from - (from % 2) : from;
    const last = words ? Math.min(length, to + (to % 2)) : to;
    const read = new Uint8Array(await bytes.read(start + first, last - first));
    if (words) swapBytes(read.subarray(0, read.length - (read.length % 2)), 2);
    return read.subarray(from - first, to - first);
  };
  if (allocated === 1)
    return async (index, out) => {
      const first = index * bits;
      const from = Math.floor(first / 8);
      unpackBits(await range(from, Math.ceil((first + bits) / 8)), first % 8, out);
    };
  return async (index, out) => {
    if (words) out.set(await range(index * frameBytes, (index + 1) * frameBytes));
    else await bytes.readInto(start + index * frameBytes, out);
    if (!syntax.little && allocated > 8) swapBytes(out, allocated / 8);
  };
}

async function packedFrames(file: DicomFile, layout: PixelLayout, decode: FrameDecoder): Promise<Fill> {
  const { path, pixels, bytes, syntax } = file;
  const { frames, frameBytes } = layout;
  const fail = (what: string): Error => refusal(path, tagText(tags.pixels), pixels!.start, what);
  if (pixels!.tag !== tags.pixels || pixels!.length !== undefined)
    throw fail(`expected fragments, as the transfer syntax is ${syntax.name}`);
  const fragments = await frameFragments(file, frames);
  const packed = fragments.flat().reduce((sum, { length }) => sum + length, 0);
  if (syntax.packing === "rle" && frameBytes * frames > packed * densestRle)
    throw fail(`${packed} packed bytes cannot unpack to ${frameBytes * frames}`);
  return async (index, out) => {
    const list = fragments[index]!;
    const at = list[0]!.start;
    const stream = await joinFragments(bytes, list);
    const unpacked = await decode(stream, layout, (what) =>
      refusal(path, tagText(tags.pixels), at, `frame ${index + 1}: ${what}`),
    );
    if (layout.allocated === 1) unpackBits(unpacked, 0, out);
    else out.set(unpacked);
  };
}

/** Returns the decoder of a file's frames: RLE and deflate are own, the rest are optional packages. */
function decoderOf({ path, syntax }: DicomFile, load?: ImportPackage): FrameDecoder {
  if (syntax.packing === "rle") return decodeRle;
  if (syntax.packing === "deflate") return decodeDeflated;
  return frameDecoder(path, syntax, load);
}

const decodeRle: FrameDecoder = (stream, { type, samples, frameBytes, allocated }, fail) => {
  if (allocated === 1) throw fail("RLE of single bits is not read");
  const out = new Uint8Array(frameBytes);
  const wrong = unpackRle(stream, out, elements[type].bytes, samples);
  if (wrong !== undefined) throw fail(`damaged RLE: ${wrong}`);
  return out;
};

const decodeDeflated: FrameDecoder = (stream, { allocated, frameBytes }, fail) => {
  const size = allocated === 1 ? Math.ceil(frameBytes / 8) : frameBytes;
  let bytes: Uint8Array;
  try {
    // One byte more may pad the frame to an even length.
    bytes = new Uint8Array(inflateRawSync(stream, { maxOutputLength: size + 1 }));
  } catch (error) {
    throw fail(`damaged deflate stream (${error instanceof Error ? error.message : String(error)})`);
  }
  if (bytes.length < size) throw fail(`the frame unpacks to ${bytes.length} bytes, expected ${size}`);
  return bytes.subarray(0, size);
};
