import { describe, expect, test } from "vitest";
import { readVolume } from "../read-volume.js";
import { type DicomElements, dicomBytes, imageElements, implicitSyntax } from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import { tags } from "./tags.js";

const read = (fields: Parameters<typeof imageElements>[0] = {}, syntax?: string) =>
  readVolume(dicomBytes(imageElements(fields), syntax === undefined ? {} : { syntax }));

describe("values", () => {
  test.each([
    ["uint8", 8, false, Uint8Array, [0, 255, 1, 2, 3, 4]],
    ["int8", 8, true, Int8Array, [-128, 127, -1, 2, 3, 4]],
    ["int16", 16, true, Int16Array, [-32768, 300, -1, 2, 3, 4]],
    ["uint32", 32, false, Uint32Array, [2 ** 32 - 1, 1, 0, 2, 3, 4]],
    ["int32", 32, true, Int32Array, [-(2 ** 31), 70000, 0, 2, 3, 4]],
  ] as const)("%s", async (type, allocated, signed, List, values) => {
    const data = (List as Uint8ArrayConstructor).from(values);
    const volume = await read({ allocated, signed, pixels: new Uint8Array(data.buffer) });
    expect(volume.type).toBe(type);
    expect(volume.data).toEqual(data);
  });

  test("floats", async () => {
    for (const [tag, bits, data] of [
      [0x7fe00008, 32, Float32Array.of(0.5, -1, 2, 3, 4, 5)],
      [0x7fe00009, 64, Float64Array.of(0.1, -1, 2, 3, 4, 5)],
    ] as const) {
      const { [tags.pixels]: _, ...rest } = imageElements();
      const elements: DicomElements = {
        ...rest,
        [tags.bitsAllocated]: ["US", [bits]],
        [tag]: [bits === 32 ? "OF" : "OD", new Uint8Array(data.buffer)],
      };
      expect((await readVolume(dicomBytes(elements))).data).toEqual(data);
    }
  });

  test("12 bits of 16, where an overlay is in the others: cut or sign-extended, with a note", async () => {
    const words = Uint16Array.of(0xf123, 0x0fff, 0x1800, 0x07ff, 0, 1);
    const pixels = new Uint8Array(words.buffer);
    const unsigned = await read({ stored: 12, pixels });
    expect([...unsigned.data]).toEqual([...words].map((word) => word % 4096));
    expect(unsigned.notes).toEqual(["bits above the 12 that are stored are left out"]);
    const signed = await read({ stored: 12, signed: true, pixels });
    expect([...signed.data]).toEqual([...words].map((word) => (((word % 4096) + 2048) % 4096) - 2048));
    const high = await read({ stored: 12, pixels, more: { [tags.highBit]: ["US", [15]] } });
    expect([...high.data]).toEqual([...words].map((word) => Math.floor(word / 16)));
  });

  test("one bit: the lowest first, frames within bytes, both byte orders of words", async () => {
    const bits = Array.from({ length: 3 * 15 }, (_, i) => (i * i + (i >> 2)) & 1);
    const pixels = new Uint8Array(6);
    for (const [i, bit] of bits.entries()) pixels[i >> 3]! |= bit << (i & 7);
    const fields = { allocated: 1, columns: 5, rows: 3, frames: 3, pixels };
    expect([...(await read(fields)).data]).toEqual(bits);
    const swapped = pixels.map((_, i) => pixels[i ^ 1]!);
    const words: DicomElements = { [tags.pixels]: ["OW", swapped] };
    expect([...(await read({ ...fields, more: words }, `${implicitSyntax}.2`)).data]).toEqual(bits);
  });

  test("colours become channels, interleaved or in planes", async () => {
    const fields = { samples: 3, allocated: 8, photometric: "RGB", frames: 2 };
    const pixel = (channel: number, frame: number, i: number) => 100 * frame + 10 * channel + i;
    const frames = [0, 1].flatMap((frame) =>
      Array.from({ length: 18 }, (_, at) => pixel(at % 3, frame, Math.floor(at / 3))),
    );
    const planes = [0, 1].flatMap((frame) =>
      Array.from({ length: 18 }, (_, at) => pixel(Math.floor(at / 6), frame, at % 6)),
    );
    const wanted = [0, 1, 2].flatMap((channel) =>
      [0, 1].flatMap((frame) => Array.from({ length: 6 }, (_, i) => pixel(channel, frame, i))),
    );
    for (const [planar, values] of [frames, planes].entries()) {
      const more: DicomElements = { [tags.planarConfiguration]: ["US", [planar]] };
      const volume = await read({ ...fields, pixels: Uint8Array.from(values), more });
      expect(volume).toMatchObject({ channels: 3, shape: [3, 2, 2] });
      expect([...volume.data]).toEqual(wanted);
    }
  });

  test("the scaling is kept, not applied; MONOCHROME1 and bytes behind the pixels are notes", async () => {
    const more: DicomElements = {
      [tags.rescaleIntercept]: ["DS", "-1024 "],
      [tags.rescaleSlope]: ["DS", " 2.5"],
    };
    const pixels = new Uint8Array(20);
    const volume = await read({ photometric: "MONOCHROME1", more, pixels });
    expect(volume.scaled).toEqual({ slope: 2.5, inter: -1024 });
    expect(volume.notes).toEqual([
      "0 is white; values are as stored",
      "8 bytes behind the pixels are ignored",
    ]);
    expect((await read()).scaled).toBeUndefined();
  });
});

