// A second, slow rasterisation of contours: each voxel centre is tested against every edge.

const text = (value) => value?.toString("latin1").replace(/[\0 ]+$/, "");
const decimals = (value) => text(value).split("\\").map(Number);

/** Compares the masks of a structure set on a grid of unit voxels whose origin is 0. */
export function sameContours(volume, elements, tags, { shape }) {
  const [columns, rows, slices] = shape;
  const number = (item, tag) => Number(text(item.get(tag)));
  const regions = elements.get(tags.roiSequence).map((item) => number(item, tags.roiNumber));
  const usable = regions.every((each) => each >= 1 && each <= 65535);
  const contours = new Map();
  for (const item of elements.get(tags.roiContourSequence) ?? [])
    contours.set(number(item, tags.referencedRoiNumber), item.get(tags.contourSequence) ?? []);
  const masks = new Map();
  for (const [i, region] of regions.entries()) {
    const closed = (contours.get(region) ?? []).filter((item) =>
      /^CLOSED(_PLANAR|PLANAR_XOR)$/.test(text(item.get(tags.contourType))?.replace(/^ +/, "") ?? ""),
    );
    if (closed.length === 0) continue;
    const mask = new Uint8Array(columns * rows * slices);
    for (const item of closed) {
      const points = decimals(item.get(tags.contourData));
      const heights = points.filter((_, at) => at % 3 === 2);
      const slice = Math.round(heights.reduce((sum, z) => sum + z, 0) / heights.length);
      if (slice < 0 || slice >= slices) continue;
      const corners = heights.map((_, at) => [points[3 * at], points[3 * at + 1]]);
      for (let y = 0; y < rows; y++)
        for (let x = 0; x < columns; x++)
          if (inside(corners, x, y)) mask[(slice * rows + y) * columns + x] ^= 1;
    }
    masks.set(usable ? region : i + 1, mask);
  }
  const { data, segments } = volume;
  const size = columns * rows * slices;
  for (const [label, mask] of masks) {
    const channel = segments?.indexOf(label);
    const got = segments
      ? data.subarray(channel * size, (channel + 1) * size)
      : Uint8Array.from(data, (value) => Number(value === label));
    if (!mask.every((value, at) => value === got[at]))
      throw new Error(`another mask of ${label} than the oracle's`);
  }
  if (!segments && !data.every((value) => value === 0 || masks.has(value)))
    throw new Error("a label that the oracle lacks");
}

/** Whether a point has an odd number of edges on its left; an edge holds its lower end, not its upper. */
function inside(corners, x, y) {
  let odd = false;
  for (const [i, [x0, y0]] of corners.entries()) {
    const [x1, y1] = corners[(i + 1) % corners.length];
    if (y0 <= y === y1 <= y) continue;
    if (x0 + ((y - y0) / (y1 - y0)) * (x1 - x0) <= x) odd = !odd;
  }
  return odd;
}
