import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { listCases, readNpz, readPrediction, readVolume } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { writeRawFolder } from "../raw-folder.test.helper.js";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

const regions = [
  { name: "whole heart", labels: [1, 2, 3] },
  { name: "left", labels: [2, 3] },
  { name: "cavity", labels: [3] },
];

/** Writes the phantoms as nnU-Net's raw folder that asks for regions; the first rows are void. */
beforeAll(async () => {
  const labels = Object.fromEntries(regions.map(({ name, labels: members }) => [name, members]));
  const json = { labels: { background: 0, ...labels, ignore: 4 }, regions_class_order: [1, 2, 3] };
  await writeRawFolder(json, { change: (map) => map.fill(4, 0, 48) });
});

const writeRegions = (
  run: string,
  more: Record<string, unknown> = {},
  dataset: object = {},
): Promise<string> =>
  writeConfig(`${run}.json`, {
    run_name: run,
    method: undefined,
    loss: { name: "diceCrossEntropy", includeBackground: false },
    dataset: { root: at("raw"), ignore: 4, regions, regions_class_order: [1, 2, 3], ...dataset },
    epochs: 2,
    ...more,
  });

describe("regions with sigmoid heads", () => {
  test("train, predict label maps in nnU-Net's order and are scored as regions", async () => {
    const config = await writeRegions("heads");
    const trained = await pixelcal(["train", "--config", config, "--out", at("runs")]);
    expect(trained.code, trained.messages).toBe(0);
    const [head, row] = (await readFile(at("runs/heads/log.csv"), "utf8")).split("\n");
    const names = head!.split(",");
    for (const { name } of regions) expect(names).toContain(`train_${name}.crossEntropy`);
    expect(names).toContain("validation_dice_class_2");
    expect(names).not.toContain("validation_dice_class_3");
    expect(row!.split(",").every((cell) => cell !== "NaN")).toBe(true);

    const infer = ["infer", "--config", config, "--runs", at("runs"), "--out", at("preds")];
    const ran = await pixelcal(infer);
    expect(ran.code, ran.messages).toBe(0);
    expect(JSON.parse(await readFile(at("preds/dataset.json"), "utf8"))).toMatchObject({
      labels: { background: 0, "whole heart": [1, 2, 3], left: [2, 3], cavity: [3], ignore: 4 },
      regions_class_order: [1, 2, 3],
    });
    const name = `test_${(await listCases(join(data, "test")))[0]!}`;
    const { probabilities } = await readNpz(at("preds", `${name}.npz`));
    expect(probabilities!.dims).toEqual([3, 1, 24, 24]);
    const values = probabilities!.data as Float32Array;
    const map = await readVolume(at("preds", `${name}.nii.gz`));
    for (const [i, label] of [...(map.data as Uint8Array)].entries()) {
      const last = [2, 1, 0].find((region) => values[region * 576 + i]! > 0.5);
      expect(label).toBe(last === undefined ? 0 : last + 1);
    }

    const scored = await pixelcal([
      ...["evaluate", "--labels", at("raw/labelsTs"), "--predictions", at("preds"), "--out", at("a.csv")],
    ]);
    expect(scored.messages).toContain("regions whole heart, left, cavity");
    expect(scored.code, scored.messages).toBe(0);

    // Label maps alone, for which no probabilities of a whole case are held, are the same.
    const tiled = ["--tile", "16x12", "--split", "test"];
    const [all, maps] = [at("tiled"), at("maps")];
    expect((await pixelcal([...infer.slice(0, -1), all, ...tiled])).code).toBe(0);
    expect((await pixelcal([...infer.slice(0, -1), maps, ...tiled, "--save", "labels"])).code).toBe(0);
    const [one, other] = await Promise.all(
      [all, maps].map((folder) => readVolume(join(folder, `${name}.nii.gz`))),
    );
    expect(other!.data).toEqual(one!.data);
    expect((await readdir(maps)).filter((file) => file.endsWith(".npz"))).toEqual([]);

    // The exported file says by itself what its channels are.
    const model = ["infer", "--model", at("runs/heads/model.onnx"), "--data", at("raw"), "--out", at("onnx")];
    expect((await pixelcal([...model, "--ignore", "4"])).code).toBe(0);
    const again = await readNpz(at("onnx", `${name}.npz`));
    for (const [i, p] of (again.probabilities!.data as Float32Array).entries())
      expect(p).toBeCloseTo(values[i]!, 5);
    expect((await readVolume(at("onnx", `${name}.nii.gz`))).data).toEqual(map.data);
    const checked = await pixelcal(["check", at("runs/heads/model.onnx"), "--input-shape", "1x1x24x24"]);
    expect(checked.output).toMatch(/before the sigmoid of probabilities \(multi-label/);
  });

  test("of .npz cases are scored by --regions and --heads", async () => {
    const dataset = { root: data, ignore: undefined, regions_class_order: undefined };
    const config = await writeRegions("npz", { epochs: 1 }, dataset);
    expect((await pixelcal(["train", "--config", config, "--out", at("runs")])).code).toBe(0);
    const infer = ["infer", "--config", config, "--runs", at("runs"), "--out", at("npz")];
    expect((await pixelcal(infer)).code).toBe(0);
    const list = "whole heart=1+2+3,left=2+3,cavity=3";
    const scoring = ["evaluate", "--predictions", at("npz"), "--out", at("npz.csv")];
    const scored = await pixelcal([...scoring, "--regions", list, "--heads"]);
    expect(scored.code, scored.messages).toBe(0);
    const { runs } = JSON.parse(await readFile(at("npz.json"), "utf8"));
    const [name] = await listCases(at("npz"));
    const { probs, labels } = await readPrediction(at("npz", `${name}.npz`), { values: "any", classes: 4 });
    for (const [head, region] of regions.entries()) {
      let [both, either] = [0, 0];
      for (const [i, label] of [...labels.data].entries()) {
        const [truth, found] = [region.labels.includes(Number(label)), probs.data[head * 576 + i]! > 0.5];
        both += Number(truth && found);
        either += Number(truth) + Number(found);
      }
      const row = runs.find((one: { region: string }) => one.region === region.name);
      expect(row.cases.find((one: { name: string }) => one.name === name).scores.DSC).toBeCloseTo(
        (2 * both) / either,
        5,
      );
    }
    // Heads are no classes, and nothing says that they are heads but the option.
    expect((await pixelcal([...scoring, "--regions", list])).code).not.toBe(0);
    const alone = await pixelcal([...scoring, "--heads"]);
    expect(alone.messages).toContain("--heads: needs --regions");
    expect(alone.code).toBe(2);
    const labelled = await pixelcal([...scoring, "--heads", "--labels", at("raw/labelsTs")]);
    expect(labelled.messages).toContain("--heads: is for .npz predictions");
  });

  test("may be a single one: one head of its own", async () => {
    const dataset = { regions: [regions[1]], regions_class_order: [2] };
    const config = await writeRegions("single", {}, dataset);
    const trained = await pixelcal(["train", "--config", config, "--out", at("runs")]);
    expect(trained.code, trained.messages).toBe(0);
    const infer = ["infer", "--config", config, "--runs", at("runs"), "--out", at("one")];
    expect((await pixelcal(infer)).code).toBe(0);
    const name = `test_${(await listCases(join(data, "test")))[0]!}`;
    const { probabilities } = await readNpz(at("one", `${name}.npz`));
    expect(probabilities!.dims).toEqual([1, 1, 24, 24]);
    const map = await readVolume(at("one", `${name}.nii.gz`));
    expect([...(map.data as Uint8Array)]).toEqual(
      Array.from(probabilities!.data as Float32Array, (p) => (p > 0.5 ? 2 : 0)),
    );
    const model = ["--model", at("runs/single/model.onnx"), "--data", at("raw"), "--out", at("one-onnx")];
    expect((await pixelcal(["infer", ...model, "--ignore", "4"])).code).toBe(0);
    const again = await readNpz(at("one-onnx", `${name}.npz`));
    expect(again.probabilities!.dims).toEqual([1, 1, 24, 24]);
    const scoring = ["--labels", at("raw/labelsTs"), "--predictions", at("one"), "--out", at("one.csv")];
    const scored = await pixelcal(["evaluate", ...scoring]);
    expect(scored.code, scored.messages).toBe(0);
    expect(scored.messages).toContain("regions left");
    const further = await writeRegions(
      "single-further",
      { model: { onnx: at("runs/single/model.onnx") }, epochs: 1 },
      dataset,
    );
    const resumed = await pixelcal(["train", "--config", further, "--out", at("runs")]);
    expect(resumed.code, resumed.messages).toBe(0);
  });

  test("train an exported file of heads further", async () => {
    const config = await writeRegions("further", { model: { onnx: at("runs/heads/model.onnx") }, epochs: 1 });
    const { code, messages } = await pixelcal(["train", "--config", config, "--out", at("runs")]);
    expect(code, messages).toBe(0);
    const infer = ["infer", "--config", config, "--runs", at("runs"), "--out", at("further")];
    expect((await pixelcal(infer)).code).toBe(0);
  });

  test("are planned from dataset.json without a configuration", async () => {
    const args = ["train", "--data", at("raw"), "--out", at("planned"), "--epochs", "1", "--threads", "1"];
    const { code, messages } = await pixelcal(args);
    expect(code, messages).toBe(0);
    const plan = parse(await readFile(at("planned/raw.yaml"), "utf8"));
    expect(plan.dataset).toMatchObject({ ignore: 4, regions, regions_class_order: [1, 2, 3] });
    expect(plan.model.num_classes).toBe(4);
    expect(plan.loss).toEqual({ name: "diceCrossEntropy", includeBackground: false });
  });

  test.each<[string, Record<string, unknown>, object]>([
    ["dataset.regions_class_order: needs dataset.regions", {}, { regions: undefined }],
    ["dataset.regions_class_order: expected 3 labels, one a region, got 1", {}, { regions_class_order: [1] }],
    ["dataset.regions: left is given twice", {}, { regions: [regions[1], regions[1], regions[2]] }],
    [
      "dataset.regions: expected labels below model.num_classes, 2, got 3",
      { model: { num_classes: 2, base: 2 } },
      {},
    ],
    ["loss.name: cpc needs 3 classes, and a region has two", { loss: { name: "cpc" } }, {}],
    [
      "loss.classWeights: a region has two classes; expected two weights with dataset.regions",
      { loss: { name: "crossEntropy", classWeights: "inverse-frequency" } },
      {},
    ],
  ])("%s", async (message, more, dataset) => {
    const config = await writeRegions("refused", more, dataset);
    const { code, messages } = await pixelcal(["train", "--config", config, "--out", at("refused")]);
    expect(messages).toContain(message);
    expect(code).toBe(2);
  });

  test("label maps need the order that regions are written in", async () => {
    const config = await writeRegions("unordered", { epochs: 1 }, { regions_class_order: undefined });
    expect((await pixelcal(["train", "--config", config, "--out", at("runs")])).code).toBe(0);
    const { code, messages } = await pixelcal([
      ...["infer", "--config", config, "--runs", at("runs"), "--out", at("unordered")],
    ]);
    expect(messages).toContain("dataset.regions_class_order: missing");
    expect(code).toBe(2);
  });
});