describe("geometry", () => {
  test("spacing is written rows first; the position and the orientation are LPS", async () => {
    const volume = await read({ orientation: [0, 1, 0, 0, 0, -1] });
    expect(volume).toMatchObject({ shape: [3, 2], origin: [10, 20, 30] });
    expect(volume.spacing).toEqual([0.5, 0.75]);
    expect(volume.direction).toEqual([
      [0, 1, 0],
      [0, 0, -1],
    ]);
  });

  test("without a place: spacing alone, or 1, with notes", async () => {
    const volume = await read({ position: [], orientation: [] });
    expect(volume).toMatchObject({ spacing: [0.5, 0.75], origin: [0, 0, 0], units: "mm" });
    expect(volume.notes[0]).toBe("no position is given");
    const { [tags.pixelSpacing]: _, ...rest } = imageElements({ position: [] });
    const bare = await readVolume(dicomBytes(rest));
    expect(bare).toMatchObject({ spacing: [1, 1], units: "unknown" });
    expect(bare.notes[0]).toContain("1 is assumed");
  });

  test("frames of a dose lie at the offsets of their grid", async () => {
    const more: DicomElements = {
      [tags.gridFrameOffsets]: ["DS", "0\\2.5\\5"],
      [tags.doseGridScaling]: ["DS", "1e-3"],
    };
    const volume = await read({ frames: 3, more });
    expect(volume).toMatchObject({ shape: [3, 2, 3], scaled: { slope: 0.001, inter: 0 } });
    expect(volume.spacing[2]).toBeCloseTo(2.5, 12);
    const cut = await read({ frames: 2, more });
    expect(cut).toMatchObject({ shape: [3, 2, 2], spacing: volume.spacing });
    const film = await read({ frames: 3 });
    expect(film.shape).toEqual([3, 2, 3]);
    expect(film.notes.join()).toContain("frames have no positions");
  });
});

/** The groups of frames at heights along z, with shared spacing, orientation and scaling. */
function enhanced(heights: readonly number[]): DicomElements {
  const {
    [tags.imagePosition]: _,
    [tags.imageOrientation]: __,
    [tags.pixelSpacing]: ___,
    ...rest
  } = imageElements({ frames: heights.length });
  return {
    ...rest,
    [tags.sharedGroupsSequence]: [
      "SQ",
      [
        {
          [tags.planeOrientationSequence]: ["SQ", [{ [tags.imageOrientation]: ["DS", "1\\0\\0\\0\\1\\0"] }]],
          [tags.pixelMeasuresSequence]: ["SQ", [{ [tags.pixelSpacing]: ["DS", "2\\3"] }]],
          [tags.pixelValueTransformationSequence]: [
            "SQ",
            [{ [tags.rescaleIntercept]: ["DS", "-1024"], [tags.rescaleSlope]: ["DS", "1"] }],
          ],
        },
      ],
    ],
    [tags.frameGroupsSequence]: [
      "SQ",
      heights.map((z) => ({
        [tags.planePositionSequence]: ["SQ", [{ [tags.imagePosition]: ["DS", `5\\6\\${z}`] }]],
      })),
    ],
  };
}

describe("several frames with places of their own", () => {
  const frame = (volume: { data: ArrayLike<number | bigint> }, index: number) =>
    Array.from({ length: 6 }, (_, i) => Number(volume.data[index * 6 + i]));
  const stored = (index: number) =>
    [...new Uint16Array(Uint8Array.from({ length: 36 }, (_, i) => i).buffer)].slice(index * 6, index * 6 + 6);

  test("frames are sorted along the normal; groups hold spacing and scaling", async () => {
    const volume = await readVolume(dicomBytes(enhanced([4, 0, 2]), { open: true }));
    expect(volume).toMatchObject({ shape: [3, 2, 3], origin: [5, 6, 0], scaled: { slope: 1, inter: -1024 } });
    expect(volume.spacing).toEqual([3, 2, 2]);
    expect([0, 1, 2].map((i) => frame(volume, i))).toEqual([1, 2, 0].map(stored));
  });

  test("frames that run downwards keep their order, on a grid of the other hand", async () => {
    const volume = await readVolume(dicomBytes(enhanced([4, 2, 0])));
    expect(volume).toMatchObject({ origin: [5, 6, 4] });
    expect(volume.direction[2]).toEqual([0, 0, -1]);
    expect([0, 1, 2].map((i) => frame(volume, i))).toEqual([0, 1, 2].map(stored));
  });

  test("frames that share places are channels, in the order of the file", async () => {
    const volume = await readVolume(dicomBytes(enhanced([2, 0, 0, 2])));
    expect(volume).toMatchObject({ shape: [3, 2, 2], channels: 2, origin: [5, 6, 2] });
    expect(volume.notes.join()).toContain("the 2 frames at each place are channels");
    const order = Array.from({ length: 4 }, (_, i) => Number(volume.data[i * 6]));
    const first = Array.from({ length: 4 }, (_, i) =>
      new DataView(Uint8Array.of(12 * i, 12 * i + 1).buffer).getUint16(0, true),
    );
    expect(order).toEqual([0, 1, 3, 2].map((frame) => first[frame]!));
  });

  test("uneven steps, two frames at one place and too few groups are refused", async () => {
    expect(await refusalOf(dicomBytes(enhanced([0, 2, 5])))).toContain(
      "the step from frame 1 to frame 2 is 2 mm, the median step 2.5 mm",
    );
    const volume = await readVolume(dicomBytes(enhanced([0, 2, 5])), { allowGaps: true });
    expect(volume.spacing[2]).toBe(2.5);
    expect(volume.notes.join()).toContain("taken to be evenly spaced");
    expect(await refusalOf(dicomBytes(enhanced([0, 2, 2])))).toContain(
      "frame 2 and frame 3 lie at the same place",
    );
    const few = { ...enhanced([0, 1]), [tags.numberOfFrames]: ["IS", "3 "] } as const;
    expect(await refusalOf(dicomBytes({ ...few, [tags.pixels]: ["OW", new Uint8Array(36)] }))).toContain(
      "2 items of 3",
    );
  });
});

