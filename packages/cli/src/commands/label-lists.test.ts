import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { Random, tensor } from "@pixelcal/core";
import { volumeOf, writeNnunetDataset, writeNnunetPrediction, writeVolume } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { straightGrid } from "../grid.test.helper.js";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData } from "../toy.test.helper.js";

toyData();

const size = [5, 9, 8];
const pixels = 360;
const grid = straightGrid([8, 9, 5], [1.25, 0.5, 2], [1, 2, 3]);
const subjects = ["sub-1", "sub-2", "sub-3", "sub-4"];
const nameOf = (subject: string): string => `${subject}_ct`;

async function run(args: readonly string[], code = 0): Promise<string> {
  const ran = await pixelcal(args);
  expect(ran.code, ran.messages).toBe(code);
  return ran.messages;
}

/** Returns the scores of each case that `evaluate` wrote. */
async function scoresOf(predictions: string, labels: string): Promise<unknown> {
  const args = ["evaluate", "--predictions", at(predictions), "--labels", at(labels)];
  await run([...args, "--out", at("scores.csv")]);
  return JSON.parse(await readFile(at("scores.json"), "utf8")).runs[0].cases;
}

/** Writes labels of each subject as NIfTI and as DICOM, and a prediction of each. */
beforeAll(async () => {
  const random = Random.fromSeed(1);
  for (const folder of ["flat", "dicom"]) await mkdir(at(folder));
  for (const subject of subjects) {
    await mkdir(at("list", subject), { recursive: true });
    const p = Float32Array.from({ length: pixels }, () => 0.05 + 0.9 * random.uniform());
    const probs = tensor("float32", Float32Array.from([...p.map((one) => 1 - one), ...p]), [2, ...size]);
    // Slices without an object, which a DICOM segmentation leaves out.
    const inside = (i: number): number => Number(i >= 72 && i < 288 && random.uniform() < p[i]!);
    const labels = volumeOf(
      tensor(
        "uint8",
        Uint8Array.from(p, (_, i) => inside(i)),
        size,
      ),
      grid,
    );
    await writeVolume(at("list", subject, "seg.nii.gz"), labels);
    await writeVolume(at("list", subject, "seg.dcm"), { ...labels, names: new Map([[1, "organ"]]) });
    await cp(at("list", subject, "seg.nii.gz"), at("flat", `${nameOf(subject)}.nii.gz`));
    await cp(at("list", subject, "seg.dcm"), at("dicom", `${nameOf(subject)}.dcm`));
    const hard = tensor(
      "uint8",
      Uint8Array.from(p, (one) => Number(one > 0.5)),
      size,
    );
    const prediction = { probabilities: probs, labels: hard, grid };
    await writeNnunetPrediction(at("preds"), nameOf(subject), ".nii.gz", prediction);
  }
  await writeNnunetDataset(at("preds"), { classes: 2, ending: ".nii.gz" });
});

const listed = (subject: string, ending: string, fold?: number): object => ({
  image: `${subject}/ct.nii.gz`,
  label: `${subject}/seg${ending}`,
  ...(fold !== undefined && { fold }),
});
const writeList = (lists: object): Promise<void> => writeFile(at("list/list.json"), JSON.stringify(lists));

describe("labels of predictions", () => {
  test.each([".nii.gz", ".dcm"])("may be those of a data list, or files %s", async (ending) => {
    const expected = await scoresOf("preds", "flat");
    expect(expected).toHaveLength(4);
    if (ending === ".dcm") expect(await scoresOf("preds", "dicom")).toEqual(expected);
    await writeList({ training: [], test: subjects.map((subject) => listed(subject, ending)) });
    expect(await scoresOf("preds", "list/list.json")).toEqual(expected);
  });

  test("of a list to train with are those of the folds that are predicted", async () => {
    const all = (await scoresOf("preds", "flat")) as { readonly name: string }[];
    await cp(at("preds"), at("some"), { recursive: true });
    const forget = (subject: string): Promise<unknown> =>
      Promise.all([".npz", ".nii.gz", ".json"].map((end) => rm(at("some", `${nameOf(subject)}${end}`))));
    await forget("sub-3");
    await forget("sub-4");
    const training = subjects.map((subject, i) => listed(subject, ".nii.gz", i >> 1));
    await writeList({ training });
    expect(await scoresOf("some", "list/list.json")).toEqual(all.slice(0, 2));
    // A fold of which one case lacks its prediction.
    await forget("sub-2");
    const args = ["evaluate", "--predictions", at("some"), "--labels", at("list/list.json")];
    const lacking = await run([...args, "--out", at("x.csv")], 1);
    expect(lacking).toContain("sub-2_ct");
    // Without folds only the predictions say which cases were held out.
    await writeList({ training: subjects.map((subject) => listed(subject, ".nii.gz")) });
    expect(await scoresOf("some", "list/list.json")).toEqual(all.slice(0, 1));
  });

  test("are asked for", async () => {
    const message = /sub-1_ct\.npz: holds probabilities without labels; --labels names the folder/;
    expect(await run(["evaluate", "--predictions", at("preds")], 2)).toMatch(message);
    const calibrate = ["calibrate", "--from-probabilities", at("preds"), "--out", at("none")];
    expect(await run(calibrate, 2)).toMatch(message);
  });

  test("are refused where the list has none, or several files for a label map", async () => {
    const args = ["evaluate", "--predictions", at("preds"), "--labels", at("list/list.json")];
    await writeList({ training: [], test: [{ image: "other/mr.nii.gz", label: "other/seg.nii.gz" }] });
    expect(await run(args, 1)).toMatch(/list\.json: lists no labels of a case that .*preds has/);
    const two = { image: "sub-1/ct.nii.gz", label: ["sub-1/seg.nii.gz", "sub-1/seg.dcm"] };
    await writeList({ training: [], test: [two, listed("sub-2", ".nii.gz")] });
    expect(await run(args, 1)).toMatch(/seg\.nii\.gz: labels: is one of 2 files; masks need --regions/);
  });
});
