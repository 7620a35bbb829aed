import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "@pixelcal/core";
import { type WritePhantomsOptions, writePhantoms } from "@pixelcal/phantom";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FileDataset } from "./dataset.js";

const options: WritePhantomsOptions = {
  cases: { train: 2, val: 1, test: 1 },
  seed: 4,
  size: [24, 24],
  spacing: [8, 8],
};
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "phantoms-"));
});
afterAll(() => rm(root, { recursive: true }));

test("a data set that can be opened, the same bytes when written again, earlier cases kept when there are more", async () => {
  const done: number[] = [];
  const path = join(root, "a");
  await writePhantoms(path, { ...options, onCase: (n, total) => done.push(n / total) });
  expect(done).toEqual([0.25, 0.5, 0.75, 1]);
  const names = (await readdir(path, { recursive: true })).filter((name) => name.endsWith(".npz")).sort();
  expect(names).toEqual([
    "test/case_0000.npz",
    "train/case_0000.npz",
    "train/case_0001.npz",
    "val/case_0000.npz",
  ]);
  const dataset = await FileDataset.open(path, "train", { classes: 4, extras: ["truth"] });
  const { image, labels, spacing, extras } = await dataset.read(1);
  expect([image.dims, labels.dims, spacing, extras.truth!.dims]).toEqual([
    [1, 24, 24],
    [24, 24],
    [8, 8],
    [4, 24, 24],
  ]);
  const bytes = (): Promise<Buffer[]> => Promise.all(names.map((name) => readFile(join(path, name))));
  const before = await bytes();
  expect(new Set(before.map((file) => file.toString("latin1"))).size).toBe(4);
  await writePhantoms(path, { ...options, cases: { train: 3, val: 1, test: 1 } });
  expect(await bytes()).toEqual(before);
});

test("other cases in the way", async () => {
  const path = join(root, "b");
  await mkdir(join(path, "val"), { recursive: true });
  await writeFile(join(path, "val", "patient.npz"), "");
  await expect(writePhantoms(path, options)).rejects.toThrow(InvalidArgumentError);
  await expect(writePhantoms(path, options)).rejects.toThrow(
    /root: expected a folder without other cases, got .*patient\.npz/,
  );
  expect(await readdir(path)).toEqual(["val"]);
});

test.each([
  [{ cases: { train: -1, val: 1, test: 1 } }, /cases\.train: expected an integer from 0 to 10000/],
  [{ cases: { train: 1, val: 1.5, test: 1 } }, /cases\.val/],
  [{ seed: 0.5 }, /seed/],
  [{ size: [3] }, /size/],
])("%j", async (change, message) => {
  const writing = writePhantoms(join(root, "c"), { ...options, ...change });
  await expect(writing).rejects.toThrow(InvalidArgumentError);
  await expect(writing).rejects.toThrow(message);
});
