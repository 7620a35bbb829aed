import { describe, expect, test } from "vitest";
import { readVolume } from "../read-volume.js";
import { type DicomElements, dataSetBytes, dicomBytes } from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import type { Grid } from "../volume.js";
import { fillPolygons, type Point } from "./rasterise.js";
import { tags } from "./tags.js";

/** Whether a point lies inside of polygons: the parity of edges on its left, one by one. */
function inside(polygons: readonly (readonly Point[])[], x: number, y: number): boolean {
  let odd = false;
  for (const polygon of polygons)
    polygon.forEach(([x0, y0], i) => {
      const [x1, y1] = polygon[(i + 1) % polygon.length]!;
      if (y0 <= y === y1 <= y) return;
      if (x0 + ((y - y0) / (y1 - y0)) * (x1 - x0) <= x) odd = !odd;
    });
  return odd;
}

function filled(polygons: readonly (readonly Point[])[], columns: number, rows: number): number[] {
  const out = new Array<number>(columns * rows).fill(0);
  fillPolygons(polygons, [columns, rows], (row, from, to) =>
    out.fill(1, row * columns + from, row * columns + to),
  );
  return out;
}

const slow = (polygons: readonly (readonly Point[])[], columns: number, rows: number) =>
  Array.from({ length: columns * rows }, (_, i) =>
    Number(inside(polygons, i % columns, Math.floor(i / columns))),
  );

test("polygons are filled as the test of each centre says: corners, holes, and beyond the edge", () => {
  // A linear congruence gives coordinates on and between centres.
  let state = 1;
  const next = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  for (let round = 0; round < 300; round++) {
    const polygons = Array.from({ length: 1 + (round % 3) }, () =>
      Array.from({ length: 3 + Math.floor(next() * 6) }, (): Point => {
        const [x, y] = [next() * 14 - 3, next() * 12 - 3];
        return round % 2 === 0 ? [Math.round(x), Math.round(y)] : [x, y];
      }),
    );
    expect(filled(polygons, 8, 6)).toEqual(slow(polygons, 8, 6));
  }
  const square = (low: number, high: number): Point[] => [
    [low, low],
    [high, low],
    [high, high],
    [low, high],
  ];
  expect(filled([square(0, 5), square(1, 3)], 5, 5).filter((bit) => bit === 1).length).toBe(21);
});

const grid: Grid = {
  shape: [6, 5, 3],
  spacing: [2, 2, 3],
  origin: [10, 20, 30],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
};

/** A contour in voxels of the grid, written in mm. */
const contour = (points: readonly Point[], slice: number, type = "CLOSED_PLANAR"): DicomElements => ({
  [tags.contourType]: ["CS", type],
  [tags.contourPointCount]: ["IS", `${points.length}`],
  [tags.contourData]: [
    "DS",
    points.map(([x, y]) => `${10 + 2 * x}\\${20 + 2 * y}\\${30 + 3 * slice}`).join("\\"),
  ],
});

type Regions = readonly (readonly [number: number, name: string, contours: readonly DicomElements[]])[];

const structure = (regions: Regions): DicomElements => ({
  [tags.sopClass]: ["UI", "1.2.840.10008.5.1.4.1.1.481.3"],
  [tags.roiSequence]: [
    "SQ",
    regions.map(([number, name]) => ({
      [tags.roiNumber]: ["IS", `${number}`] as const,
      [tags.roiName]: ["LO", name] as const,
    })),
  ],
  [tags.roiContourSequence]: [
    "SQ",
    regions.map(([number, , contours]) => ({
      [tags.contourSequence]: ["SQ", contours] as const,
      [tags.referencedRoiNumber]: ["IS", `${number}`] as const,
    })),
  ],
});

const box = (x0: number, y0: number, x1: number, y1: number): Point[] => [
  [x0, y0],
  [x1, y0],
  [x1, y1],
  [x0, y1],
];

describe("contours", () => {
  test("a label map on the grid, with holes, names and a note; without a preamble too", async () => {
    const regions: Regions = [
      [3, "outer", [contour(box(-0.5, -0.5, 3.5, 3.5), 1), contour(box(0.5, 0.5, 2.5, 2.5), 1)]],
      [5, "dot", [contour(box(0.6, 0.6, 1.4, 1.4), 1), contour(box(0.6, 0.6, 1.4, 1.4), 2)]],
      [7, "marker", [contour([[0, 0]], 0, "POINT")]],
    ];
    const bytes = dicomBytes(structure(regions));
    const volume = await readVolume(bytes, { grid });
    const middle = [3, 3, 3, 3, 0, 0, 3, 5, 0, 3, 0, 0, 3, 0, 0, 3, 0, 0, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0];
    const upper = middle.map((value) => (value === 5 ? 5 : 0));
    expect([...volume.data]).toEqual([...middle.map(() => 0), ...middle, ...upper]);
    expect(volume).toMatchObject({ ...grid, type: "uint8", units: "mm" });
    expect(volume.names).toEqual(
      new Map([
        [3, "outer"],
        [5, "dot"],
      ]),
    );
    expect(volume.notes).toEqual([
      "masks are approximate: voxels whose centres lie inside of contours",
      "regions without closed contours are left out: marker",
    ]);
    const bare = await readVolume(dataSetBytes(structure(regions), { explicit: false }), { grid });
    expect(bare.data).toEqual(volume.data);
    expect(bare.notes[0]).toContain("no DICOM head");
  });

  test("regions that overlap become channels; numbers that are no labels are counted anew", async () => {
    const regions: Regions = [
      [0, "a", [contour(box(-0.5, -0.5, 1.5, 0.5), 0)]],
      [9, "b", [contour(box(0.5, -0.5, 2.5, 0.5), 0)]],
    ];
    const volume = await readVolume(dicomBytes(structure(regions)), { grid });
    expect(volume).toMatchObject({ channels: 2, segments: [1, 2] });
    expect([...volume.data.subarray(0, 4)].map(Number)).toEqual([1, 1, 0, 0]);
    expect([...volume.data.subarray(90, 94)].map(Number)).toEqual([0, 1, 1, 0]);
  });

  test("contours beyond the grid and between slices are counted", async () => {
    const regions: Regions = [
      [1, "a", [contour(box(0, 0, 2, 2), 7), contour(box(0, 0, 2, 2), 1.25), contour(box(0, 0, 2, 2), 0)]],
    ];
    const volume = await readVolume(dicomBytes(structure(regions)), { grid });
    expect(volume.notes.slice(1)).toEqual([
      "1 contours between slices are moved to the nearest",
      "1 contours outside of the grid are left out",
    ]);
  });

  test("refusals: no grid, a slanted contour, a wrong count", async () => {
    const flat = contour(box(0, 0, 2, 2), 1);
    const bytes = (item: DicomElements) => dicomBytes(structure([[1, "a", [item]]]));
    expect(await refusalOf(bytes(flat))).toContain("contours have no grid; give that of their image");
    const slanted: DicomElements = {
      ...flat,
      [tags.contourData]: ["DS", "10\\20\\30\\12\\20\\33\\12\\22\\33\\9\\9\\30"],
    };
    expect(await refusalOf(bytes(slanted), { grid })).toContain("does not lie in a slice of the grid");
    const few: DicomElements = { ...flat, [tags.contourPointCount]: ["IS", "3 "] };
    expect(await refusalOf(bytes(few), { grid })).toContain("expected 3 points of 3 numbers, got 12 numbers");
    const twice = structure([
      [1, "a", []],
      [1, "b", []],
    ]);
    expect(await refusalOf(dicomBytes(twice), { grid })).toContain("region 1 has contours twice");
  });
});
