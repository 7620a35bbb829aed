import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readNpy } from "../../npy.js";
import { readVolume } from "../read-volume.js";
import { type DicomElements, dicomBytes, imageElements } from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import type { Grid } from "../volume.js";
import { tags } from "./tags.js";

/** A frame of a segmentation to be made: its segment, its height in mm, and its pixels. */
interface Frame {
  readonly segment?: number;
  readonly z: number;
  readonly pixels: readonly number[];
}

interface Segmentation {
  readonly kind?: string;
  readonly columns?: number;
  readonly rows?: number;
  readonly segments?: ReadonlyMap<number, string>;
  readonly allocated?: number;
  readonly between?: number;
  readonly more?: DicomElements;
}

function packed(frames: readonly Frame[], allocated: number): Uint8Array {
  const values = frames.flatMap(({ pixels }) => pixels);
  if (allocated === 16) return new Uint8Array(Uint16Array.from(values).buffer);
  if (allocated === 8) return Uint8Array.from(values);
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (const [i, bit] of values.entries()) bytes[i >> 3]! |= bit << (i & 7);
  return bytes;
}

const liverAndSpleen: ReadonlyMap<number, string> = new Map([
  [1, "Liver"],
  [2, "Spleen"],
]);

function segmentation(frames: readonly Frame[], fields: Segmentation = {}): Uint8Array {
  const { kind = "BINARY", columns = 3, rows = 3, segments = liverAndSpleen, between, more } = fields;
  const { allocated = kind === "BINARY" ? 1 : 8 } = fields;
  const image = imageElements({
    columns,
    rows,
    allocated,
    frames: frames.length,
    position: [],
    pixels: packed(frames, allocated),
  });
  const measures: DicomElements = {
    [tags.pixelSpacing]: ["DS", "0.75\\0.5"],
    [tags.spacingBetweenSlices]: between === undefined ? undefined : ["DS", `${between}`],
  };
  return dicomBytes({
    ...image,
    [tags.segmentationType]: ["CS", kind],
    [tags.segmentSequence]: [
      "SQ",
      [...segments].map(([number, label]) => ({
        [tags.segmentNumber]: ["US", [number]] as const,
        [tags.segmentLabel]: ["LO", label] as const,
      })),
    ],
    [tags.sharedGroupsSequence]: ["SQ", [{ [tags.pixelMeasuresSequence]: ["SQ", [measures]] }]],
    [tags.frameGroupsSequence]: [
      "SQ",
      frames.map(
        ({ segment, z }): DicomElements => ({
          [tags.planePositionSequence]: ["SQ", [{ [tags.imagePosition]: ["DS", `1\\2\\${z}`] }]],
          [tags.segmentIdentificationSequence]:
            segment === undefined
              ? undefined
              : ["SQ", [{ [tags.referencedSegmentNumber]: ["US", [segment]] }]],
        }),
      ),
    ],
    ...more,
  });
}

const none = [0, 0, 0, 0, 0, 0, 0, 0, 0];
const left = [1, 0, 0, 1, 0, 0, 1, 0, 0];
const right = [0, 0, 1, 0, 0, 1, 0, 0, 1];
const full = none.map(() => 1);
const times = (values: readonly number[], factor: number) => values.map((value) => value * factor);

