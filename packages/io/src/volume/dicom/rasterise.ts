/** A point in voxels: column and row of a slice. */
export type Point = readonly [number, number];

/**
 * Calls `set` with the row, the first column and the column behind each run of pixels whose centres lie in
 * the polygons. By the even-odd rule a polygon within another is a hole. A centre on an edge lies inside if
 * the edge is on its left.
 */
export function fillPolygons(
  polygons: readonly (readonly Point[])[],
  [columns, rows]: readonly [number, number],
  set: (row: number, from: number, to: number) => void,
): void {
  const crossings = new Map<number, number[]>();
  for (const polygon of polygons)
    for (const [i, [x0, y0]] of polygon.entries()) {
      const [x1, y1] = polygon[(i + 1) % polygon.length]!;
      // Rows on the lower end count, those on the upper do not, so that a corner is crossed once.
      const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)];
      for (let row = Math.max(0, Math.ceil(low)); row < Math.min(rows, high); row++) {
        const x = x0 + ((row - y0) / (y1 - y0)) * (x1 - x0);
        const list = crossings.get(row);
        if (list) list.push(x);
        else crossings.set(row, [x]);
      }
    }
  for (const [row, list] of crossings) {
    list.sort((a, b) => a - b);
    for (let i = 0; i + 1 < list.length; i += 2) {
      const from = Math.max(0, Math.ceil(list[i]!));
      const to = Math.min(columns, Math.ceil(list[i + 1]!));
      if (from < to) set(row, from, to);
    }
  }
}
