import { link, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSafetensors } from "@pixelcal/io";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CheckpointRotation, checkpointFiles } from "./checkpoint-rotation.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-rotation-"));
});
afterEach(() => rm(folder, { recursive: true }));

const save = (value: number) => (path: string) =>
  writeSafetensors(path, {
    tensors: { w: { type: "float32", dims: [1], data: Float32Array.of(value) } },
    metadata: {},
  });
const at = (name: "last" | "previous"): string => join(folder, checkpointFiles[name]);

test("the previous checkpoint is the one before the last", async () => {
  const rotation = new CheckpointRotation(folder);
  await rotation.saveLast(save(1));
  const first = await readFile(at("last"));
  await rotation.saveLast(save(2));
  expect(await readFile(at("previous"))).toEqual(first);
  expect(await readFile(at("last"))).not.toEqual(first);
});

test("a process killed after keeping the previous checkpoint leaves nothing behind", async () => {
  await new CheckpointRotation(folder).saveLast(save(1));
  await link(at("last"), at("previous"));
  await new CheckpointRotation(folder).saveLast(save(2));
  expect((await readdir(folder)).sort()).toEqual([checkpointFiles.last, checkpointFiles.previous].sort());
});
