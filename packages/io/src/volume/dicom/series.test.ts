import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readVolume } from "../read-volume.js";
import { type DicomElements, dicomBytes, imageElements } from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import { tags } from "./tags.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "series-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Writes a folder of slices and other files; returns its path. */
async function folder(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const path = join(root, name);
  await mkdir(path);
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(path, file), bytes);
  return path;
}

type Fields = Parameters<typeof imageElements>[0];

/** A slice of six pixels of one value. */
const slice = (value: number, position: readonly number[], fields: Fields = {}): Uint8Array =>
  dicomBytes(
    imageElements({ position, pixels: new Uint8Array(new Uint16Array(6).fill(value).buffer), ...fields }),
  );

/** The value of each slice, in the volume's order. */
const slices = ({ data }: { data: ArrayLike<number | bigint> }) =>
  Array.from({ length: data.length / 6 }, (_, i) => Number(data[i * 6]));

const turned = [0.6, 0, 0.8, 0, 1, 0];
// The normal of `turned`: the cross product of its halves.
const along = (step: number) => [-0.8 * step + 7, 3, 0.6 * step + 1];

describe("order and spacing", () => {
  test("slices are sorted by their place along the normal, whatever their names; others are left out", async () => {
    const path = await folder("sorted", {
      a: slice(3, along(4), { orientation: turned }),
      b: slice(1, along(-1), { orientation: turned }),
      c: slice(2, along(1.5), { orientation: turned }),
      "readme.txt": Buffer.from("notes"),
      ".hidden": new Uint8Array(3),
      DICOMDIR: dicomBytes({ [tags.directoryRecords]: ["SQ", [{}]] }),
      report: dicomBytes({ [tags.seriesInstanceUid]: ["UI", "9.9"], [tags.modality]: ["CS", "SR"] }),
    });
    const volume = await readVolume(path);
    expect(slices(volume)).toEqual([1, 2, 3]);
    expect(volume.shape).toEqual([3, 2, 3]);
    expect(volume.spacing.map((size) => Number(size.toFixed(9)))).toEqual([0.5, 0.75, 2.5]);
    expect(volume.origin).toEqual(along(-1));
    for (const [i, part] of [-0.8, 0, 0.6].entries()) expect(volume.direction[2]![i]).toBeCloseTo(part, 12);
    expect(volume.notes).toEqual(["3 files of the folder are no DICOM images and are left out"]);
    const list = await readVolume([join(path, "a"), join(path, "c")]);
    expect(slices(list)).toEqual([2, 3]);
  });

  test("a missing slice and two slices at one place are refused; allowGaps accepts the first", async () => {
    const path = await folder("gap", {
      a: slice(1, [0, 0, 0]),
      b: slice(2, [0, 0, 2]),
      c: slice(3, [0, 0, 4]),
      d: slice(4, [0, 0, 8]),
    });
    expect(await refusalOf(path)).toContain("the step from c to d is 4 mm, the median step 2 mm");
    const volume = await readVolume(path, { allowGaps: true });
    expect(slices(volume)).toEqual([1, 2, 3, 4]);
    expect(volume.spacing[2]).toBe(2);
    expect(volume.notes.join()).toContain("taken to be evenly spaced");
    await writeFile(join(path, "e"), slice(5, [0, 0, 4]));
    expect(await refusalOf(path, { allowGaps: true })).toMatch(/[ce] and [ce] lie at the same place/);
  });

  test("steps of a tilted gantry give a slanted grid, with a note", async () => {
    const path = await folder("tilted", {
      a: slice(1, [0, 0, 0]),
      b: slice(2, [0, 0.5, 2]),
      c: slice(3, [0, 1, 4]),
    });
    const volume = await readVolume(path);
    const [x, y, z] = volume.direction[2]!.map((part) => part * volume.spacing[2]!);
    expect([x, y, z].map((part) => Number(part!.toFixed(9)))).toEqual([0, 0.5, 2]);
    expect(volume.notes).toEqual(["each slice lies 0.5 mm beside the one before; the grid is slanted"]);
  });

  test("scalings that differ are applied; equal ones are kept", async () => {
    const scaled = (slope: string): Fields => ({
      more: { [tags.rescaleSlope]: ["DS", slope], [tags.rescaleIntercept]: ["DS", "1 "] },
    });
    const same = await folder("same", {
      a: slice(1, [0, 0, 0], scaled("2 ")),
      b: slice(2, [0, 0, 2], scaled("2 ")),
    });
    expect(await readVolume(same)).toMatchObject({ type: "uint16", scaled: { slope: 2, inter: 1 } });
    const other = await folder("other", {
      a: slice(1, [0, 0, 0], scaled("2 ")),
      b: slice(2, [0, 0, 2], scaled("0.5")),
    });
    const volume = await readVolume(other);
    expect(volume).toMatchObject({ type: "float32", data: { constructor: Float32Array } });
    expect(volume.scaled).toBeUndefined();
    expect(slices(volume)).toEqual([3, 2]);
    expect(volume.notes.join()).toContain("scalings of their own");
  });
});

