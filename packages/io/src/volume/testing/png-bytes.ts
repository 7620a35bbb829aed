import { crc32, deflateSync } from "node:zlib";

/** Returns the bytes of one chunk, with a wrong checksum if `damage` is not 0. */
export function pngChunk(name: string, body: Uint8Array, damage = 0): Uint8Array {
  const inner = Buffer.concat([Buffer.from(name, "latin1"), body]);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, body.length);
  ends.setUint32(4, crc32(inner) ^ damage);
  return Buffer.concat([new Uint8Array(ends.buffer, 0, 4), inner, new Uint8Array(ends.buffer, 4)]);
}

export interface PngFields {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlace?: number;
  /** The rows of all passes as stored, each after its filter. */
  readonly rows: Uint8Array;
  /** The chunks between the header and the pixels. */
  readonly before?: readonly Uint8Array[];
}

/** Returns the bytes of a PNG file. */
export function pngBytes({
  width,
  height,
  depth,
  colour,
  interlace = 0,
  rows,
  before = [],
}: PngFields): Uint8Array {
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  for (const [i, value] of [depth, colour, 0, 0, interlace].entries()) head.setUint8(8 + i, value);
  const parts = [
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", new Uint8Array(head.buffer)),
    ...before,
    ...(colour === 3 ? [pngChunk("PLTE", new Uint8Array(12))] : []),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND", new Uint8Array(0)),
  ];
  return new Uint8Array(Buffer.concat(parts));
}
