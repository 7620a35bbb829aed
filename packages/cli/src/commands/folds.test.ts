import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { listCases, readNpz } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
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
  }, 60_000);

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
