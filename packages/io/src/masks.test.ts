import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DataType, Random, type Tensor, tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Grid,
  openImageCases,
  readCase,
  readPrediction,
  volumeOf,
  writeNpz,
  writePrediction,
  writeVolume,
} from "./index.js";
import { maskRegions, packMasks, storedMasks, unpackMasks } from "./masks.js";

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "masks-"));
});
afterAll(() => rm(folder, { recursive: true }));

const dims = [3, 4, 5];
const pixels = 60;

/** Random masks of `count` regions, of which pixel 7 is ignored in all. */
function randomMasks(count: number, ignore?: number): Int32Array {
  const random = Random.fromSeed(count);
  return Int32Array.from({ length: count * pixels }, (_, i) =>
    ignore !== undefined && i % pixels === 7 ? ignore : random.integer(2),
  );
}

const namesOf = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `r${i}`);

describe("masks of regions as a label map", () => {
  test.each<[count: number, ignore: number | undefined, type: DataType]>([
    [1, undefined, "uint8"],
    [3, undefined, "uint8"],
    [3, 255, "uint8"],
    [3, -1, "int32"],
    [8, undefined, "uint8"],
    [8, 256, "int32"],
    [9, undefined, "int32"],
    [15, -1, "int32"],
  ])("%i masks, %s ignored, are a label map of %s", async (count, ignore, type) => {
    const masks = randomMasks(count, ignore);
    const stored = storedMasks(maskRegions(namesOf(count)), ignore)!;
    const labels = await packMasks("a.npz", "label", tensor("int32", masks, [count, ...dims]), dims, stored);
    expect([labels.type, labels.dims]).toEqual([type, dims]);
    // The twin: a region holds the pixels of its mask, whatever the other masks are.
    for (const { mask, labels: members } of maskRegions(namesOf(count))) {
      const inside = new Set(members);
      for (let i = 0; i < pixels; i++) {
        const value = masks[mask! * pixels + i]!;
        const label = Number(labels.data[i]);
        expect(label === ignore ? ignore : Number(inside.has(label))).toBe(value);
      }
    }
    const back = await unpackMasks(labels, stored);
    expect(back.dims).toEqual([count, ...dims]);
    expect(Array.from(back.data, Number)).toEqual([...masks]);
  });

  test.each<Tensor>([
    tensor("bool", Uint8Array.of(1, 0, 1, 1), [2, 2]),
    tensor("int64", BigInt64Array.of(1n, 0n, 1n, 1n), [2, 2]),
    tensor("uint64", BigUint64Array.of(1n, 0n, 1n, 1n), [2, 2]),
    tensor("float32", Float32Array.of(1, 0, 1, 1), [2, 2]),
    tensor("float64", Float64Array.of(1, 0, 1, 1), [2, 2]),
  ])("are read of $type", async (masks) => {
    const { data } = await packMasks("a.npz", "label", masks, [2], { names: ["a", "b"] });
    expect(data).toEqual(Uint8Array.of(3, 2));
  });

  test.each<[number[], number[], number | undefined, string]>([
    [[0, 1, 2, 0], [2, 2], undefined, "expected 0 or 1, got 2 in mask 1 (b) at pixel 0"],
    [[0, -1, 0, 0], [2, 2], undefined, "expected 0 or 1, got -1 in mask 0 (a) at pixel 1"],
    [[0, 0.5, 0, 0], [2, 2], undefined, "expected 0 or 1, got 0.5 in mask 0 (a) at pixel 1"],
    [[0, Number.NaN, 0, 0], [2, 2], undefined, "expected 0 or 1, got NaN in mask 0 (a) at pixel 1"],
    [[0, 9, 0, 0], [2, 2], 255, "expected 0 or 1 or 255 to ignore, got 9 in mask 0 (a) at pixel 1"],
    [
      [0, 255, 0, 0],
      [2, 2],
      255,
      "expected 255 to ignore in all masks of a pixel or in none, got 0 in mask 1 (b) at pixel 1",
    ],
    [
      [0, 0, 255, 0],
      [2, 2],
      255,
      "expected 255 to ignore in all masks of a pixel or in none, got 255 in mask 1 (b) at pixel 0",
    ],
    [[0, 1, 0], [3, 1], undefined, "expected 2 masks [2,2] (a, b), got [3,1]"],
    [[0, 1], [2], undefined, "expected 2 masks [2,2] (a, b), got [2]"],
  ])("%j of shape %j with %s ignored are refused", async (values, shape, ignore, message) => {
    const masks = tensor("float64", Float64Array.from(values), shape);
    await expect(packMasks("x/a.npz", "label", masks, [2], { names: ["a", "b"], ignore })).rejects.toThrow(
      `x/a.npz: label: ${message}`,
    );
  });

  test("refuse a label to ignore that is an overlap, and more than 15", () => {
    const two = maskRegions(["a", "b"]);
    expect(() => storedMasks(two, 3)).toThrow(
      "ignore: expected a number below 0 or above 3, as 2 masks overlap in 4 ways, got 3",
    );
    expect(storedMasks([{ name: "a", labels: [1, 3] }], 3)).toBeUndefined();
    expect(() => maskRegions(namesOf(16))).toThrow("at most 15 with masks of their own");
  });
});

