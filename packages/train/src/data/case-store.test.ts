import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random, type Tensor, tensor } from "@pixelcal/core";
import { FormatError, writeNpz } from "@pixelcal/io";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Batch } from "./batch.js";
import { CaseStore } from "./case-store.js";
import { FileDataset, type FileDatasetOptions } from "./dataset.js";
import { Loader, type LoaderOptions } from "./loader.js";

const folders: string[] = [];
let root: string;
let store: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "case-store-"));
  folders.push(root);
  store = join(root, "prepared");
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const sizes = [
  [9, 14, 11],
  [12, 8, 16],
  [7, 20, 10],
] as const;

/** Writes cases of different sizes with 2 channels, spacing and three labels, one of them ignored. */
async function writeCases(seed = 1, ignored = 0.2): Promise<void> {
  const random = Random.fromSeed(seed);
  for (const [index, size] of sizes.entries()) {
    const pixels = size[0] * size[1] * size[2];
    const image = Float32Array.from({ length: 2 * pixels }, () => random.normal());
    const labels = BigInt64Array.from({ length: pixels }, () =>
      random.uniform() < ignored ? 255n : BigInt(random.integer(3)),
    );
    await writeNpz(join(root, "train", `c${index}.npz`), {
      image: tensor("float32", image, [2, ...size]),
      label: tensor("int64", labels, size) as Tensor,
      spacing: tensor("float64", Float64Array.of(2, 1, 1 + index / 4), [3]),
    });
  }
}

const usual = {
  classes: 3,
  ignore: 255,
  preparation: { normalization: [{ scheme: "z-score" }, { scheme: "none" }] },
} as const;
const open = (options: Partial<FileDatasetOptions> = {}): Promise<FileDataset> =>
  FileDataset.open(root, "train", { ...usual, ...options });

async function collect(dataset: FileDataset, options: LoaderOptions): Promise<Batch[]> {
  const batches: Batch[] = [];
  const loader = new Loader(dataset, options);
  for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) batches.push(batch);
  return batches;
}

describe("cases that memory does not hold give the batches of those in memory, bit for bit", () => {
  const size = [8, 10, 12];
  const warped = {
    flips: [0, 2],
    rotation: { probability: 0.7, degrees: [30, 30, 30] },
    scaling: { probability: 0.5, range: [0.7, 1.4] as const },
    elastic: { probability: 0.5, spacing: 4, deviation: 1.5 },
    gamma: { probability: 0.3, range: [0.7, 1.5] as const },
  };
  const targets: LoaderOptions["targets"] = async ({ labels }) => ({
    t: tensor("float32", Float32Array.from(labels.data), labels.dims),
  });
  const loaders: readonly [string, LoaderOptions][] = [
    ["patches", { batchSize: 2, shuffle: true, patches: { size, perEpoch: 9, foreground: 0.5 } }],
    ["warped patches", { batchSize: 2, patches: { size, perEpoch: 12 }, augment: warped, seed: 4 }],
    ["patches with targets", { batchSize: 1, patches: { size }, augment: warped, targets }],
    ["whole cases", { batchSize: 1, augment: warped }],
    ["covering windows", { batchSize: 1, cover: [8, 8, 8] }],
  ];
  // The first case fits into 20,000 bytes, the others do not.
  test.each(loaders)("%s", async (_, options) => {
    await writeCases();
    const expected = await collect(await open(), options);
    for (const cacheBytes of [0, 20_000]) {
      const dataset = await open({ cacheBytes, store });
      expect(await collect(dataset, options)).toEqual(expected);
    }
  });
});

test("a stored case is found by its content, with the facts of its file", async () => {
  await writeCases();
  const first = await open({ cacheBytes: 0, store });
  const names = await readdir(store);
  expect(names).toHaveLength(3);
  const again = await open({ cacheBytes: 0, store });
  expect(await readdir(store)).toEqual(names);
  expect([again.shapes, again.values, again.least]).toEqual([first.shapes, first.values, first.least]);
  expect(await again.read(1)).toEqual(await (await open()).read(1));
  // Cases that are not in the data set any more, and numbers that changed, have other names.
  await writeCases(2);
  await open({ cacheBytes: 0, store });
  expect(await readdir(store)).toHaveLength(6);
  const others = { normalization: [{ scheme: "none" }, { scheme: "z-score" }] } as const;
  await open({ cacheBytes: 0, store, preparation: others });
  await open({ cacheBytes: 0, store, classes: 4 });
  expect(await readdir(store)).toHaveLength(12);
});

test("what memory holds is not stored", async () => {
  await writeCases();
  await open({ store });
  expect(existsSync(store)).toBe(false);
});

test("a damaged stored case is named, and so is a file that is none", async () => {
  await writeCases();
  await open({ cacheBytes: 0, store });
  const [name] = await readdir(store);
  const path = join(store, name!);
  await truncate(path, 5000);
  await expect(open({ cacheBytes: 0, store })).rejects.toThrow(FormatError);
  await expect(open({ cacheBytes: 0, store })).rejects.toThrow(path);
  await writeFile(path, new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]));
  await expect(open({ cacheBytes: 0, store })).rejects.toThrow(`${path}: is no prepared case`);
});

test("the name of a case tells its files apart", async () => {
  const files = ["ab", "c", "a", "bc"].map((text) => [join(root, text), text] as const);
  for (const [path, text] of files) await writeFile(path, text);
  const [ab, c, a, bc] = files.map(([path]) => path) as [string, string, string, string];
  const cases = await CaseStore.open(store);
  const paths = await Promise.all([
    cases.pathOf([ab, c], 1),
    cases.pathOf([a, bc], 1),
    cases.pathOf([ab, c], 2),
    cases.pathOf([ab, c], 1),
  ]);
  expect(new Set(paths).size).toBe(3);
  expect(paths[3]).toBe(paths[0]);
});
