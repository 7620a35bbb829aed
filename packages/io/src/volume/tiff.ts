import { setImmediate as nextTurn } from "node:timers/promises";
import type { DataType } from "@pixelcal/core";
import { elements } from "../element.js";
import { BytesSource } from "../regular-file.js";
import { swapBytes } from "../reorder.js";
import { inflateInto } from "./inflate.js";
import { plainGrid } from "./plain-grid.js";
import { checkedBytes, refusal } from "./refuse.js";
import { hasEnding, type VolumeSource } from "./source.js";
import { isTiff, type Page, TiffFile } from "./tiff-header.js";
import { undoPredictor, unpackBits, unpackLzw } from "./tiff-packing.js";
import { stackOf } from "./tiff-stack.js";
import { channelsLast, numbersOf } from "./values.js";
import type { ReadSettings, Volume, VolumeReader } from "./volume.js";

const tags = { width: 256, height: 257, bits: 258, compression: 259, photometric: 262, stripOffsets: 273 };
const more = { samples: 277, rowsPerStrip: 278, stripBytes: 279, planar: 284, predictor: 317, format: 339 };
const tiles = { width: 322, height: 323, offsets: 324, bytes: 325 };

/** The properties that all pages of a stack share. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly type: DataType;
  readonly compression: number;
  readonly predictor: number;
  readonly photometric: number;
}

const types: ReadonlyMap<string, DataType> = new Map([
  ["1 8", "uint8"],
  ["1 16", "uint16"],
  ["1 32", "uint32"],
  ["2 8", "int8"],
  ["2 16", "int16"],
  ["2 32", "int32"],
  ["3 32", "float32"],
  ["3 64", "float64"],
]);

function layoutOf(file: TiffFile, page: Page): Layout {
  const one = (tag: number, fallback?: number): number =>
    file.numbers(page, tag, fallback === undefined ? undefined : [fallback])[0]!;
  const samples = one(more.samples, 1);
  const bits = file.numbers(page, tags.bits, [1]);
  const formats = file.numbers(page, more.format, [1]);
  const type = types.get(`${formats[0] === 4 ? 1 : formats[0]} ${bits[0]}`);
  if (!type || bits.some((b) => b !== bits[0]) || formats.some((f) => f !== formats[0]))
    throw file.fail(
      0,
      `samples of ${bits} bits and format ${formats} are not read; store 8, 16 or 32 bits`,
      "bits",
    );
  const compression = one(tags.compression, 1);
  if (![1, 5, 8, 32773, 32946].includes(compression))
    throw file.fail(
      0,
      `${compression} is not read; store uncompressed, deflate, LZW or PackBits`,
      "compression",
    );
  const predictor = one(more.predictor, 1);
  const fits = predictor === 1 || (predictor === 2 && !type.startsWith("float"));
  if (!fits) throw file.fail(0, `${predictor} is not read for ${type}`, "predictor");
  if (samples > 1 && one(more.planar, 1) !== 1) throw file.fail(0, "separate planes are not read", "planar");
  return {
    width: one(tags.width),
    height: one(tags.height),
    samples,
    type,
    compression,
    predictor,
    photometric: one(tags.photometric, 1),
  };
}

/** Unpacks one strip or tile into rows of samples in this machine's byte order. */
async function blockOf(
  file: TiffFile,
  { compression, predictor, type, samples }: Layout,
  at: number,
  length: number,
  rows: number,
  columns: number,
  settings: ReadSettings,
): Promise<Uint8Array> {
  const size = rows * columns * samples * elements[type].bytes;
  if (!(at >= 0 && length >= 0 && at + length <= file.bytes.length))
    throw file.fail(
      file.bytes.length,
      `ended early: ${length} bytes of pixels from byte ${at} on were expected`,
    );
  const packed = file.bytes.subarray(at, at + length);
  const damaged = (): Error => file.fail(at, `packed pixels that are damaged or end early`, "pixels");
  let bytes: Uint8Array;
  if (compression === 1) {
    if (length < size)
      throw file.fail(at, `ended early: ${length} bytes of pixels, ${size} were expected`, "pixels");
    bytes = packed.slice(0, size);
  } else if (compression === 8 || compression === 32946) {
    const where = {
      path: file.path,
      source: new BytesSource(packed),
      start: 0,
      end: length,
      wrapper: "zlib",
    } as const;
    ({ bytes } = await inflateInto(where, size, settings.limits));
  } else {
    // LZW packs at most 4096 bytes into 12 bits, PackBits 128 into two bytes.
    if (size > length * 2731) throw damaged();
    bytes = new Uint8Array(size);
    if (!(compression === 5 ? unpackLzw(packed, bytes) : unpackBits(packed, bytes))) throw damaged();
  }
  const { bytes: width, view } = elements[type];
  if (!file.little) swapBytes(bytes, width);
  if (predictor === 2)
    for (let y = 0; y < rows; y++) {
      const row = view(bytes.buffer, bytes.byteOffset + y * columns * samples * width, columns * samples);
      undoPredictor(row as Uint8Array, samples);
    }
  return bytes;
}

