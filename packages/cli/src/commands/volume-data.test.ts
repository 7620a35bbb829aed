import { readdir, readFile, writeFile } from "node:fs/promises";
import { readNpz, readVolume, writeVolume } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { writeRawFolder } from "../raw-folder.test.helper.js";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

let names: readonly string[] = [];

beforeAll(async () => {
  names = await writeRawFolder({ labels: { background: 0, a: 1, b: 2, c: 3 } });
});

const of = (split: string): string[] => names.filter((name) => name.startsWith(split));
const folds = (train: readonly string[], val: readonly string[]): Promise<void> =>
  writeFile(at("raw", "splits_final.json"), JSON.stringify([{ train, val }]));
const train = async (run: string, ...more: string[]): Promise<Ran> =>
  pixelcal([
    ...[
      "train",
      "--config",
      await writeConfig(`${run}.json`, { run_name: run, epochs: 1 }),
      "--out",
      at("runs"),
    ],
    ...more,
  ]);
const infer = (run: string, out: string, ...more: string[]): Promise<Ran> =>
  pixelcal([
    ...["infer", "--config", at(`${run}.json`), "--runs", at("runs"), "--out", at(out), "--split", "test"],
    ...more,
  ]);

describe("nnU-Net's raw folder", () => {
  test("trains as the same cases in .npz files do", async () => {
    await folds(of("train"), of("val"));
    const { code, messages } = await train("raw", "--data", at("raw"));
    expect(messages).toContain(
      "nnU-Net v2 raw data, 5 cases of train (fold 0 of splits_final.json), 1 image file each, labels a, b, c\n",
    );
    expect(code).toBe(0);
    expect((await train("npz")).code).toBe(0);
    const losses = await Promise.all(
      ["raw", "npz"].map((run) => readFile(at("runs", run, "log.csv"), "utf8")),
    );
    // Spacing is in the file, and none of the .npz files has any; this loss does not use it.
    expect(losses[0]).toBe(losses[1]);
  });

  test("predictions have format and geometry of the images, and evaluate reads them", async () => {
    const { code, messages } = await infer("raw", "preds", "--data", at("raw"));
    expect(code, messages).toBe(0);
    const [name] = of("test") as [string];
    expect((await readdir(at("preds"))).filter((file) => file.startsWith(name)).sort()).toEqual([
      `${name}.json`,
      `${name}.nii.gz`,
      `${name}.npz`,
    ]);
    const map = await readVolume(at("preds", `${name}.nii.gz`));
    expect(map).toMatchObject({ type: "uint8", shape: [24, 24], spacing: [0.5, 0.75], origin: [-3, 4, 5] });
    const { probabilities } = await readNpz(at("preds", `${name}.npz`));
    expect(probabilities!.dims).toEqual([4, 1, 24, 24]);
    expect(JSON.parse(await readFile(at("preds", `${name}.json`), "utf8"))).toEqual({
      sitk_stuff: { spacing: [0.5, 0.75], origin: [-3, 4], direction: [1, 0, 0, 1] },
      spacing: [0.75, 0.5],
      shape: [24, 24],
    });
    // The label map is the likeliest class of the probabilities.
    const values = probabilities!.data as Float32Array;
    for (const [i, label] of [...(map.data as Uint8Array)].entries())
      for (let c = 0; c < 4; c++) expect(values[c * 576 + i]).toBeLessThanOrEqual(values[label * 576 + i]!);
    // Label maps alone, for which no probabilities of a whole case are held, are the same.
    for (const [out, ...more] of [["tiled"], ["maps", "--save", "labels"]] as const)
      expect((await infer("raw", out, "--data", at("raw"), "--tile", "16x12", ...more)).code).toBe(0);
    const [tiled, maps] = await Promise.all(
      ["tiled", "maps"].map((out) => readVolume(at(out, `${name}.nii.gz`))),
    );
    expect(maps!.data).toEqual(tiled!.data);
    const scored = await pixelcal([
      ...["evaluate", "--labels", at("raw/labelsTs"), "--predictions", at("preds"), "--out", at("a.csv")],
      ...["--write", "nnunet"],
    ]);
    expect(scored.messages).toContain("nnU-Net v2 predictions with probabilities, 2 cases, labels a, b, c\n");
    expect(scored.code, scored.messages).toBe(0);
    // Predictions of the same network from .npz files have the same scores.
    expect((await infer("npz", "own")).code).toBe(0);
    await pixelcal(["evaluate", "--predictions", at("own"), "--out", at("b.csv")]);
    const rows = await Promise.all(
      ["a.csv", "b.csv"].map(async (file) => (await readFile(at(file), "utf8")).split("\n")),
    );
    expect(rows[0]![1]!.split(",").slice(1)).toEqual(rows[1]![1]!.split(",").slice(1));
  });

  test("predictions are replaced by new ones, other folders are not", async () => {
    expect((await infer("raw", "preds", "--data", at("raw"))).code).toBe(0);
    const { code, messages } = await infer("raw", "raw", "--data", at("raw"));
    expect(code).toBe(1);
    expect(messages).toMatch(/is not empty and holds no predictions/);
  });

  test("without splits_final.json every fifth case validates", async () => {
    await writeFile(at("raw", "splits_final.json"), "[]");
    expect((await train("none", "--data", at("raw"))).messages).toMatch(
      /splits_final.json: train: expected a list of folds/,
    );
    const { rm } = await import("node:fs/promises");
    await rm(at("raw", "splits_final.json"));
    const { messages, code } = await train("fifth", "--data", at("raw"));
    expect(messages).toContain("cases of val (every fifth case validates)");
    expect(code).toBe(0);
  });

  test("a missing channel, a strange case and a label map on another grid are refused", async () => {
    await folds(of("train"), ["nobody"]);
    expect((await train("bad", "--data", at("raw"))).messages).toMatch(
      /val: names the case "nobody", which has no image/,
    );
    await folds(of("train"), of("val"));
    const path = at("raw/labelsTr", `${of("train")[1]}.nii.gz`);
    const kept = await readFile(path);
    const map = await readVolume(path);
    await writeVolume(path, { ...map, spacing: [0.5, 0.8] });
    expect((await train("bad", "--data", at("raw"))).messages).toMatch(/geometry: .* is not the grid of/);
    await writeFile(path, kept);
    const odd = at("raw/imagesTr", `${of("train")[0]}_0002.nii.gz`);
    await writeFile(odd, await readFile(at("raw/imagesTr", `${of("train")[0]}_0000.nii.gz`)));
    expect((await train("bad", "--data", at("raw"))).messages).toMatch(/channel 1 of \S+ is missing/);
    const { rm } = await import("node:fs/promises");
    await rm(odd);
  });
});

