import { setImmediate as nextTurn } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { BytesSource } from "../regular-file.js";
import { inflateInto } from "./inflate.js";
import { noGeometry, plainGrid } from "./plain-grid.js";
import { type PngLayout, passes, rowBytes, samplesOf, unfilter } from "./png-rows.js";
import { checkedBytes, refusal } from "./refuse.js";
import { hasEnding, type VolumeSource } from "./source.js";
import { channelsLast, numbersOf } from "./values.js";
import type { ReadSettings, Volume, VolumeReader } from "./volume.js";

const signature = "\x89PNG\r\n\x1a\n";

/** The samples per pixel and the depths of each colour type. */
const colours: ReadonlyMap<number, { samples: number; depths: readonly number[] }> = new Map([
  [0, { samples: 1, depths: [1, 2, 4, 8, 16] }],
  [2, { samples: 3, depths: [8, 16] }],
  [3, { samples: 1, depths: [1, 2, 4, 8] }],
  [4, { samples: 2, depths: [8, 16] }],
  [6, { samples: 4, depths: [8, 16] }],
]);

interface Chunks {
  readonly layout: PngLayout;
  readonly packed: Uint8Array;
  /** The offset of the first packed bytes. */
  readonly at: number;
  /** The offset of the first chunk of packed bytes with a wrong checksum; 0 if there is none. */
  readonly doubtful: number;
  readonly extra: number;
}

/** Walks the chunks and verifies every checksum. */
function chunksOf(path: string, bytes: Uint8Array): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (Buffer.from(bytes.subarray(0, 8)).toString("latin1") !== signature)
    throw refusal(path, "signature", 0, "not a PNG file");
  let layout: PngLayout | undefined;
  let first = 0;
  let palette = false;
  let doubtful = 0;
  const packed: Uint8Array[] = [];
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) throw refusal(path, "chunk", bytes.length, "ended early: no IEND chunk");
    const length = view.getUint32(at);
    const name = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    if (!/^[A-Za-z]{4}$/.test(name))
      throw refusal(path, "chunk", at + 4, `${JSON.stringify(name)} is no chunk`);
    if (at + 12 + length > bytes.length)
      throw refusal(path, name, bytes.length, `ended early: the chunk has ${length} bytes`);
    const body = bytes.subarray(at + 8, at + 8 + length);
    const intact = crc32(bytes.subarray(at + 4, at + 8 + length)) === view.getUint32(at + 8 + length);
    // The packed pixels have a checksum of their own, which decides.
    if (!intact && name !== "IDAT") throw refusal(path, name, at, "checksum mismatch, the file is damaged");
    if ((name === "IHDR") !== (layout === undefined))
      throw refusal(path, name, at, "expected one IHDR chunk, the first of all");
    if (name === "IHDR") layout = parseHeader(path, body, at + 8);
    else if (name === "PLTE") palette = true;
    else if (name === "IDAT") {
      first ||= at + 8;
      packed.push(body);
      if (!intact) doubtful ||= at;
    } else if (name === "IEND") {
      if (packed.length === 0) throw refusal(path, "IDAT", at, "is missing");
      if (layout!.colour === 3 && !palette) throw refusal(path, "PLTE", at, "is missing");
      const all = packed.length === 1 ? packed[0]! : Buffer.concat(packed);
      return { layout: layout!, packed: all, at: first, doubtful, extra: bytes.length - at - 12 - length };
    } else if (/^[A-Z]/.test(name)) throw refusal(path, name, at, "a chunk that must be known and is not");
    at += 12 + length;
  }
}

function parseHeader(path: string, body: Uint8Array, at: number): PngLayout {
  if (body.length !== 13) throw refusal(path, "IHDR", at, `expected 13 bytes, got ${body.length}`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth = 0, colour = 0, compression, filter, interlace] = body.subarray(8);
  const known = colours.get(colour);
  if (!known?.depths.includes(depth))
    throw refusal(path, "IHDR", at + 8, `${depth} bits of colour type ${colour} do not exist`);
  if (compression !== 0 || filter !== 0 || interlace === undefined || interlace > 1)
    throw refusal(path, "IHDR", at + 10, `unknown compression, filter or interlace (${body.subarray(10)})`);
  return { width, height, depth, colour, samples: known.samples, interlaced: interlace === 1 };
}

async function readPng(source: VolumeSource, { limits }: ReadSettings): Promise<Volume> {
  const { path, bytes } = source;
  if (bytes.size > limits.readSize)
    throw refusal(path, undefined, limits.readSize, `${bytes.size} bytes are too many`);
  const { layout, packed, at, doubtful, extra } = chunksOf(
    path,
    new Uint8Array(await bytes.read(0, bytes.size)),
  );
  const { width, height, depth, samples, colour } = layout;
  const wide = depth === 16 ? 2 : 1;
  const size = checkedBytes(path, "IHDR", 16, [width, height, samples], wide, limits);
  const steps = passes(layout);
  const total = steps.reduce((sum, pass) => sum + pass.height * (1 + rowBytes(layout, pass.width)), 0);
  const where = {
    path,
    source: new BytesSource(packed),
    start: 0,
    end: packed.length,
    wrapper: "zlib",
  } as const;
  const { bytes: rows } = await inflateInto(where, total, limits);
  const out = new Uint8Array(size);
  let from = 0;
  let done = 0;
  for (const pass of steps) {
    const length = rowBytes(layout, pass.width);
    let previous: Uint8Array = new Uint8Array(length);
    for (let y = 0; y < pass.height; y++) {
      const row = rows.subarray(from + 1, from + 1 + length);
      if (!unfilter(rows[from]!, row, previous, Math.max(1, (samples * depth) >> 3)))
        throw refusal(path, "IDAT", at, `row ${y} has the unknown filter ${rows[from]}`);
      samplesOf(layout, pass, row, y, out);
      previous = row;
      from += 1 + length;
      done += length;
      if (done > 2 ** 22) {
        done = 0;
        await nextTurn();
      }
    }
  }
  const data = await numbersOf(wide === 2 ? "uint16" : "uint8", out, true);
  const scaled = colour === 0 && (depth === 2 || depth === 4);
  return {
    format: "PNG",
    type: wide === 2 ? "uint16" : "uint8",
    data: await channelsLast(data, 1, samples),
    ...plainGrid([width, height]),
    ...(samples > 1 ? { channels: samples } : {}),
    units: "unknown",
    notes: [
      "no spacing is given; 1 is assumed",
      noGeometry,
      ...(scaled ? [`greys of ${depth} bits are scaled to 0 ... 255, as the format says`] : []),
      ...(colour === 3 ? ["values are the indices of the palette"] : []),
      ...(doubtful > 0
        ? [`the checksum of the IDAT chunk at byte ${doubtful} is wrong, that of the pixels in it is right`]
        : []),
      ...(extra > 0 ? [`${extra} bytes behind the image are ignored`] : []),
    ],
  };
}

export const pngReader: VolumeReader = {
  name: "PNG",
  sniff(bytes, path) {
    if (Buffer.from(bytes.subarray(0, 8)).toString("latin1") === signature) return "magic";
    return hasEnding(path, [".png"]) ? "ending" : undefined;
  },
  read: readPng,
};