describe("several series", () => {
  test("are listed, and chosen by name; orientations and sizes split one series", async () => {
    const title: DicomElements = { [tags.seriesDescription]: ["LO", "axial"] };
    const path = await folder("several", {
      a: slice(1, [0, 0, 0], { more: title }),
      b: slice(2, [0, 0, 2], { more: title }),
      c: slice(3, [0, 0, 0], { series: "4.5" }),
      scout: slice(4, [0, 0, 0], { orientation: turned }),
      wide: slice(5, [0, 0, 0], { columns: 2, rows: 3 }),
    });
    const message = await refusalOf(path);
    expect(message).toContain("holds 4 series");
    expect(message).toContain(
      "1.2.3 (CT, axial, 2 files from a on); 4.5 (CT, 1 files from c on); 1.2.3#2 (CT,",
    );
    expect(message).toContain("choose one by the option series");
    expect(slices(await readVolume(path, { series: "1.2.3" }))).toEqual([1, 2]);
    expect(slices(await readVolume(path, { series: "1.2.3#2" }))).toEqual([4]);
    expect(await readVolume(path, { series: "1.2.3#3" })).toMatchObject({ shape: [2, 3] });
    expect(await refusalOf(path, { series: "7" })).toContain('there is no series "7", only: 1.2.3 (');
  });

  test("a folder without images, an empty list, a list of none", async () => {
    expect(await refusalOf(await folder("none", { a: Buffer.from("text") }))).toContain(
      "none of its 1 files",
    );
    await expect(readVolume([])).rejects.toThrow("source: expected paths of DICOM files");
    expect(await refusalOf([join(root, "absent")])).toContain("no such file");
    expect(
      await refusalOf(await folder("many", { a: slice(1, [0, 0, 0]), b: slice(1, [0, 0, 1]) }), {
        limits: { maxEntries: 1 },
      }),
    ).toContain("2 files exceed the limit of 1");
  });

  test("a damaged slice is refused by its name", async () => {
    const path = await folder("damaged", { a: slice(1, [0, 0, 0]), b: slice(2, [0, 0, 2]).slice(0, -3) });
    expect(await refusalOf(path)).toContain(`${join(path, "b")}: (7fe0,0010) pixels: ended early`);
  });
});

test("a grid that is given is compared with any volume's", async () => {
  const path = await folder("grid", { a: slice(1, [0, 0, 0]), b: slice(2, [0, 0, 2]) });
  const volume = await readVolume(path);
  expect((await readVolume(path, { grid: volume })).data).toEqual(volume.data);
  expect(await refusalOf(path, { grid: { ...volume, origin: [0, 0, 1] } })).toContain(
    "is not the grid of grid",
  );
});