const stored = storedMasks(maskRegions(["whole", "core"]))!;
const image = tensor("float32", new Float32Array(6), [1, 2, 3]);
const masks = tensor("uint8", Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0), [2, 2, 3]);
const sums = tensor("uint8", Uint8Array.of(1, 3, 1, 0, 2, 0), [2, 3]);

describe("cases with masks", () => {
  test("in .npz files", async () => {
    await writeNpz(at("a.npz"), { image, label: masks });
    expect((await readCase(at("a.npz"), { masks: stored })).labels).toEqual(sums);
    await expect(readCase(at("a.npz"))).rejects.toThrow(
      "label: expected shape [2,3] to match image [1,2,3], got [2,2,3]; masks need dataset.regions without labels",
    );
    const probs = tensor("float32", new Float32Array(12).fill(0.5), [2, 2, 3]);
    await writeNpz(at("p.npz"), { probs, label: masks });
    await expect(readPrediction(at("p.npz"))).rejects.toThrow(
      "label: expected shape [2,3] to match probs [2,2,3], got [2,2,3]; masks need --regions NAME=mask,...",
    );
    await writeNpz(at("map.npz"), { image, label: sums });
    await expect(readCase(at("map.npz"), { masks: stored })).rejects.toThrow(
      "map.npz: label: expected 2 masks [2,2,3] (whole, core), got [2,3]",
    );
    await writeNpz(at("other.npz"), { image, label: { ...masks, dims: [2, 3, 2] } });
    await expect(readCase(at("other.npz"), { masks: stored })).rejects.toThrow(
      "other.npz: label: expected 2 masks [2,2,3] (whole, core), got [2,3,2]",
    );
  });

  test("in predictions, which are written as they are read", async () => {
    const probs = tensor("float32", Float32Array.from(masks.data), masks.dims);
    await writePrediction(at("p.npz"), { probs, labels: sums, masks: stored });
    expect((await readCase(at("p.npz"), { masks: stored }).catch(String)).toString()).toContain("image");
    expect((await readPrediction(at("p.npz"), { masks: stored })).labels).toEqual(sums);
  });
});

describe("masks of volumes", () => {
  const grid: Grid = {
    shape: [3, 2, 1],
    spacing: [0.5, 0.75, 2],
    origin: [-3, 4, 5],
    direction: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  };
  const split = [0, 1].map((mask) =>
    tensor("uint8", masks.data.slice(6 * mask, 6 * mask + 6), [1, 2, 3]),
  ) as readonly Tensor<"uint8">[];

  async function listed(label: unknown): Promise<ReturnType<typeof openImageCases>> {
    await mkdir(at("list"), { recursive: true });
    await writeVolume(at("list/image.nii.gz"), volumeOf(image, grid));
    await writeVolume(at("list/all.nii.gz"), volumeOf({ ...masks, dims: [2, 1, 2, 3] }, grid));
    for (const [i, one] of split.entries()) await writeVolume(at(`list/m${i}.nii.gz`), volumeOf(one, grid));
    const turned = volumeOf(split[0]!, { ...grid, origin: [9, 9, 9] });
    await writeVolume(at("list/elsewhere.nii.gz"), turned);
    await writeVolume(at("list/two.nii.gz"), volumeOf({ ...sums, dims: [1, 2, 3] }, grid));
    const json = { training: [], validation: [], test: [{ image: "image.nii.gz", label }] };
    await writeFile(at("list/datalist.json"), JSON.stringify(json));
    return openImageCases(at("list"), "test");
  }

  test.each<[string, unknown]>([
    ["one file of all", "all.nii.gz"],
    ["a file for each", ["m0.nii.gz", "m1.nii.gz"]],
  ])("as %s", async (_, label) => {
    const cases = await listed(label);
    const read = await cases.read("image", { masks: stored });
    expect(read.labels).toEqual({ ...sums, dims: [1, 2, 3] });
    expect(await cases.maskCount("image")).toBe(2);
    expect(cases.files("image")).toHaveLength(1 + [label].flat().length);
    await expect(cases.read("image")).rejects.toThrow("masks need dataset.regions without labels");
  });

  test.each<[unknown, string]>([
    ["two.nii.gz", "two.nii.gz: labels: expected 2 masks"],
    [["two.nii.gz", "m1.nii.gz"], "two.nii.gz: labels: expected 0 or 1, got 3 in mask 0 (whole) at pixel 1"],
    [["m0.nii.gz", "elsewhere.nii.gz"], "elsewhere.nii.gz"],
    [["m0.nii.gz", "all.nii.gz"], "all.nii.gz: labels: expected one value per voxel, got 2 channels"],
    [["m0.nii.gz", "m1.nii.gz", "m0.nii.gz"], "expected 2 files (whole, core), or one of all masks, got 3"],
  ])("%j is refused", async (label, message) => {
    const cases = await listed(label);
    await expect(cases.read("image", { masks: stored })).rejects.toThrow(message);
  });
});
