import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readNnunetDataset } from "./nnunet-dataset.js";

const read = (json: unknown) => readNnunetDataset(Buffer.from(JSON.stringify(json)));
const plain = { labels: { background: 0, tumour: 2, liver: 1 }, file_ending: ".nii.gz", numTraining: 3 };
const regions = {
  labels: { background: 0, "whole tumor": [1, 2, 3], "tumor core": [2, 3], "enhancing tumor": 3, ignore: 4 },
  regions_class_order: [1, 2, 3],
  file_ending: ".nii.gz",
};

test("labels, sorted, background left out", async () => {
  expect(await read(plain)).toEqual({
    regions: [
      { name: "liver", labels: [1], list: false },
      { name: "tumour", labels: [2], list: false },
    ],
    hasRegions: false,
    classes: 3,
    fileEnding: ".nii.gz",
  });
});

test("regions, in the order of the file, with the label to ignore", async () => {
  expect(await read(regions)).toEqual({
    regions: [
      { name: "whole tumor", labels: [1, 2, 3], list: true },
      { name: "tumor core", labels: [2, 3], list: true },
      { name: "enhancing tumor", labels: [3], list: false },
    ],
    hasRegions: true,
    classes: 4,
    ignore: 4,
    regionsClassOrder: [1, 2, 3],
    fileEnding: ".nii.gz",
  });
});

test("lists of one label are no regions", async () => {
  const { hasRegions } = await read({ ...plain, labels: { background: 0, liver: [1] } });
  expect(hasRegions).toBe(false);
});

const wrong: readonly [string, unknown, RegExp][] = [
  ["a list", [], /labels: expected a JSON object with labels/],
  ["no labels", { file_ending: ".nii.gz" }, /labels: expected an object of names and labels/],
  [
    "no ending",
    { labels: plain.labels },
    /file_ending: expected an ending such as "\.nii\.gz", got undefined/,
  ],
  ["an ending with a folder", { ...plain, file_ending: "./../x" }, /file_ending/],
  ["no background", { ...plain, labels: { liver: 1 } }, /labels\.background: expected 0, got undefined/],
  ["only a background", { ...plain, labels: { background: 0 } }, /at least one label/],
  [
    "a negative label",
    { ...plain, labels: { background: 0, a: -1 } },
    /labels\.a: expected a label or a list/,
  ],
  ["text", { ...plain, labels: { background: 0, a: "1" } }, /labels\.a: expected a label.*got "1"/],
  ["an empty region", { ...plain, labels: { background: 0, a: [] } }, /labels\.a/],
  [
    "gaps",
    { ...plain, labels: { background: 0, a: 1, b: 3 } },
    /the labels 0 to 3 without gaps, got 0, 1, 3/,
  ],
  [
    "a low ignore",
    { ...plain, labels: { background: 0, a: 1, ignore: 1 } },
    /labels\.ignore: expected 2.*got 1/,
  ],
  [
    "no class order",
    { ...regions, regions_class_order: undefined },
    /regions_class_order: expected 3 labels/,
  ],
  [
    "a short class order",
    { ...regions, regions_class_order: [1, 2] },
    /one per region \(whole tumor, tumor core/,
  ],
];

describe("refused", () => {
  test.each(wrong)("%s", async (_, json, message) => {
    const error = await read(json).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message).toMatch(message);
  });

  test("text that is not JSON", async () => {
    await expect(readNnunetDataset(Buffer.from('{"labels": NaN}'))).rejects.toThrow(
      /dataset\.json: not JSON/,
    );
  });
});
