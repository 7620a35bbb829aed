import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpz } from "../npz.js";
import { groupsOf } from "./case-groups.js";
import { openImageCases } from "./image-cases.js";
import { everyFifth, type Fold } from "./split.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "split-"));
  const names = Array.from({ length: 12 }, (_, i) => `c${String(i).padStart(2, "0")}`);
  const image = tensor("float32", new Float32Array(4), [1, 2, 2]);
  const label = tensor("uint8", new Uint8Array(4), [2, 2]);
  for (const folder of ["npz", "listed", "twice"])
    for (const [i, name] of names.entries()) {
      const part = i < 9 ? "train" : "val";
      await mkdir(join(root, folder, part), { recursive: true });
      await writeNpz(join(root, folder, part, `${name}.npz`), { image, label });
    }
  await writeNpz(join(root, "twice", "val", "c00.npz"), { image, label });
  const folds = [0, 1].map((k) => ({
    train: names.filter((_, i) => i % 2 !== k),
    val: names.filter((_, i) => i % 2 === k),
  }));
  await writeFile(join(root, "listed", "splits_final.json"), JSON.stringify(folds));
  const training = names.map((name, i) => ({ image: `${name}.nii.gz`, fold: i % 3 }));
  await writeFile(join(root, "folds.json"), JSON.stringify({ training }));
  const plain = training.map(({ image: file }) => ({ image: file }));
  await writeFile(join(root, "plain.json"), JSON.stringify({ training: plain }));
  await writeFile(
    join(root, "separate.json"),
    JSON.stringify({ training: plain.slice(2), validation: plain.slice(0, 2) }),
  );
});
afterAll(() => rm(root, { recursive: true }));

const casesOf = async (place: string, split: string, fold?: Fold): Promise<string> =>
  (await openImageCases(join(root, place), split, fold)).names.map((name) => Number(name.slice(1))).join(" ");

describe("folds", () => {
  test.each([
    ["npz", undefined, "0 1 2 3 4 5 6 7 8", "9 10 11"],
    ["npz", 0, "1 2 3 4 6 7 8 9 11", "0 5 10"],
    ["npz", 4, "0 1 2 3 5 6 7 8 10 11", "4 9"],
    ["npz", "all", "0 1 2 3 4 5 6 7 8 9 10 11", "0 1 2 3 4 5 6 7 8 9 10 11"],
    ["listed", 1, "0 2 4 6 8 10", "1 3 5 7 9 11"],
    ["folds.json", undefined, "1 2 4 5 7 8 10 11", "0 3 6 9"],
    ["folds.json", 2, "0 1 3 4 6 7 9 10", "2 5 8 11"],
    ["plain.json", 1, "0 2 3 4 5 7 8 9 10", "1 6 11"],
    ["separate.json", undefined, "2 3 4 5 6 7 8 9 10 11", "0 1"],
  ] as const)("of %s: fold %s", async (place, fold, train, val) => {
    expect([await casesOf(place, "train", fold), await casesOf(place, "val", fold)]).toEqual([train, val]);
  });

  test("of cases of one name in train/ and val/ tell them apart", async () => {
    const { names, source } = await openImageCases(join(root, "twice"), "val", 4);
    expect(names).toEqual(["train_c04", "val_c00"]);
    expect(source("val_c00")).toBe(join(root, "twice", "val", "c00.npz"));
  });

  test("of a data list name cases alike, and those to test", async () => {
    const listed = ["sub-01", "sub-02"].map((folder, fold) => ({ image: `${folder}/ct.nii.gz`, fold }));
    const lists = { training: listed, test: ["sub-03/ct.nii.gz"] };
    await writeFile(join(root, "subjects.json"), JSON.stringify(lists));
    const names = async (split: string, fold: number) =>
      (await openImageCases(join(root, "subjects.json"), split, fold)).names;
    const found = [await names("val", 0), await names("val", 1), await names("test", 0)];
    expect(found).toEqual([["sub-01_ct"], ["sub-02_ct"], ["sub-03_ct"]]);
  });

  test("validate every case once, and never train with what they validate", () => {
    const all = Array.from({ length: 23 }, (_, i) => i);
    const held = [0, 1, 2, 3, 4].map((fold) => everyFifth("x", all, "val", fold).cases);
    expect(held.flat().sort((a, b) => a - b)).toEqual(all);
    for (const [fold, cases] of held.entries())
      expect(everyFifth("x", all, "train", fold).cases.filter((one) => cases.includes(one))).toEqual([]);
  });

  test.each([
    ["listed", 2, /splits_final\.json: fold: expected 0 to 1, the folds of the file, got 2/],
    ["npz", 5, /fold: expected 0 to 4, as there is no list of folds, got 5/],
    ["separate.json", 0, /validation: the list has a validation of its own; leave the fold out/],
  ] as const)("of %s: fold %s is refused", async (place, fold, message) => {
    await expect(openImageCases(join(root, place), "train", fold)).rejects.toThrow(message);
  });
});

test("a patient's cases are on one side of every fold", async () => {
  const all = Array.from({ length: 20 }, (_, i) => `sub-${String(i >> 1).padStart(2, "0")}_ses-${i % 2}`);
  const patientOf = (name: string): string => name.slice(0, 6);
  const held = [0, 1, 2, 3, 4].map((fold) => everyFifth("x", all, "val", fold, patientOf));
  expect(held.flatMap(({ cases }) => cases).sort()).toEqual(all);
  for (const [fold, { cases, how }] of held.entries()) {
    expect(how).toContain("every fifth patient");
    const patients = new Set(cases.map(patientOf));
    expect(cases).toEqual(all.filter((name) => patients.has(patientOf(name))));
    const others = everyFifth("x", all, "train", fold, patientOf).cases;
    expect(others.filter((name) => patients.has(patientOf(name)))).toEqual([]);
  }
  expect(() => everyFifth("x", ["a", "b"], "train", 0, () => "one")).toThrow(
    "x: fold: 1 patient(s) leave none for train of fold 0",
  );
});

test.each([
  ["sub-01_ses-2", "sub-01"],
  ["patient001_frame12", "patient001"],
  ["Subject_7-b", "Subject_7"],
  ["patient_a", undefined],
  ["case_001", undefined],
  ["impatient1", undefined],
])("without manifest.csv the patient of %s is %s", async (name, patient) => {
  expect((await groupsOf(root, [name]))(name)).toBe(patient);
});

test("patients of .npz cases come from manifest.csv", async () => {
  const names = [..."abcdef"];
  const arrays = {
    image: tensor("float32", new Float32Array(4), [1, 2, 2]),
    label: tensor("uint8", new Uint8Array(4), [2, 2]),
  };
  await mkdir(join(root, "patients", "train"), { recursive: true });
  for (const name of names) await writeNpz(join(root, "patients", "train", `${name}.npz`), arrays);
  const rows = names.map((name, i) => `train,${name},${i >> 1}`);
  await writeFile(join(root, "patients", "manifest.csv"), ["split,name,patient", ...rows].join("\n"));
  const of = async (split: string): Promise<readonly string[]> =>
    (await openImageCases(join(root, "patients"), split, 0)).names;
  expect(await of("val")).toEqual(["a", "b"]);
  expect(await of("train")).toEqual(["c", "d", "e", "f"]);
});
