import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dicomBytes, imageElements } from "../volume/testing/dicom-bytes.js";
import type { Grid } from "../volume/volume.js";
import { volumeOf } from "../volume/volume-of.js";
import { writeVolume } from "../volume/write-volume.js";
import { openImageCases } from "./image-cases.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);

/** The grid of `slices` slices of 3 x 2 pixels from the height `z` on. */
const grid = (slices: number, z: number): Grid => ({
  shape: [3, 2, slices],
  spacing: [0.5, 0.75, 2],
  origin: [10, 20, z],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
});
const labels = Uint8Array.from({ length: 12 }, (_, i) => i % 3);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "label-map-"));
  await mkdir(at("ct"));
  for (let slice = 0; slice < 4; slice++)
    await writeFile(
      at("ct", `${9 - slice}.dcm`),
      dicomBytes(imageElements({ position: [10, 20, 2 * slice] })),
    );
  const middle = volumeOf(tensor("uint8", labels, [2, 2, 3]), grid(2, 2));
  await writeVolume(at("seg.dcm"), middle);
  await writeVolume(at("seg.nii.gz"), middle);
  await writeVolume(at("beside.dcm"), volumeOf(tensor("uint8", labels, [2, 2, 3]), grid(2, 3)));
});
afterAll(() => rm(root, { recursive: true }));

const read = async (label: string) => {
  await writeFile(at("cases.json"), JSON.stringify({ training: [], test: [{ image: "ct", label }] }));
  const cases = await openImageCases(at("cases.json"), "test");
  return cases.read("ct");
};

test("a segmentation of some slices of a DICOM series lies on the slices of the series", async () => {
  const { image, labels: map, spacing } = await read("seg.dcm");
  expect([image.dims, spacing]).toEqual([
    [1, 4, 2, 3],
    [2, 0.75, 0.5],
  ]);
  expect(map).toEqual({
    type: "uint8",
    dims: [4, 2, 3],
    data: Uint8Array.from([...new Array(6).fill(0), ...labels, ...new Array(6).fill(0)]),
  });
});

test("labels of one slice, and masks in its channels, are those of an image", async () => {
  const { shape, spacing, direction, ...rest } = grid(1, 0);
  const image: Grid = {
    ...rest,
    shape: shape.slice(0, 2),
    spacing: spacing.slice(0, 2),
    direction: direction.slice(0, 2),
  };
  const map = labels.slice(0, 6);
  await writeVolume(at("image.nii.gz"), volumeOf(tensor("uint8", map, [2, 3]), image));
  await writeVolume(at("slice.nii.gz"), volumeOf(tensor("uint8", map, [1, 2, 3]), grid(1, 0)));
  const masks = Uint8Array.from([...map, ...map], (label, i) => Number(i < 6 ? label > 0 : label > 1));
  await writeVolume(at("masks.nii.gz"), volumeOf(tensor("uint8", masks, [2, 2, 3]), image));
  const listed = (label: string) =>
    writeFile(at("image.json"), JSON.stringify({ training: [], test: [{ image: "image.nii.gz", label }] }));
  const cases = async () => openImageCases(at("image.json"), "test");
  await listed("slice.nii.gz");
  expect((await (await cases()).read("image")).labels).toEqual({ type: "uint8", dims: [2, 3], data: map });
  await listed("masks.nii.gz");
  const found = await (await cases()).read("image", { masks: { names: ["one", "two"] } });
  expect(found.labels).toEqual({ type: "uint8", dims: [2, 3], data: map.map((label) => [0, 1, 3][label]!) });
});

test("a segmentation between the slices, and other files of some slices, are refused", async () => {
  await expect(read("beside.dcm")).rejects.toThrow(/beside\.dcm: /);
  await expect(read("seg.nii.gz")).rejects.toThrow(
    /seg\.nii\.gz: geometry: shape \[3,2,2\].* is not the grid of .*ct: shape \[3,2,4\]/,
  );
});

test("images of one name are named by the folders that tell them apart; the same image twice is refused", async () => {
  const list = (...images: string[]): Promise<void> =>
    writeFile(at("cases.json"), JSON.stringify({ training: [], test: images }));
  await list("b/ct.nii.gz", "a/ct.nii.gz");
  expect((await openImageCases(at("cases.json"), "test")).names).toEqual(["a_ct", "b_ct"]);
  // BIDS has a session in every subject.
  await list("sub-1/ses-1/t1.nii.gz", "sub-2/ses-1/t1.nii.gz", "sub-2/ses-2/t1.nii.gz");
  expect((await openImageCases(at("cases.json"), "test")).names).toEqual([
    "sub-1_ses-1_t1",
    "sub-2_ses-1_t1",
    "sub-2_ses-2_t1",
  ]);
  for (const [images, name] of [
    [["a/ct.nii.gz", "a/ct.nii.gz"], "ct"],
    [["a/ct.nii.gz", "a/ct.nrrd", "b/mr.nii.gz"], "ct"],
  ] as const) {
    await list(...images);
    await expect(openImageCases(at("cases.json"), "test")).rejects.toThrow(`two cases are named ${name}`);
  }
});
