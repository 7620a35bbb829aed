import { crc32 } from "node:zlib";
import { InvalidArgumentError } from "@pixelcal/core";
import { type Colour, labelColour } from "./label-colours.js";
import { packed } from "./packed.js";
import { nameOfType, type VolumeWriter, type WritableVolume } from "./volume-writer.js";

const types = new Map([
  ["uint8", 1],
  ["bool", 1],
  ["uint16", 2],
] as const);

/** The number of bytes of rows that are packed at a time. */
const batchBytes = 2 ** 22;

function chunk(name: string, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32BE(body.length, 0);
  bytes.write(name, 4, "latin1");
  bytes.set(body, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length);
  return bytes;
}

/** Yields the rows, each behind its filter (none), samples of 16 bits with the high byte first. */
function* rowsOf(
  { data, shape }: Pick<WritableVolume, "shape" | "data">,
  width: number,
): Generator<Uint8Array> {
  const [columns, rows] = shape as [number, number];
  const stride = 1 + columns * width;
  const step = Math.max(1, Math.floor(batchBytes / stride));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const bytes = new Uint8Array(count * stride);
    for (let y = 0; y < count; y++)
      for (let x = 0; x < columns; x++) {
        const value = Number(data[(first + y) * columns + x]);
        const at = y * stride + 1 + x * width;
        if (width === 2) bytes[at] = value >> 8;
        bytes[at + width - 1] = value & 255;
      }
    yield bytes;
  }
}

/** Yields the bytes of a PNG of grey values or, with `colours`, of indices into them. */
export async function* pngPieces(
  volume: Pick<WritableVolume, "shape" | "data">,
  {
    width,
    level,
    colours,
  }: { readonly width: 1 | 2; readonly level: number; readonly colours?: readonly Colour[] },
): AsyncGenerator<Uint8Array> {
  const { shape } = volume;
  const head = Buffer.alloc(13);
  head.writeUInt32BE(shape[0]!, 0);
  head.writeUInt32BE(shape[1]!, 4);
  head.set([8 * width, colours ? 3 : 0, 0, 0, 0], 8);
  yield Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  yield chunk("IHDR", head);
  if (colours) yield chunk("PLTE", Uint8Array.from(colours.flat()));
  for await (const part of packed("zlib", level, rowsOf(volume, width))) yield chunk("IDAT", part);
  yield chunk("IEND", new Uint8Array(0));
}

export const pngWriter: VolumeWriter = {
  name: "PNG",
  endings: [".png"],
  async *encode(volume, { level, palette }) {
    const width = nameOfType<1 | 2>("PNG", types, volume.type);
    const { shape, channels = 1, data } = volume;
    if (shape.length !== 2 || channels !== 1)
      throw new InvalidArgumentError(
        "volume.shape",
        `volume.shape: PNG holds 2 axes of one channel, got [${shape}] of ${channels}`,
      );
    if (!palette) return yield* pngPieces(volume, { width, level });
    if (width === 2)
      throw new InvalidArgumentError("palette", "palette: needs labels of type uint8, got uint16");
    const count = (data as Uint8Array).reduce((most, label) => Math.max(most, label), 0) + 1;
    const colours = Array.from({ length: count }, (_, label) => labelColour(label));
    yield* pngPieces(volume, { width, level, colours });
  },
};