describe("BINARY", () => {
  test("segments that do not overlap become a label map; frames of 9 bits start within bytes", async () => {
    const frames = [
      { segment: 2, z: 3, pixels: right },
      { segment: 1, z: 0, pixels: left },
      { segment: 1, z: 3, pixels: left },
      { segment: 2, z: 1.5, pixels: full },
    ];
    const volume = await readVolume(segmentation(frames));
    expect(volume).toMatchObject({ type: "uint8", shape: [3, 3, 3], origin: [1, 2, 0], units: "mm" });
    expect(volume.spacing).toEqual([0.5, 0.75, 1.5]);
    const top = left.map((value, i) => value + 2 * right[i]!);
    expect([...volume.data]).toEqual([...left, ...times(full, 2), ...top]);
    expect(volume.names).toEqual(liverAndSpleen);
    expect(volume.channels).toBeUndefined();
    expect(volume.notes).toEqual([]);
  });

  test("segments that overlap become channels", async () => {
    const frames = [
      { segment: 1, z: 0, pixels: left },
      { segment: 7, z: 0, pixels: full },
      { segment: 7, z: 2, pixels: right },
    ];
    const volume = await readVolume(
      segmentation(frames, {
        segments: new Map([
          [7, "all"],
          [1, "part"],
        ]),
      }),
    );
    expect(volume).toMatchObject({ channels: 2, segments: [7, 1], shape: [3, 3, 2] });
    expect([...volume.data]).toEqual([...full, ...right, ...left, ...none]);
  });

  test("slices without a frame are background, with a note", async () => {
    const frames = [0, 2, 8].map((z) => ({ segment: 1, z, pixels: left }));
    const volume = await readVolume(segmentation(frames));
    expect(volume.shape).toEqual([3, 3, 5]);
    expect([...volume.data]).toEqual([left, left, none, none, left].flat());
    expect(volume.notes).toEqual(["2 of 5 slices have no frame"]);
    // The declared distance is finer than any that occurs.
    const finer = await readVolume(segmentation(frames, { between: 1 }));
    expect(finer.shape).toEqual([3, 3, 9]);
    expect([...finer.data].filter((value) => value === 1).length).toBe(9);
  });

  test("one slice has two axes; a segment beyond 255 takes two bytes", async () => {
    const volume = await readVolume(
      segmentation([{ segment: 300, z: 4, pixels: left }], { segments: new Map([[300, "far"]]) }),
    );
    expect(volume).toMatchObject({ type: "uint16", shape: [3, 3], origin: [1, 2, 4] });
    expect([...volume.data]).toEqual(times(left, 300));
  });

  test("a grid that is given holds the frames where they lie", async () => {
    const grid: Grid = {
      shape: [3, 3, 6],
      spacing: [0.5, 0.75, 2],
      origin: [1, 2, -2],
      direction: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    };
    const bytes = segmentation([{ segment: 1, z: 4, pixels: left }]);
    const volume = await readVolume(bytes, { grid });
    expect(volume).toMatchObject({ shape: [3, 3, 6], origin: [1, 2, -2] });
    expect([...volume.data]).toEqual([none, none, none, left, none, none].flat());
    const off = { ...grid, origin: [1, 2, -1] as const };
    expect(await refusalOf(bytes, { grid: off })).toContain("lies on no slice of the grid");
    const wide = { ...grid, shape: [4, 3, 6] };
    expect(await refusalOf(bytes, { grid: wide })).toContain("are not the slices of");
    const coarse = { ...grid, spacing: [0.6, 0.75, 2] };
    expect(await refusalOf(bytes, { grid: coarse })).toContain("are not the slices of");
  });
});

test.each(["23x38x3", "24x38x3"])("bits as pydicom packs them: %s", async (size) => {
  const golden = fileURLToPath(new URL(`../../../test/golden/segmentation-${size}`, import.meta.url));
  const volume = await readVolume(`${golden}.dcm`);
  const labels = await readNpy(`${golden}.npy`);
  expect(volume).toMatchObject({ type: "uint8", shape: [...labels.dims].reverse(), notes: [] });
  expect(volume.spacing).toEqual([0.6, 0.7, 2.5]);
  expect(volume.data).toEqual(labels.data);
});

describe("FRACTIONAL", () => {
  const kind = "FRACTIONAL";
  const fields = (type: string, most: number): Segmentation => ({
    kind,
    more: { [tags.maximumFractionalValue]: ["US", [most]], [tags.fractionalType]: ["CS", type] },
  });

  test("a channel per segment, whose scaling gives 0 ... 1", async () => {
    const half = times(left, 100);
    const frames = [
      { segment: 1, z: 0, pixels: half },
      { segment: 2, z: 1, pixels: full },
    ];
    const volume = await readVolume(segmentation(frames, fields("PROBABILITY", 200)));
    expect(volume).toMatchObject({ channels: 2, segments: [1, 2], fraction: "probability" });
    expect([...volume.data]).toEqual([...half, ...none, ...none, ...full]);
    expect(100 * volume.scaled!.slope).toBeCloseTo(0.5, 15);
    const single = { ...fields("OCCUPANCY", 255), segments: new Map([[1, "a"]]) };
    const one = await readVolume(segmentation(frames.slice(0, 1), single));
    expect(one).toMatchObject({ fraction: "occupancy", segments: [1], shape: [3, 3] });
    expect(one.channels).toBeUndefined();
  });

  test("values above the maximum, no maximum, another type", async () => {
    const frames = [{ segment: 1, z: 0, pixels: times(left, 101) }];
    expect(await refusalOf(segmentation(frames, fields("PROBABILITY", 100)))).toContain(
      "is 100, and frame 1 holds 101",
    );
    expect(await refusalOf(segmentation(frames, fields("PROBABILITY", 0)))).toContain("is 0");
    expect(await refusalOf(segmentation(frames, fields("HOPE", 255)))).toContain(
      'PROBABILITY or OCCUPANCY, got "hope"',
    );
    expect(await refusalOf(segmentation(frames, { kind }))).toContain("maximumFractionalValue: is missing");
  });
});

