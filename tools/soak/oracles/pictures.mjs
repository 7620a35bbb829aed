// Second, simple decoders of PNG and TIFF.
import { inflateSync } from "node:zlib";
import { sameValues, valuesOf } from "./judge.mjs";

const samplesOf = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Adam7: the first pixel and the steps of each pass. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

function paeth(a, b, c) {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

export function pngOracle(bytes, volume) {
  const data = [];
  let head;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const name = bytes.toString("latin1", at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (name === "IHDR") head ??= body;
    if (name === "IDAT") data.push(body);
    if (name === "IEND") break;
    at += 12 + length;
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const [depth, colour, , , interlace] = head.subarray(8);
  const samples = samplesOf[colour];
  const raw = inflateSync(Buffer.concat(data));
  const step = Math.max(1, (samples * depth) / 8);
  // Greys of 2 and 4 bits are fractions of white.
  const scale = colour === 0 && (depth === 2 || depth === 4) ? 255 / (2 ** depth - 1) : 1;
  const values = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * samples);
  let at = 0;
  for (const [x0, y0, dx, dy] of interlace === 1 ? passes : [[0, 0, 1, 1]]) {
    const columns = Math.ceil((width - x0) / dx);
    if (columns <= 0) continue;
    const stride = Math.ceil((columns * samples * depth) / 8);
    let above = new Uint8Array(stride);
    for (let y = y0; y < height; y += dy) {
      const filter = raw[at++];
      const row = new Uint8Array(stride);
      for (let i = 0; i < stride; i++) {
        const [a, b, c] = [row[i - step] ?? 0, above[i], above[i - step] ?? 0];
        row[i] = raw[at + i] + [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter];
      }
      at += stride;
      above = row;
      for (let i = 0; i < columns * samples; i++) {
        const bit = i * depth;
        const value =
          depth === 16
            ? row[2 * i] * 256 + row[2 * i + 1]
            : (row[bit >> 3] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
        values[(y * width + x0 + Math.floor(i / samples) * dx) * samples + (i % samples)] = value * scale;
      }
    }
  }
  sameValues(volume, { type: depth === 16 ? "uint16" : "uint8", sizes: [samples, width, height], values });
}

const fieldWidths = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8 };

function tiffPages(bytes, little) {
  const read = (at, width) => (little ? bytes.readUIntLE(at, width) : bytes.readUIntBE(at, width));
  const pages = [];
  for (let at = read(4, 4); at !== 0; ) {
    const page = new Map();
    const count = read(at, 2);
    for (let i = 0; i < count; i++) {
      const entry = at + 2 + 12 * i;
      const [type, length] = [read(entry + 2, 2), read(entry + 4, 4)];
      const width = fieldWidths[type];
      if (width === undefined || length > 1e6) continue;
      const place = width * length <= 4 ? entry + 8 : read(entry + 8, 4);
      if (place + width * length > bytes.length) continue;
      page.set(
        read(entry, 2),
        Array.from({ length }, (_, k) => read(place + k * width, Math.min(width, 4))),
      );
    }
    pages.push(page);
    at = read(at + 2 + 12 * count, 4);
  }
  return pages;
}

function unpackBits(packed) {
  const out = [];
  for (let i = 0; i < packed.length; ) {
    const code = packed.readInt8(i++);
    if (code >= 0) out.push(...packed.subarray(i, (i += code + 1)));
    else if (code !== -128) out.push(...new Array(1 - code).fill(packed[i++]));
  }
  return Buffer.from(out);
}

function unpackLzw(packed, size) {
  const start = () => Array.from({ length: 258 }, (_, i) => [i]);
  let [table, width, before, out] = [start(), 9, undefined, []];
  for (let bit = 0; out.length < size; ) {
    let code = 0;
    for (let i = 0; i < width; i++, bit++) code = code * 2 + ((packed[bit >> 3] >> (7 - (bit & 7))) & 1);
    if (code === 256) [table, width, before] = [start(), 9, undefined];
    else {
      const entry = table[code] ?? [...before, before[0]];
      out.push(...entry);
      if (before && table.length < 4096) table.push([...before, entry[0]]);
      before = entry;
      if (table.length >= 2 ** width - 1 && width < 12) width++;
    }
  }
  return Buffer.from(out);
}

export function tiffOracle(bytes, volume) {
  const little = bytes[0] === 0x49;
  const pages = tiffPages(bytes, little);
  const one = (tag, otherwise) => pages[0].get(tag)?.[0] ?? otherwise;
  const [width, height, samples, bits] = [one(256), one(257), one(277, 1), one(258, 1)];
  const { type } = volume;
  const size = bits / 8;
  const pixel = samples * size;
  const out = Buffer.alloc(width * height * pixel * pages.length);
  for (const [z, page] of pages.entries()) {
    const tiled = page.has(324);
    const columns = tiled ? page.get(322)[0] : width;
    const rows = tiled ? page.get(323)[0] : Math.min(height, page.get(278)?.[0] ?? height);
    const across = Math.ceil(width / columns);
    for (let i = 0; i < across * Math.ceil(height / rows); i++) {
      const [top, left] = [Math.floor(i / across) * rows, (i % across) * columns];
      const stored = tiled ? rows : Math.min(rows, height - top);
      const at = page.get(tiled ? 324 : 273)[i];
      const packed = bytes.subarray(at, at + page.get(tiled ? 325 : 279)[i]);
      const whole = stored * columns * pixel;
      const kind = page.get(259)?.[0] ?? 1;
      const block = Buffer.from(
        kind === 1
          ? packed
          : kind === 5
            ? unpackLzw(packed, whole)
            : kind === 32773
              ? unpackBits(packed)
              : inflateSync(packed),
      );
      if (!little && size > 1) block.subarray(0, whole)[`swap${bits}`]();
      if ((page.get(317)?.[0] ?? 1) === 2)
        for (let y = 0; y < stored; y++)
          for (let x = samples; x < columns * samples; x++) {
            const here = (y * columns * samples + x) * size;
            const sum = block.readUIntLE(here, size) + block.readUIntLE(here - samples * size, size);
            block.writeUIntLE(sum % 2 ** bits, here, size);
          }
      for (let y = 0; y < Math.min(stored, height - top); y++)
        block.copy(
          out,
          ((z * height + top + y) * width + left) * pixel,
          y * columns * pixel,
          y * columns * pixel + Math.min(columns, width - left) * pixel,
        );
    }
  }
  const values = valuesOf(type, out, out.length / size);
  if ((volume.channels ?? 1) === samples || samples > 1) {
    sameValues(volume, { type, sizes: [samples, width, height, pages.length], values });
    return;
  }
  const { channels } = volume;
  sameValues(volume, { type, sizes: [width, height, channels, pages.length / channels], values });
}
