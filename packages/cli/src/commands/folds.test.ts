import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { listCases, readNpz, readVolume, type Volume } from "@pixelcal/io";
import { choosePostprocessing, postprocessingDice } from "@pixelcal/train";
import { beforeAll, describe, expect, test } from "vitest";
import { writeRawFolder } from "../raw-folder.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

const train = async (...more: string[]): Promise<Ran> =>
  pixelcal(["train", "--config", at("net.json"), "--out", at("runs"), ...more]);
const infer = (out: string, ...more: string[]): Promise<Ran> =>
  pixelcal(["infer", "--config", at("net.json"), "--runs", at("runs"), "--out", at(out), ...more]);
const probsOf = async (out: string): Promise<Float32Array> => {
  const [name] = await listCases(join(data, "test"));
  return (await readNpz(at(out, `${name}.npz`))).probs!.data as Float32Array;
};

describe("a cross-validation of volumes", () => {
  const foldsOf = (...folds: readonly (readonly string[])[]): Promise<void> => {
    const all = folds.flat();
    const lists = folds.map((val) => ({ train: all.filter((name) => !val.includes(name)), val }));
    return writeFile(at("raw/splits_final.json"), JSON.stringify(lists));
  };
  const determine = (...more: string[]): Promise<Ran> => {
    const args = ["--config", at("volumes.json"), "--runs", at("runs"), "--out", at("cv"), ...more];
    return pixelcal(["infer", ...args, "--split", "val", "--determine-postprocessing"]);
  };
  let names: string[];

  beforeAll(async () => {
    const all = await writeRawFolder({ labels: { background: 0, a: 1, b: 2, c: 3 } });
    names = all.filter((name) => !name.startsWith("test"));
    await foldsOf(names.slice(0, 4), names.slice(4));
    const dataset = { root: at("raw") };
    const path = await writeConfig("volumes.json", { run_name: "volumes", epochs: 1, dataset });
    for (const fold of ["0", "1"]) {
      const args = ["train", "--config", path, "--out", at("runs"), "--fold", fold];
      expect((await pixelcal(args)).code).toBe(0);
    }
  });

  test("determines the postprocessing by the cases of all folds, for the mean of their networks", async () => {
    const { code, messages } = await determine("--folds", "0,1");
    expect(code, messages).toBe(0);
    const parts = ["1", "2", "3"].map((name) => ({ name: `label ${name}`, labels: [Number(name)] }));
    const scores = [];
    for (const name of names) {
      const map = (await readVolume(at("cv", `${name}.nii.gz`))) as Volume & { data: Uint8Array };
      const truth = await readVolume(at("raw/labelsTr", `${name}.nii.gz`));
      const dims = map.shape.toReversed();
      const labels = tensor("uint8", truth.data as Uint8Array<ArrayBuffer>, dims);
      scores.push(await postprocessingDice({ type: "uint8", dims, data: map.data }, labels, parts));
    }
    const chosen = choosePostprocessing(scores, parts);
    const written = JSON.parse(await readFile(at("runs/volumes/postprocessing.json"), "utf8"));
    expect(written).toEqual({ split: "val", folds: [0, 1], cases: names.length, ...chosen });
    const ensemble = ["--folds", "0,1", "--split", "test", "--postprocessing", "--out", at("ensemble")];
    const applied = await pixelcal([
      ...["infer", "--config", at("volumes.json"), "--runs", at("runs"), ...ensemble],
    ]);
    expect(applied.code, applied.messages).toBe(0);
    expect(applied.messages).toContain("postprocessing: ");
  });

  test("of one fold is recorded in the folder of the fold", async () => {
    const { code, messages } = await determine("--config", at("runs/volumes/fold_1/config.json"));
    expect(code, messages).toBe(0);
    const written = JSON.parse(await readFile(at("runs/volumes/fold_1/postprocessing.json"), "utf8"));
    expect(written).toMatchObject({ split: "val", cases: names.length - 4 });
  });

  test("refuses a case that two folds validate", async () => {
    await foldsOf(names.slice(0, 4), names.slice(3));
    const { code, messages } = await determine("--folds", "0,1");
    expect(messages).toContain(
      `${names[3]}: a case of volumes fold 0 val and of volumes fold 1 val; predict them one by one`,
    );
    expect(code).toBe(1);
  });
});