describe("LABELMAP", () => {
  test("labels as stored, of one byte and of two; slices without a frame hold the padding value", async () => {
    const frames = [
      { z: 0, pixels: times(left, 2) },
      { z: 4, pixels: right },
    ];
    for (const allocated of [8, 16]) {
      const volume = await readVolume(segmentation(frames, { kind: "LABELMAP", allocated, between: 2 }));
      expect(volume.type).toBe(allocated === 8 ? "uint8" : "uint16");
      expect([...volume.data]).toEqual([times(left, 2), none, right].flat());
      const padded: Segmentation = {
        kind: "LABELMAP",
        allocated,
        between: 2,
        more: { [tags.pixelPadding]: ["US", [5]] },
      };
      const other = await readVolume(segmentation(frames, padded));
      expect([...other.data]).toEqual([times(left, 2), times(full, 5), right].flat());
      expect(other.notes).toEqual([
        "1 of 3 slices have no frame",
        "pixels without a frame hold the padding value 5",
      ]);
    }
  });

  test("a padding value that no pixel can hold is refused", async () => {
    const more: DicomElements = { [tags.pixelPadding]: ["US", [256]] };
    const frames = [{ z: 0, pixels: left }];
    expect(await refusalOf(segmentation(frames, { kind: "LABELMAP", more }))).toContain(
      "256 is no value of 8 bits",
    );
    expect((await readVolume(segmentation(frames, { kind: "LABELMAP", allocated: 16, more }))).type).toBe(
      "uint16",
    );
  });
});

test("tiles of a slide are put together", async () => {
  const tile = (segment: number, column: number, row: number): DicomElements => ({
    [tags.planePositionSlideSequence]: [
      "SQ",
      [{ [tags.columnInMatrix]: ["SL", [column]], [tags.rowInMatrix]: ["SL", [row]] }],
    ],
    [tags.segmentIdentificationSequence]: ["SQ", [{ [tags.referencedSegmentNumber]: ["US", [segment]] }]],
  });
  const frames = [left, right, full].map((pixels) => ({ z: 0, pixels }));
  const more: DicomElements = {
    [tags.frameGroupsSequence]: ["SQ", [tile(1, 1, 1), tile(2, 4, 1), tile(2, 4, 4)]],
    [tags.matrixColumns]: ["UL", [5]],
    [tags.matrixRows]: ["UL", [4]],
    [tags.matrixOriginSequence]: ["SQ", [{ [tags.slidePositionX]: ["DS", "7"] }]],
    [tags.slideOrientation]: ["DS", "0\\-1\\0\\-1\\0\\0"],
  };
  const volume = await readVolume(segmentation(frames, { more }));
  expect(volume).toMatchObject({ shape: [5, 4], origin: [7, 0, 0] });
  expect([...volume.data]).toEqual(
    [
      [1, 0, 0, 0, 0],
      [1, 0, 0, 0, 0],
      [1, 0, 0, 0, 0],
      [0, 0, 0, 2, 2],
    ].flat(),
  );
  expect(volume.notes.join()).toContain("tiles of a slide");
  const outside: DicomElements = {
    ...more,
    [tags.frameGroupsSequence]: ["SQ", [tile(1, 6, 1), tile(2, 4, 1), tile(2, 4, 4)]],
  };
  expect(await refusalOf(segmentation(frames, { more: outside }))).toContain("outside of the total matrix");
});

describe("refusals", () => {
  const frame = { segment: 1, z: 0, pixels: left };
  test.each<[string, readonly Frame[], Segmentation, string]>([
    ["a segment that is not described", [{ ...frame, segment: 9 }], {}, "segment 9, which is not described"],
    ["a frame of no segment", [{ z: 0, pixels: left }], {}, "segment (none)"],
    [
      "two frames of one segment and place",
      [frame, frame],
      {},
      "frames 1 and 2 are of the same segment and place",
    ],
    ["uneven distances", [frame, { ...frame, z: 2 }, { ...frame, z: 5 }], {}, "uneven distances of 2 mm"],
    ["another kind", [frame], { kind: "HEIGHT", allocated: 8 }, 'LABELMAP, got "HEIGHT"'],
    ["no segments", [frame], { segments: new Map() }, "segmentSequence: is missing"],
  ])("%s", async (_, frames, fields, message) => {
    expect(await refusalOf(segmentation(frames, fields))).toContain(message);
  });

  test("positions that stretch a few frames to a huge volume", async () => {
    for (const far of [1e7, 1e9]) {
      const frames = [0, 1, far].map((z) => ({ segment: 1, z, pixels: left }));
      expect(await refusalOf(segmentation(frames))).toContain(
        `3 places span ${far + 1} slices; give the grid`,
      );
    }
    const frames = [0, 1, 1e5].map((z) => ({ segment: 1, z, pixels: left }));
    expect((await readVolume(segmentation(frames))).shape).toEqual([3, 3, 1e5 + 1]);
  });
});
