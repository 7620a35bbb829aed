import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readVolume } from "./read-volume.js";
import type { WritableVolume } from "./volume-writer.js";
import { writeVolume } from "./write-volume.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "masks-"));
});
afterAll(() => rm(folder, { recursive: true }));

const mask = (values: readonly number[], change: Partial<WritableVolume> = {}): WritableVolume => ({
  type: "uint8",
  data: Uint8Array.from(values),
  shape: [2, 2, 1],
  spacing: [1.5, 1.5, 3],
  origin: [1, 2, 3],
  direction: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  ...change,
});

async function write(set: string, masks: Readonly<Record<string, WritableVolume>>): Promise<string> {
  await mkdir(join(folder, set), { recursive: true });
  for (const [name, volume] of Object.entries(masks)) await writeVolume(join(folder, set, name), volume);
  return join(folder, set);
}

async function refused(path: string): Promise<string> {
  const error = await readVolume(path).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

test("masks become one label map, named by their files; an empty mask keeps its label", async () => {
  const path = await write("organs", {
    "spleen.nii.gz": mask([0, 0, 0, 1]),
    "liver.nii.gz": mask([255, 255, 0, 0]),
    "lung.nii.gz": mask([0, 0, 0, 0]),
  });
  expect(await readVolume(path)).toMatchObject({
    type: "uint8",
    data: Uint8Array.of(1, 1, 0, 3),
    shape: [2, 2, 1],
    spacing: [1.5, 1.5, 3],
    names: new Map([
      [1, "liver"],
      [2, "lung"],
      [3, "spleen"],
    ]),
    notes: ["3 masks are read as one label map"],
  });
});

test("more than 255 masks need uint16", async () => {
  const masks = Array.from({ length: 260 }, (_, i) => [
    `${1000 + i}.nii`,
    mask([0, 0, 0, i === 259 ? 1 : 0]),
  ]);
  const { type, data } = await readVolume(await write("many", Object.fromEntries(masks)));
  expect([type, data]).toEqual(["uint16", Uint16Array.of(0, 0, 0, 260)]);
});

test("overlaps, other grids and label maps are refused by name", async () => {
  const overlap = await write("overlap", { "a.nii": mask([1, 1, 0, 0]), "b.nrrd": mask([0, 1, 1, 0]) });
  expect(await refused(overlap)).toMatch(/the masks a and b overlap \(voxel 1\)/);
  const moved = await write("moved", {
    "a.nii": mask([1, 0, 0, 0]),
    "b.nii": mask([0, 1, 0, 0], { origin: [0, 2, 3] }),
  });
  expect(await refused(moved)).toMatch(/b\.nii: geometry: .* is not the grid of .*a\.nii/);
  const labels = await write("labels", { "a.nii": mask([1, 2, 0, 0]) });
  expect(await refused(labels)).toMatch(/a\.nii: is no mask: it holds 1 and 2 \(voxel 1\)/);
});