describe("a MONAI data list", () => {
  const entry = (name: string, more: object = {}) => {
    const kind = name.startsWith("test") ? "Ts" : "Tr";
    const image = `raw/images${kind}/${name}_0000.nii.gz`;
    return { image, label: `raw/labels${kind}/${name}.nii.gz`, ...more };
  };

  test("gives training, validation and test", async () => {
    const list = {
      training: of("train").map((name) => entry(name)),
      validation: of("val").map((name) => entry(name)),
    };
    await writeFile(
      at("cases.json"),
      JSON.stringify({ ...list, test: of("test").map((name) => entry(name).image) }),
    );
    const { code, messages } = await train("list", "--data", at("cases.json"));
    expect(messages).toContain("MONAI data list, 5 cases of train, 1 image file each\n");
    expect(code, messages).toBe(0);
    expect(await readFile(at("runs/list/log.csv"), "utf8")).toBe(
      await readFile(at("runs/npz/log.csv"), "utf8"),
    );
    // Images without labels are predicted too.
    expect((await infer("list", "listed", "--data", at("cases.json"))).code).toBe(0);
    expect(await readdir(at("listed"))).toContain("dataset.json");
  });

  test("folds, and lists that are none", async () => {
    const cases = [...of("train"), ...of("val")];
    const training = cases.map((name) => entry(name, { fold: name.startsWith("val") ? 0 : 1 }));
    await writeFile(at("cases.json"), JSON.stringify({ training }));
    expect((await train("folds", "--data", at("cases.json"))).messages).toContain(
      "1 cases of val (fold 0 validates)",
    );
    expect(await readFile(at("runs/folds/log.csv"), "utf8")).toBe(
      await readFile(at("runs/npz/log.csv"), "utf8"),
    );
    for (const [text, message] of [
      ["{", /not JSON/],
      ["{}", /training: no cases of train/],
      ['{"training": [{"label": "a"}]}', /training\[0\]: image: expected a path/],
      ['{"training": 3}', /training: expected a list of cases/],
    ] as const) {
      await writeFile(at("cases.json"), text);
      expect((await train("wrong", "--data", at("cases.json"))).messages).toMatch(message);
    }
  });
});
