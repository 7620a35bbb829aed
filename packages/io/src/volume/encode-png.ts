import { InvalidArgumentError, invalidArgument } from "@pixelcal/core";
import type { Colour } from "./label-colours.js";
import { pngPieces } from "./png-writer.js";

export interface EncodePngOptions {
  /** The colours of the values, at most 256, red, green and blue each; default: values are grey. */
  readonly colours?: readonly Colour[];
}

/**
 * Returns an 8-bit PNG of pixels in rows, the top one first. The same pixels give the same bytes. Throws
 * InvalidArgumentError if the sizes do not fit or a value has no colour.
 */
export async function encodePng(
  pixels: Uint8Array,
  width: number,
  height: number,
  { colours }: EncodePngOptions = {},
): Promise<Uint8Array> {
  if (!Number.isInteger(width) || width < 1)
    throw invalidArgument("width", "a whole number of at least 1", width);
  if (!Number.isInteger(height) || height < 1)
    throw invalidArgument("height", "a whole number of at least 1", height);
  if (pixels.length !== width * height)
    throw invalidArgument("pixels", `${width * height} values (${width} x ${height})`, pixels.length);
  if (colours) {
    if (colours.length < 1 || colours.length > 256)
      throw invalidArgument("colours", "1 to 256", colours.length);
    const most = pixels.reduce((most, value) => Math.max(most, value), 0);
    if (most >= colours.length)
      throw new InvalidArgumentError(
        "pixels",
        `pixels: the value ${most} has no colour among ${colours.length}; add colours`,
      );
  }
  const pieces: Uint8Array[] = [];
  const grey = { shape: [width, height], data: pixels };
  for await (const piece of pngPieces(grey, { width: 1, level: 9, colours })) pieces.push(piece);
  return Buffer.concat(pieces);
}
