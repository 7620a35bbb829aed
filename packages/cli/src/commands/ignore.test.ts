import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { readPrediction, writeNpz } from "@pixelcal/io";
import { describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";
import { labelsOf, putCase, twoClasses } from "./predictions.test.helper.js";

toyData();

const side = 16;

/** Writes a data set whose first rows have no truth, label 255. */
async function dataWithVoid(root: string): Promise<string> {
  for (const split of ["train", "val", "test"])
    for (const k of [1, 2]) {
      const pixels = Float32Array.from({ length: side * side }, (_, i) => Math.sin(i * k));
      const labels = Uint8Array.from(pixels, (value, i) => (i < 2 * side ? 255 : value > 0 ? 1 : 0));
      const image = tensor("float32", pixels, [1, side, side]);
      await writeNpz(join(root, split, `c${k}.npz`), { image, label: tensor("uint8", labels, [side, side]) });
    }
  return root;
}

describe("a label to ignore", () => {
  test.each([
    ["dataset", { dataset: { root: "", ignore: 255 }, loss: { name: "crossEntropy" } }],
    ["loss", { dataset: { root: "" }, loss: { name: "crossEntropy", ignore: 255 } }],
  ])("said by %s goes from the data set to the table", async (place, said) => {
    const data = await dataWithVoid(at(`void-${place}`));
    const path = await writeConfig(`${place}.yaml`, {
      ...said,
      method: undefined,
      dataset: { ...said.dataset, root: data },
      run_name: place,
      epochs: 1,
      model: { num_classes: 2, base: 2 },
    });
    const runs = at("void-runs");
    expect(await pixelcal(["train", "--config", path, "--out", runs])).toMatchObject({ code: 0 });
    const preds = at("void-preds", place);
    const infer = ["infer", "--config", path, "--runs", runs, "--out", preds];
    expect(await pixelcal(infer)).toMatchObject({ code: 0 });
    const { labels } = await readPrediction(join(preds, "c1.npz"), { ignore: 255 });
    expect(labels.data.filter((label) => Number(label) === 255)).toHaveLength(2 * side);
    const model = ["infer", "--model", join(runs, place, "model.onnx"), "--data", data];
    expect((await pixelcal([...model, "--out", at("none")])).messages).toContain("got 255");
    expect((await pixelcal([...model, "--ignore", "255", "--out", at("onnx", place)])).code).toBe(0);
    const scores = ["evaluate", "--predictions", preds, "--out", at(`${place}.csv`)];
    expect((await pixelcal(scores)).messages).toContain("got 255");
    expect((await pixelcal([...scores, "--ignore", "255"])).code).toBe(0);
    expect(JSON.parse(await readFile(at(`${place}.json`), "utf8")).settings.ignore).toBe(255);
  });

  test("a loss that counts every pixel is refused before training", async () => {
    const data = await dataWithVoid(at("void-reference"));
    const path = await writeConfig("counts.yaml", { dataset: { root: data, ignore: 255 } });
    const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("counts")]);
    expect(messages).toContain(
      "dataset.ignore: signedDistanceCalibration (preset reference) counts every pixel",
    );
    expect(code).toBe(2);
  });

  test("the demo takes one too", async () => {
    const data = await dataWithVoid(at("void-demo"));
    const args = ["demo", "--data", data, "--out", at("demo"), "--methods", "ce"];
    const small = ["--epochs", "1", "--base", "2", "--ignore", "255"];
    const { code, messages } = await pixelcal([...args, ...small]);
    expect(messages).toContain("2 cases to train, 2 to validate, 2 to test, 2 classes");
    expect(code).toBe(0);
    const counts = await pixelcal([
      "demo",
      "--data",
      data,
      "--out",
      at("refused"),
      "--methods",
      "ce,sdc-reference",
      ...small,
    ]);
    expect(counts.messages).toBe(
      "error: dataset.ignore: signedDistanceCalibration (preset reference) counts every pixel; " +
        "preset consistent or proper can leave some out\n",
    );
    expect(counts.code).toBe(2);
    await expect(readdir(at("refused"))).rejects.toThrow("ENOENT");
  });

  test.each(["255", "-1"])("pixels of label %s count in no score", async (ignore) => {
    // Whatever is predicted on the ignored pixel, the other three are right.
    const chances = [0.2, 0.9, 0.8, 0.3];
    const label = labelsOf([0, Number(ignore), 1, 0]);
    await putCase(at("one", ignore), "a", { probs: twoClasses(chances), label });
    for (const convention of ["reference", "consistent"]) {
      const out = at("one", `${ignore}.csv`);
      const args = ["evaluate", "--predictions", at("one", ignore), "--out", out, "--convention", convention];
      const { code } = await pixelcal([...args, "--ignore", ignore]);
      expect(code).toBe(0);
      const { runs } = JSON.parse(await readFile(at("one", `${ignore}.json`), "utf8"));
      const { DSC, HD, Brier } = runs[0].cases[0].scores;
      expect([DSC, HD]).toEqual([1, 0]);
      expect(Brier).toBeCloseTo((2 * (0.2 ** 2 + 0.2 ** 2 + 0.3 ** 2)) / 3, 6);
    }
  });
});
