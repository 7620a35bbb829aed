/** The storage of the pixels of a PNG image. */
export interface PngLayout {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** The colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colour: number;
  readonly samples: number;
  readonly interlaced: boolean;
}

/** A part of the pixels: every `dx`th column from `x` on, every `dy`th row from `y` on. */
export interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
}

const adam7: readonly (readonly [x: number, y: number, dx: number, dy: number])[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/**
 * Returns the passes in which the pixels are stored: one, or the seven of Adam7 without those that are empty.
 */
export function passes({ width, height, interlaced }: PngLayout): readonly Pass[] {
  if (!interlaced) return [{ x: 0, y: 0, dx: 1, dy: 1, width, height }];
  return adam7
    .map(([x, y, dx, dy]) => {
      const part = (size: number, start: number, step: number): number =>
        Math.ceil(Math.max(0, size - start) / step);
      return { x, y, dx, dy, width: part(width, x, dx), height: part(height, y, dy) };
    })
    .filter((pass) => pass.width > 0 && pass.height > 0);
}

/** Returns the bytes of a row of `width` pixels, without its filter. */
export const rowBytes = ({ depth, samples }: PngLayout, width: number): number =>
  Math.ceil((width * depth * samples) / 8);

/** Undoes a row's filter in place; returns false for a filter that does not exist. */
export function unfilter(filter: number, row: Uint8Array, previous: Uint8Array, back: number): boolean {
  const { length } = row;
  if (filter === 0) return true;
  if (filter === 1) for (let i = back; i < length; i++) row[i]! += row[i - back]!;
  else if (filter === 2) for (let i = 0; i < length; i++) row[i]! += previous[i]!;
  else if (filter === 3)
    for (let i = 0; i < length; i++) row[i]! += ((i < back ? 0 : row[i - back]!) + previous[i]!) >> 1;
  else if (filter === 4)
    for (let i = 0; i < length; i++) {
      const left = i < back ? 0 : row[i - back]!;
      const corner = i < back ? 0 : previous[i - back]!;
      row[i]! += paeth(left, previous[i]!, corner);
    }
  else return false;
  return true;
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - above), Math.abs(estimate - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/** Places a row of a pass among the samples of the image, which are bytes, or big-endian pairs of 16 bits. */
export function samplesOf(layout: PngLayout, pass: Pass, row: Uint8Array, y: number, out: Uint8Array): void {
  const { width, depth, samples, colour } = layout;
  const wide = depth === 16 ? 2 : 1;
  const pixel = samples * wide;
  const start = (pass.y + y * pass.dy) * width + pass.x;
  if (depth >= 8) {
    for (let x = 0; x < pass.width; x++)
      for (let i = 0; i < pixel; i++) out[(start + x * pass.dx) * pixel + i] = row[x * pixel + i]!;
    return;
  }
  const most = (1 << depth) - 1;
  // One bit is a mask of 0 and 1. Deeper greys are fractions of white; indices of a palette are numbers.
  const scale = colour === 0 && depth > 1 ? 255 / most : 1;
  for (let x = 0; x < pass.width; x++) {
    const bit = x * depth;
    out[start + x * pass.dx] = ((row[bit >> 3]! >> (8 - depth - (bit & 7))) & most) * scale;
  }
}
