import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { readNpz, readPrediction, readVolume, volumeOf, writeVolume } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { gridOf, writeRawFolder } from "../raw-folder.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

const names: string[] = [];
const calibrate = (...args: string[]): Promise<Ran> =>
  pixelcal(["calibrate", "--method", "temperature", "--json", ...args]);
const scaleOf = ({ output, messages }: Ran): number => {
  if (output === "") throw new Error(messages);
  return JSON.parse(output).fits[0].calibrator.parameters.scale;
};

/** Writes the cases as nnU-Net's raw folder, and predictions of them as .npz files and volumes. */
beforeAll(async () => {
  const config = await writeConfig("run.json", { run_name: "run", epochs: 1 });
  expect((await pixelcal(["train", "--config", config, "--out", at("runs")])).code).toBe(0);
  const model = at("runs/run/model.onnx");
  const infer = ["infer", "--model", model, "--data", data, "--split", "train", "--out", at("own")];
  expect((await pixelcal(infer)).code).toBe(0);
  const json = { labels: { background: 0, a: 1, b: 2, c: 3, ignore: 4 } };
  names.push(...(await writeRawFolder(json, { splits: ["train"], nameOf: (_, name) => name })));
  await writeFile(at("raw/splits_final.json"), JSON.stringify([{ train: names, val: names }]));
  await mkdir(at("labels"));
  for (const name of names) {
    await mkdir(at("monai", name), { recursive: true });
    const { probs } = await readPrediction(at("own", `${name}.npz`));
    const place = gridOf([...probs.dims.slice(1)].reverse());
    await writeVolume(at("monai", name, `${name}_trans.nii.gz`), volumeOf(probs, place));
    await copyFile(at("raw/labelsTr", `${name}.nii.gz`), at("labels", `${name}.nii.gz`));
  }
});

test("a model is calibrated on nnU-Net's raw folder as on the same cases in .npz files", async () => {
  const model = ["--model", at("runs/run/model.onnx")];
  const raw = await calibrate(...model, "--data", at("raw"), "--out", at("raw.onnx"));
  expect(raw.messages).toContain(`recognised nnU-Net v2 raw data, ${names.length} cases of val`);
  const own = await calibrate(...model, "--data", data, "--split", "train", "--out", at("own.onnx"));
  expect(own.messages).toContain(`recognised .npz data set, ${names.length} cases of train\n`);
  expect(scaleOf(raw)).toBe(scaleOf(own));
  // The label that dataset.json ignores counts in nothing.
  const path = at("raw/labelsTr", `${names[0]}.nii.gz`);
  const kept = await readFile(path);
  const map = await readVolume(path);
  await writeVolume(path, {
    ...map,
    data: (map.data as Uint8Array).map((label, i) => (i < 100 ? 4 : label)),
  });
  const some = await calibrate(...model, "--data", at("raw"), "--out", at("some.onnx"));
  expect(scaleOf(some)).not.toBe(scaleOf(own));
  await writeFile(path, kept);
});

describe("predicted volumes", () => {
  const from = (...more: string[]): Promise<Ran> =>
    calibrate("--from-probabilities", at("monai"), "--labels", at("labels"), ...more);

  test("are calibrated as the same .npz files, and keep their names and their grid", async () => {
    const ran = await from("--out", at("calibrated"));
    expect(ran.messages).toContain(
      `MONAI bundle outputs with probabilities, ${names.length} cases, 4 classes\n`,
    );
    const own = await calibrate("--from-probabilities", at("own"), "--out", at("own-calibrated"));
    expect(own.messages).toContain(`.npz predictions with probabilities and labels, ${names.length} cases\n`);
    expect(scaleOf(ran)).toBe(scaleOf(own));
    for (const name of names) {
      const path = at("calibrated", name, `${name}_trans.nii.gz`);
      const [volume, before] = [
        await readVolume(path),
        await readVolume(path.replace("calibrated", "monai")),
      ];
      const { probs } = await readPrediction(at("own-calibrated", `${name}.npz`));
      expect(volume.data).toEqual(probs.data);
      expect([volume.spacing, volume.origin]).toEqual([before.spacing, before.origin]);
    }
    const scored = [
      "evaluate",
      "--labels",
      at("labels"),
      "--predictions",
      at("calibrated"),
      "--out",
      at("c.csv"),
    ];
    expect((await pixelcal(scored)).code).toBe(0);
  });

  test("without labels take the calibrator of others; volumes are not replaced", async () => {
    await mkdir(at("new"));
    await copyFile(at("monai", names[0]!, `${names[0]}_trans.nii.gz`), at("new", "other.nii.gz"));
    expect((await from("--apply-to", at("new"), "--out", at("new-calibrated"))).code).toBe(0);
    expect(await readdir(at("new-calibrated"))).toEqual(["other.nii.gz"]);
    const again = await from("--out", at("calibrated"));
    expect(again.messages).toContain("is not empty and holds no predictions");
  });

  test("a case without a prediction is an error, or is skipped; label maps alone have no calibration", async () => {
    await rm(at("monai", names[0]!), { recursive: true });
    const lacking = await from("--out", at("lacking"));
    expect(lacking.messages).toContain(`no predictions of 1 cases with labels: ${names[0]}; --missing skip`);
    expect(lacking.code).toBe(1);
    expect((await from("--out", at("skipped"), "--missing", "skip")).code).toBe(0);
    const hard = ["--from-probabilities", at("raw/labelsTr"), "--labels", at("labels")];
    const refused = await calibrate(...hard, "--dataset", at("raw/dataset.json"), "--out", at("hard"));
    expect(refused.messages).toContain("holds label maps without probabilities");
    const needs = await calibrate("--from-probabilities", at("own"), "--reorient", "--out", at("hard"));
    expect(needs.messages).toContain("--reorient: needs --labels");
    expect(needs.code).toBe(2);
  });
});

test("nnU-Net's predictions keep what says where they lie", async () => {
  const infer = ["infer", "--model", at("runs/run/model.onnx"), "--data", at("raw"), "--split", "val"];
  expect((await pixelcal([...infer, "--out", at("nnunet")])).code).toBe(0);
  const args = ["--from-probabilities", at("nnunet"), "--labels", at("labels")];
  const ran = await calibrate(...args, "--out", at("nnunet-calibrated"));
  expect(ran.messages).toContain("nnU-Net v2 predictions with probabilities, ");
  const files = [...names.flatMap((name) => [`${name}.json`, `${name}.npz`]), "dataset.json"].sort();
  expect((await readdir(at("nnunet-calibrated"))).sort()).toEqual(files);
  const { probabilities } = await readNpz(at("nnunet-calibrated", `${names[0]}.npz`));
  expect(probabilities!.dims).toEqual([4, 1, 24, 24]);
  const { probs } = await readPrediction(at("own-calibrated", `${names[0]}.npz`));
  expect(probabilities!.data).toEqual(probs.data);
  // Predictions may be replaced by new ones.
  expect((await calibrate(...args, "--out", at("nnunet-calibrated"))).code).toBe(0);
});