/** Places the pixels of one page. */
async function pageInto(
  file: TiffFile,
  page: Page,
  layout: Layout,
  out: Uint8Array,
  settings: ReadSettings,
): Promise<void> {
  const { width, height, samples, type } = layout;
  const pixel = samples * elements[type].bytes;
  const tiled = page.has(tiles.offsets);
  const columns = tiled ? file.numbers(page, tiles.width)[0]! : width;
  const given = tiled
    ? file.numbers(page, tiles.height)[0]!
    : file.numbers(page, more.rowsPerStrip, [height])[0]!;
  const rows = tiled ? given : Math.min(height, given);
  if (!(columns >= 1 && rows >= 1 && columns <= 2 ** 20 && rows <= 2 ** 20))
    throw file.fail(0, `pixels in blocks of ${columns} x ${rows}`, "tile");
  checkedBytes(file.path, "tile", 0, [columns, rows, samples], elements[type].bytes, settings.limits);
  const across = Math.ceil(width / columns);
  const count = across * Math.ceil(height / rows);
  const offsets = file.numbers(page, tiled ? tiles.offsets : tags.stripOffsets);
  const lengths = file.numbers(page, tiled ? tiles.bytes : more.stripBytes);
  if (offsets.length < count || lengths.length < count)
    throw file.fail(
      0,
      `expected ${count} blocks of pixels, got ${Math.min(offsets.length, lengths.length)}`,
      "pixels",
    );
  for (let i = 0; i < count; i++) {
    const top = Math.floor(i / across) * rows;
    const left = (i % across) * columns;
    const stored = tiled ? rows : Math.min(rows, height - top);
    const block = await blockOf(file, layout, offsets[i]!, lengths[i]!, stored, columns, settings);
    const wide = Math.min(columns, width - left) * pixel;
    for (let y = 0; y < Math.min(stored, height - top); y++)
      out.set(
        block.subarray(y * columns * pixel, y * columns * pixel + wide),
        ((top + y) * width + left) * pixel,
      );
    await nextTurn();
  }
}

async function readTiff(source: VolumeSource, settings: ReadSettings): Promise<Volume> {
  const { path, bytes } = source;
  const { limits } = settings;
  if (bytes.size > limits.readSize)
    throw refusal(path, undefined, limits.readSize, `${bytes.size} bytes are too many`);
  const file = new TiffFile(path, new Uint8Array(await bytes.read(0, bytes.size)));
  const pages = file.pages();
  const layout = layoutOf(file, pages[0]!);
  const { width, height, samples, type, photometric } = layout;
  for (const [i, page] of pages.entries())
    if (JSON.stringify(layoutOf(file, page)) !== JSON.stringify(layout))
      throw file.fail(0, `page ${i + 1} has another size or type than the first`, "pages");
  const stack = await stackOf(source, file, pages);
  if (samples > 1 && stack.channels > 1)
    throw file.fail(0, "colours and channels together are not read", "pages");
  const each = checkedBytes(path, "size", 0, [width, height, samples], elements[type].bytes, limits);
  checkedBytes(path, "size", 0, [width, height, samples, pages.length], elements[type].bytes, limits);
  // Blocks are packed at most 2731:1, so a larger promise is false.
  if (each * pages.length > file.bytes.length * 2731)
    throw file.fail(
      file.bytes.length,
      `ended early: ${each * pages.length} bytes of pixels were expected`,
      "pixels",
    );
  const all = new Uint8Array(each * pages.length);
  for (const [i, page] of pages.entries())
    await pageInto(file, page, layout, all.subarray(i * each, (i + 1) * each), settings);
  const data = await numbersOf(type, all, false);
  const depth = pages.length / stack.channels;
  const shape = depth > 1 || stack.deep ? [width, height, depth] : [width, height];
  const channels = samples * stack.channels;
  return {
    format: "TIFF",
    type,
    // Channels are the fastest axis among the pages of an ImageJ stack.
    data:
      samples > 1
        ? await channelsLast(data, 1, samples)
        : await channelsLast(data, width * height, stack.channels),
    ...plainGrid(shape, stack.spacing),
    ...(channels > 1 ? { channels } : {}),
    units: stack.units,
    notes: [...stack.notes, ...(photometric === 0 ? ["0 is white; values are as stored"] : [])],
  };
}

export const tiffReader: VolumeReader = {
  name: "TIFF",
  sniff(bytes, path) {
    if (isTiff(bytes)) return "magic";
    return hasEnding(path, [".tif", ".tiff"]) ? "ending" : undefined;
  },
  read: readTiff,
};
