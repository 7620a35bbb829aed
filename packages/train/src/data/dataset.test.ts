import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import { FormatError, writeNpz } from "@pixelcal/io";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { FileDataset } from "./dataset.js";

const folders: string[] = [];
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "dataset-"));
  folders.push(root);
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const image = (value: number, dims: readonly number[] = [1, 2, 2]): Tensor => ({
  type: "float32",
  dims,
  data: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value),
});
const label = (values: readonly number[], dims: readonly number[] = [2, 2]): Tensor => ({
  type: "int64",
  dims,
  data: BigInt64Array.from(values, BigInt),
});
const write = (name: string, arrays: Record<string, Tensor>): Promise<void> =>
  writeNpz(join(root, "train", `${name}.npz`), arrays);

test("cases in the order of their names, narrowed labels, spacing and extras", async () => {
  const spacing: Tensor = { type: "float64", dims: [2], data: Float64Array.of(2, 3) };
  await write("b", { image: image(2), label: label([0, 1, 2, 0]), spacing, truth: image(9) });
  await write("a", { image: image(1), label: label([0, 0, 0, 0]), truth: image(8) });
  await writeFile(join(root, "train", "notes.txt"), "not a case");
  const dataset = await FileDataset.open(root, "train", { classes: 3, extras: ["truth"] });
  expect([dataset.names, dataset.channels, dataset.rank, dataset.classes]).toEqual([["a", "b"], 1, 2, 3]);
  expect(dataset.source(1)).toBe(join(root, "train", "b.npz"));
  expect(await dataset.read(1)).toEqual({
    image: image(2),
    labels: { type: "uint8", dims: [2, 2], data: Uint8Array.of(0, 1, 2, 0) },
    spacing: [2, 3],
    extras: { truth: image(9) },
  });
  await expect(dataset.read(2)).rejects.toThrow(/index: expected an integer below 2/);
});

test("an ignore label beyond 8 bits keeps all labels wider", async () => {
  await write("a", { image: image(1), label: label([0, 1, -1, 0]) });
  const dataset = await FileDataset.open(root, "train", { classes: 2, ignore: -1 });
  expect((await dataset.read(0)).labels).toEqual({
    type: "int32",
    dims: [2, 2],
    data: Int32Array.of(0, 1, -1, 0),
  });
  await write("a", { image: image(1), label: label([0, 1, 255, 0]) });
  expect(
    (await (await FileDataset.open(root, "train", { classes: 2, ignore: 255 })).read(0)).labels.type,
  ).toBe("uint8");
});

test("the cache keeps what fits and no more", async () => {
  for (const name of ["a", "b", "c"]) await write(name, { image: image(1), label: label([0, 0, 0, 0]) });
  // One case is 16 bytes of image and 4 of labels.
  const dataset = await FileDataset.open(root, "train", { classes: 2, cacheBytes: 45 });
  await rm(join(root, "train"), { recursive: true });
  const kept = await Promise.allSettled([0, 1, 2].map((index) => dataset.read(index)));
  expect(kept.map(({ status }) => status).filter((status) => status === "fulfilled").length).toBe(2);
  expect(await dataset.read(0)).toBe(await dataset.read(0));
});

describe("what is wrong is named", () => {
  test("no such split, no files", async () => {
    await expect(FileDataset.open(root, "val", { classes: 2 })).rejects.toThrow(
      /val: no such folder; expected ROOT\/\{train,val,test\}\/\*\.npz, each with image float32/,
    );
    await mkdir(join(root, "val"));
    await expect(FileDataset.open(root, "val", { classes: 2 })).rejects.toThrow(
      /val: no \.npz files; expected ROOT/,
    );
    await writeFile(join(root, "file"), "");
    await expect(FileDataset.open(root, "file", { classes: 2 })).rejects.toThrow(FormatError);
    await expect(FileDataset.open(join(root, "file"), "val", { classes: 2 })).rejects.toThrow(
      /no such folder/,
    );
  });

  const good = { image: image(1), label: label([0, 1, 0, 0]) };
  const cases: readonly [string, Record<string, Tensor>, RegExp][] = [
    [
      "channels",
      { ...good, image: image(1, [2, 2, 2]) },
      /b\.npz: image: has 2 channel\(s\) and 2 spatial axes, but .*a\.npz has 1/,
    ],
    [
      "rank",
      { image: image(1, [1, 1, 2, 2]), label: label([0, 0, 0, 0], [1, 2, 2]) },
      /b\.npz: image: has 1 channel\(s\) and 3/,
    ],
    [
      "NaN",
      { ...good, image: image(Number.NaN) },
      /b\.npz: image: expected finite values, got NaN at offset 0/,
    ],
    ["infinity", { ...good, image: image(Number.POSITIVE_INFINITY) }, /got Infinity/],
    [
      "label too large",
      { ...good, label: label([0, 0, 0, 2]) },
      /b\.npz: label: expected classes 0 to 1, got 2 at pixel 3/,
    ],
    ["label negative", { ...good, label: label([0, -1, 0, 0]) }, /got -1 at pixel 1/],
    ["no label", { image: image(1) }, /b\.npz: label: no such array/],
    ["shapes", { ...good, label: label([0, 0, 0, 0], [4, 1]) }, /b\.npz: label: expected shape \[2,2\]/],
  ];
  test.each(cases)("%s", async (_, arrays, message) => {
    await write("a", good);
    await write("b", arrays);
    const opening = FileDataset.open(root, "train", { classes: 2 });
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toThrow(message);
    // Looked at only when read, if so asked.
    const lazy = await FileDataset.open(root, "train", { classes: 2, check: "first" });
    await expect(lazy.read(1)).rejects.toThrow(message);
  });

  test("a damaged file", async () => {
    await write("a", good);
    await writeFile(join(root, "train", "b.npz"), "PK no");
    await expect(FileDataset.open(root, "train", { classes: 2 })).rejects.toThrow(
      /b\.npz: damaged or not a ZIP/,
    );
  });

  test.each([
    [{ classes: 1 }, /classes: expected an integer of 2 or more, got 1/],
    [{ classes: 2.5 }, /classes/],
    [{ classes: 2, cacheBytes: -1 }, /cacheBytes: expected a number of 0 or more/],
  ])("%j", async (options, message) => {
    const opening = FileDataset.open(root, "train", options);
    await expect(opening).rejects.toThrow(InvalidArgumentError);
    await expect(opening).rejects.toThrow(message);
  });
});
