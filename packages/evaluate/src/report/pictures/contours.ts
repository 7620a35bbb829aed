/** A label map in rows, the top one first. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly labels: Uint8Array;
}

/**
 * Returns an SVG path along every edge between pixels of different labels, in pixels from the top left
 * corner. Edges in a row are one stroke; the border of the picture has none.
 */
export function contourPath({ width, height, labels }: Plane): string {
  const strokes: string[] = [];
  for (let y = 1; y < height; y++)
    runs(
      width,
      (x) => labels[y * width + x] !== labels[(y - 1) * width + x],
      (x, length) => strokes.push(`M${x} ${y}h${length}`),
    );
  for (let x = 1; x < width; x++)
    runs(
      height,
      (y) => labels[y * width + x] !== labels[y * width + x - 1],
      (y, length) => strokes.push(`M${x} ${y}v${length}`),
    );
  return strokes.join("");
}

/** Calls `found` with the start and length of every longest run in which `test` holds. */
function runs(
  count: number,
  test: (index: number) => boolean,
  found: (start: number, length: number) => void,
): void {
  let start = -1;
  for (let i = 0; i <= count; i++) {
    const holds = i < count && test(i);
    if (holds && start < 0) start = i;
    if (holds || start < 0) continue;
    found(start, i - start);
    start = -1;
  }
}