describe("a cross-validation", () => {
  beforeAll(async () => {
    await writeConfig("net.json", { run_name: "net", epochs: 1 });
    for (const fold of ["0", "1"]) {
      const { code, messages } = await train("--fold", fold);
      expect(code, messages).toBe(0);
      expect(messages).toContain(
        fold === "0" ? "(every fifth case validates)" : "from number 1 on validates",
      );
    }
  });

  test("is what a run is asked to predict with that has nothing else", async () => {
    const { code, messages } = await infer("none");
    expect([code, messages]).toEqual([
      2,
      `error: ${at("runs/net")}: holds trained folds; --folds 0,1 predicts with their mean, --fold 0 with one\n`,
    ]);
  });

  test("has a folder for each fold, which an own split does not touch", async () => {
    expect((await readdir(at("runs", "net"))).sort()).toEqual(["fold_0", "fold_1"]);
    expect((await train()).code).toBe(0);
    expect(await readdir(at("runs", "net"))).toContain("best.safetensors");
  });

  test("predicts with the mean of the folds' probabilities", async () => {
    for (const [out, folds] of [
      ["a", "0"],
      ["b", "1"],
      ["both", "0,1"],
    ] as const)
      expect((await infer(out, "--folds", folds)).code).toBe(0);
    const [a, b, both] = await Promise.all(["a", "b", "both"].map(probsOf));
    expect(a).not.toEqual(b);
    for (const [i, value] of both!.entries()) expect(value).toBeCloseTo((a![i]! + b![i]!) / 2, 6);
  });

  test("predicts the validation cases of each fold by the network that did not train with them", async () => {
    const names = async (out: string): Promise<string[]> => listCases(at(out));
    for (const [out, folds] of [
      ["val0", "0"],
      ["val1", "1"],
      ["vals", "0,1"],
    ] as const)
      expect((await infer(out, "--split", "val", "--folds", folds)).code).toBe(0);
    const own = await Promise.all(["val0", "val1"].map(names));
    expect(own[0]!.some((name) => own[1]!.includes(name))).toBe(false);
    expect(await names("vals")).toEqual(own.flat().sort());
    for (const [fold, cases] of own.entries())
      for (const name of cases)
        expect(await readNpz(at("vals", `${name}.npz`))).toEqual(
          await readNpz(at(`val${fold}`, `${name}.npz`)),
        );
    // The configuration of a fold means its cases too, and so does a fold that is named.
    const [config, model] = ["config.json", "model.onnx"].map((file) => at("runs/net/fold_1", file));
    for (const source of [
      ["--config", config!],
      ["--config", at("net.json"), "--fold", "1"],
      ["--model", model!, "--data", data, "--fold", "1"],
    ]) {
      const args = ["infer", ...source, "--runs", at("runs"), "--split", "val", "--out", at("one")];
      expect((await pixelcal(args)).code).toBe(0);
      expect(await names("one")).toEqual(own[1]);
    }
    const args = ["calibrate", "--model", model!, "--data", data, "--method", "temperature"];
    const calibrated = await pixelcal([...args, "--fold", "1", "--out", at("calibrated.onnx")]);
    expect(calibrated.messages).toContain(
      `.npz data set, ${own[1]!.length} cases of val (every fifth case from number 1 on validates)`,
    );
    expect(calibrated.code).toBe(0);
  });

  test("names a fold that was not trained or does not exist", async () => {
    const missing = await infer("none", "--folds", "0,3");
    expect(missing.messages).toMatch(/fold_3.best\.safetensors/);
    expect(missing.code).toBe(1);
    expect((await train("--fold", "7")).messages).toContain(
      "fold: expected 0 to 4, as there is no list of folds, got 7",
    );
    expect((await train("--fold", "x")).messages).toContain("Expected the number of a fold, from 0, or all.");
  });
});