describe("refusals", () => {
  test.each<[string, Parameters<typeof imageElements>[0], string]>([
    ["too few pixels", { pixels: new Uint8Array(10) }, "10 bytes of pixels, 12 were expected"],
    ["no rows", { rows: 0 }, "an image of 3 x 0 pixels"],
    ["12 bits in 12", { allocated: 12, pixels: new Uint8Array(12) }, "12 bits are not read"],
    ["more bits than there are", { allocated: 8, stored: 9 }, "expected 1 to 8 bits, got 9"],
    ["a wrong highest bit", { more: { [tags.highBit]: ["US", [3]] } }, "expected 15 to 15, got 3"],
    ["two samples", { samples: 2 }, "expected 1, 3 or 4 samples, got 2"],
    [
      "colours at half the resolution",
      { samples: 3, allocated: 8, photometric: "YBR_FULL_422" },
      "YBR_FULL_422",
    ],
    ["a slope of 0", { more: { [tags.rescaleSlope]: ["DS", "0 "] } }, "is 0"],
    ["a number that is none", { more: { [tags.rescaleSlope]: ["DS", "1x"] } }, '"1x" is not a number'],
    ["spacing of 0", { more: { [tags.pixelSpacing]: ["DS", "0\\1 "] } }, "two positive numbers, got [0,1]"],
    ["a slanted orientation", { orientation: [1, 0, 0, 1, 0, 0] }, "not two unit vectors at right angles"],
    [
      "more frames than pixels",
      { frames: 2, pixels: new Uint8Array(12) },
      "12 bytes of pixels, 24 were expected",
    ],
    ["a position of two numbers", { position: [1, 2] }, "expected 3 numbers, got 2"],
    ["two empty values", { more: { [tags.numberOfFrames]: ["IS", "\\ "] } }, '"" is not a number'],
    ["an empty value", { more: { [tags.numberOfFrames]: ["IS", "1\\"] } }, '"" is not a number'],
    [
      "two numbers of frames",
      { more: { [tags.numberOfFrames]: ["IS", "1\\1 "] } },
      "expected 1 number, got 2",
    ],
    ["a number that is cut by a 0", { more: { [tags.pixelSpacing]: ["DS", "0.\0\\1 "] } }, "is not a number"],
    ["half a frame", { more: { [tags.numberOfFrames]: ["IS", "0.5 "] } }, "whole number >= 1, got 0.5"],
    ["two slopes", { more: { [tags.rescaleSlope]: ["DS", "1\\2 "] } }, "expected 1 number, got 2"],
    ["two empty spacings", { more: { [tags.pixelSpacing]: ["DS", "\\ "] } }, '"" is not a number'],
    [
      "two heights",
      { more: { [tags.rows]: ["US", [2, 3]] } },
      "expected one binary number, got 4 bytes of US",
    ],
    [
      "a sequence in place of a text",
      { more: { [tags.imagePosition]: ["SQ", [{}]] } },
      "expected a text, got a sequence",
    ],
    [
      "fewer offsets than frames",
      { frames: 3, more: { [tags.gridFrameOffsets]: ["DS", "0\\2 "] } },
      "2 offsets of 3 frames",
    ],
  ])("%s", async (_, fields, message) => {
    expect(await refusalOf(dicomBytes(imageElements(fields)))).toContain(message);
  });

  test("a huge image in a small file takes no memory", async () => {
    const before = process.memoryUsage().arrayBuffers;
    await refusalOf(dicomBytes(imageElements({ rows: 65535, columns: 65535, pixels: new Uint8Array(2) })));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 25);
  });
});
