import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultLimits } from "../../limits.js";
import { BytesSource } from "../../regular-file.js";
import { readVolume } from "../read-volume.js";
import { dicomBytes, imageElements } from "../testing/dicom-bytes.js";
import type { Grid } from "../volume.js";
import type { WritableVolume } from "../volume-writer.js";
import { writeVolume } from "../write-volume.js";
import { readDicomFile } from "./dicom-file.js";
import { decimalText } from "./segment-elements.js";
import { tags } from "./tags.js";
import { written } from "./written-tags.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "segmentation-"));
});
afterAll(() => rm(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
/** 23 x 38 pixels are no whole number of bytes, so that frames begin within one. */
const grid: Grid = {
  shape: [23, 38, 5],
  spacing: [0.7, 1.1, 3.3],
  origin: [-12.5, 30.25, 1000.125],
  direction: [
    [c, s, 0],
    [-s * c, c * c, s],
    [s * s, -c * s, c],
  ],
};
const size = 23 * 38;
/** Labels 1 and 3 in the slices 1 to 3; the outermost hold none. */
const data = Uint8Array.from({ length: 5 * size }, (_, i) =>
  i >= size && i < 4 * size && i % 7 < 2 ? (i % 7 === 0 ? 1 : 3) : 0,
);
const names = new Map([
  [1, "Leber rä"],
  [3, "kidney"],
]);
const labels: WritableVolume = { type: "uint8", data, ...grid, names };

/** Returns the elements of a written file. */
const headOf = async (path: string) =>
  (await readDicomFile(path, new BytesSource(await readFile(path)), defaultLimits)).dataSet;

function near(volume: Grid, wanted: Grid): void {
  expect(volume.shape).toEqual(wanted.shape);
  for (const [i, size] of wanted.spacing.entries()) expect(volume.spacing[i]).toBeCloseTo(size, 6);
  for (const [i, part] of wanted.origin.entries()) expect(volume.origin[i]).toBeCloseTo(part, 6);
  for (const [i, column] of wanted.direction.entries())
    for (const [j, part] of column.entries()) expect(volume.direction[i]![j]).toBeCloseTo(part, 6);
}

describe("a written segmentation", () => {
  test.each(["binary", "labelmap"] as const)(
    "%s is read back: values, grid and names",
    async (segmentation) => {
      await writeVolume(at("a.dcm"), labels, { segmentation });
      const volume = await readVolume(at("a.dcm"));
      near(volume, grid);
      expect(volume).toMatchObject({ format: "DICOM", type: "uint8", notes: [] });
      expect(volume.data).toEqual(data);
      expect(volume.names!.get(1)).toBe("Leber rä");
      expect(volume.names!.get(3)).toBe("kidney");
      const first = await readFile(at("a.dcm"));
      await writeVolume(at("a.dcm"), labels, { segmentation });
      expect(await readFile(at("a.dcm"))).toEqual(first);
    },
  );

  test.each([
    ["no label at all", new Uint8Array(5 * size)],
    ["a label in the last slice alone", new Uint8Array(5 * size).fill(2, 4 * size + 3, 4 * size + 9)],
  ])("%s: the grid is kept", async (_, values) => {
    for (const segmentation of ["binary", "labelmap"] as const) {
      await writeVolume(at("b.dcm"), { type: "uint8", data: values, ...grid }, { segmentation });
      const volume = await readVolume(at("b.dcm"));
      near(volume, grid);
      expect(volume.data).toEqual(values);
    }
  });

  test("one slice; labels of two bytes", async () => {
    const flat = { ...grid, shape: [23, 38], spacing: [0.7, 1.1], direction: grid.direction.slice(0, 2) };
    const values = Uint16Array.from({ length: size }, (_, i) => (i % 5 === 0 ? 40_000 : i % 3));
    const volume = { type: "uint16", data: values, ...flat } as const;
    await writeVolume(at("c.dcm"), volume, { segmentation: "labelmap" });
    expect((await readVolume(at("c.dcm"))).data).toEqual(values);
    await expect(writeVolume(at("c.dcm"), volume)).rejects.toThrow(
      'volume.data: label 40000 would need 40000 segments, which are numbered from 1; write segmentation "labelmap"',
    );
  });

  test("segments that overlap are channels", async () => {
    const masks = new Uint8Array(2 * 5 * size).fill(1, 10, 30).fill(1, 5 * size + 20, 5 * size + 4 * size);
    const volume = { type: "uint8", data: masks, ...grid, channels: 2, segments: [2, 1] } as const;
    await writeVolume(at("d.dcm"), volume);
    const read = await readVolume(at("d.dcm"));
    expect(read).toMatchObject({ channels: 2, segments: [1, 2] });
    // Segments are numbered in the file's order.
    expect(read.data).toEqual(Uint8Array.of(...masks.subarray(5 * size), ...masks.subarray(0, 5 * size)));
  });

  test("slices against the normal are read along it", async () => {
    const mirrored = { ...grid, direction: grid.direction.with(2, [-s * s, c * s, -c]) };
    await writeVolume(at("e.dcm"), { ...labels, ...mirrored });
    const slices = Array.from({ length: 5 }, (_, z) => data.subarray((4 - z) * size, (5 - z) * size));
    expect((await readVolume(at("e.dcm"))).data).toEqual(
      Uint8Array.of(...slices.flatMap((part) => [...part])),
    );
  });
});

/** Writes slices of a series onto the grid, heights being slices; returns their folder. */
async function putSeries(name: string, heights: readonly number[], more = {}): Promise<string> {
  const { mkdir } = await import("node:fs/promises");
  await mkdir(at(name), { recursive: true });
  for (const [i, height] of heights.entries()) {
    const position = grid.origin.map((part, axis) => part + height * 3.3 * grid.direction[2]![axis as 0]);
    const orientation = [...grid.direction[0]!, ...grid.direction[1]!].map(decimalText).map(Number);
    const image = imageElements({
      columns: 23,
      rows: 38,
      position: position.map(decimalText).map(Number),
      orientation,
    });
    const own = {
      [tags.sopClass]: ["UI", "1.2.840.10008.5.1.4.1.1.2"],
      [tags.sopInstance]: ["UI", `1.2.3.${i + 1}`],
      [tags.pixelSpacing]: ["DS", "1.1\\0.7"],
      [written.patientName]: ["PN", "Doe^Jane"],
      [written.studyInstanceUid]: ["UI", "1.2.9"],
      [written.frameOfReferenceUid]: ["UI", "1.2.7"],
      [written.studyDate]: ["DA", "20200102"],
      ...more,
    } as const;
    await writeFile(join(at(name), `${i}.dcm`), dicomBytes({ ...image, ...own }));
  }
  return at(name);
}

describe("the series of a segmentation", () => {
  test("gives patient, study and frame of reference, and each frame refers to its slice", async () => {
    const image = await putSeries("ct", [4, 2, 0, 1, 3]);
    await writeVolume(at("f.dcm"), labels, { image });
    const head = await headOf(at("f.dcm"));
    expect(
      [written.patientName, written.studyInstanceUid, written.frameOfReferenceUid, written.contentDate].map(
        (tag) => head.text(tag),
      ),
    ).toEqual(["Doe^Jane", "1.2.9", "1.2.7", "20200102"]);
    expect(head.text(tags.seriesInstanceUid)).toMatch(/^2\.25\.\d+$/);
    const frames = head.items(tags.frameGroupsSequence);
    const source = frames[1]!
      .items(written.derivationImageSequence)[0]!
      .items(written.sourceImageSequence)[0]!;
    // Segment 1's second frame lies in slice 1, the image written fourth.
    expect(source.text(written.referencedSopInstance)).toBe("1.2.3.4");
    // The grid of the image is a whole volume, whose values are not the segmentation's.
    const volume = await readVolume(at("f.dcm"), { grid: await readVolume(image) });
    expect(volume.data).toEqual(data);
  });

  test.each([
    ["images beside the slices", [0, 1.5], {}, /lies at .* mm, on no slice of the segmentation/],
    ["an image without an instance", [0], { [tags.sopInstance]: undefined }, /sopInstance: is missing/],
  ])("%s are refused", async (name, heights, more, message) => {
    const image = await putSeries(name, heights, more);
    await expect(writeVolume(at("g.dcm"), labels, { image })).rejects.toThrow(message);
  });
});

test.each<[string, Partial<WritableVolume>, object, RegExp]>([
  ["float32", { type: "float32", data: new Float32Array(5 * size) }, {}, /volume.type: .* got float32/],
  ["channels that are no masks", { channels: 5, shape: [23, 38] }, {}, /masks of 0 and 1, got 3/],
  [
    "a label map of channels",
    { channels: 5, shape: [23, 38], data: new Uint8Array(5 * size) },
    { segmentation: "labelmap" },
    /segmentation: expected binary/,
  ],
  [
    "the same segment twice",
    { channels: 5, shape: [23, 38], data: new Uint8Array(5 * size), segments: [1, 1, 2, 3, 4] },
    {},
    /volume.segments: expected 5 different labels/,
  ],
  ["slanted slices", { direction: grid.direction.with(2, [0, 0, 1]) }, {}, /axes at right angles only/],
  ["another kind", {}, { segmentation: "fractional" }, /segmentation: expected binary or labelmap/],
  ["bytes as the series", {}, { image: new Uint8Array(9) }, /image: expected the path of the DICOM series/],
])("%s is refused", async (_, change, options, message) => {
  const flat = change.shape ? { spacing: [1, 1], direction: grid.direction.slice(0, 2) } : {};
  await expect(writeVolume(at("h.dcm"), { ...labels, ...flat, ...change }, options)).rejects.toThrow(message);
  await expect(readFile(at("h.dcm"))).rejects.toThrow(/ENOENT/);
});

test("decimal text has at most 16 characters and loses no more than it must", () => {
  for (const value of [0, 1, -0.1, 1 / 3, -1e-7 / 3, 1e9 / 7, -(2 ** 60), 0.1 + 0.2]) {
    const text = decimalText(value);
    expect(text.length).toBeLessThanOrEqual(16);
    expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value));
  }
});
