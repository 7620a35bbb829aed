import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Tensor, tensor } from "@pixelcal/core";
import {
  listCases,
  readCase,
  readNpz,
  readSafetensors,
  readVolume,
  volumeOf,
  writeNpz,
  writeVolume,
} from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { straightGrid } from "../grid.test.helper.js";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

const nested = [
  { name: "whole", labels: [1, 2, 3] },
  { name: "left", labels: [2, 3] },
  { name: "cavity", labels: [3] },
];
// Its masks overlap in every way, and none holds another.
const crossing = [
  { name: "ring", labels: [1, 2] },
  { name: "blood", labels: [1, 3] },
];
const bare = (regions: typeof nested): object[] => regions.map(({ name }) => ({ name }));
const list = (regions: typeof nested): string => regions.map(({ name }) => `${name}=mask`).join();
const splits = ["train", "val", "test"];

/** Returns the masks of a label map whose last rows are ignored. */
function masksOf({ dims, data: labels }: Tensor, regions: typeof nested): Tensor<"uint8"> {
  const masks = regions.flatMap((region) =>
    Array.from(labels as Uint8Array, (label) =>
      Number(label) === 255 ? 255 : Number(region.labels.includes(Number(label))),
    ),
  );
  return tensor("uint8", Uint8Array.from(masks), [regions.length, ...dims]);
}

/** Writes the phantoms, whose first rows are void, as label maps and as masks of regions. */
beforeAll(async () => {
  for (const split of splits)
    for (const name of await listCases(join(data, split))) {
      const { image, labels, spacing } = await readCase(join(data, split, `${name}.npz`));
      const map = tensor("int32", Int32Array.from(labels.data, Number), labels.dims);
      map.data.fill(255, 0, 48);
      const size = spacing && { spacing: tensor("float64", Float64Array.from(spacing), [spacing.length]) };
      const write = (folder: string, label: Tensor): Promise<void> =>
        writeNpz(at(folder, split, `${name}.npz`), { image, label, ...size });
      await write("maps", map);
      await write("nested", masksOf(map, nested));
      await write("crossing", masksOf({ ...map, data: map.data.map((l) => (l === 255 ? 0 : l)) }, crossing));
    }
});

const writeMasks = (run: string, dataset: object, more: Record<string, unknown> = {}): Promise<string> =>
  writeConfig(`${run}.json`, { run_name: run, method: undefined, dataset, epochs: 1, ...more });

async function run(args: readonly string[], code = 0): Promise<string> {
  const ran = await pixelcal(args);
  expect(ran.code, ran.messages).toBe(code);
  return ran.messages;
}

/** Returns the scores of each region and case that `evaluate` wrote. */
async function scoresOf(path: string): Promise<unknown> {
  const { runs } = JSON.parse(await readFile(path, "utf8"));
  return runs.map(({ region, cases }: Record<string, unknown>) => ({ region, cases }));
}

describe("masks of nested regions in place of a label map", () => {
  test.each<[string, Record<string, unknown>]>([
    [
      "whole",
      {
        loss: { name: "boundary" }, // its targets are distances
        augment: { flips: true },
        model: { arch: "unet2d", in_channels: 1, num_classes: 4, base: 2 },
      },
    ],
    [
      "patches",
      {
        loss: { name: "diceCrossEntropy", includeBackground: false },
        patches: { size: [16, 16], per_epoch: 8, foreground: 0.6 },
        augment: { preset: "nnunet" },
        preparation: { normalization: "z-score", crop: true, spacing: [1.2, 1.25] },
      },
    ],
  ])("train to the same bits and have the same scores: %s", async (name, more) => {
    const found = [];
    for (const [folder, regions] of [
      ["maps", nested],
      ["nested", bare(nested)],
    ] as const) {
      const own = `${name}-${folder}`;
      const config = await writeMasks(own, { root: at(folder), ignore: 255, regions }, more);
      await run(["train", "--config", config, "--out", at("runs")]);
      const infer = ["infer", "--runs", at("runs"), "--config", config, "--out", at(own)];
      await run(infer);
      const scored = folder === "maps" ? "whole=1+2+3,left=2+3,cavity=3" : list(nested);
      const scoring = ["evaluate", "--predictions", at(own), "--regions", scored, "--heads"];
      await run([...scoring, "--ignore", "255", "--out", at(`${own}.csv`)]);
      const model = at("runs", own, "model.onnx");
      await run([
        "infer",
        "--model",
        model,
        "--data",
        at(folder),
        "--out",
        at(`${own}-onnx`),
        "--ignore",
        "255",
      ]);
      const [first] = await listCases(at(own));
      const calibrating = ["calibrate", "--from-probabilities", at(own), "--regions", scored];
      await run([
        ...calibrating,
        "--method",
        "temperature",
        "--ignore",
        "255",
        "--out",
        at(`${own}-calibrated`),
      ]);
      found.push({
        log: await readFile(at("runs", own, "log.csv"), "utf8"),
        weights: (await readSafetensors(at("runs", own, "best.safetensors"))).tensors,
        probs: await Promise.all(
          [own, `${own}-onnx`, `${own}-calibrated`].map(
            async (preds) => (await readNpz(at(preds, `${first}.npz`))).probs,
          ),
        ),
        scores: await scoresOf(at(`${own}.json`)),
      });
      if (folder === "nested") {
        // Predictions hold the masks as they were stored.
        const { label } = await readNpz(at(own, `${first}.npz`));
        const stored = await readNpz(at("nested/test", `${first}.npz`));
        expect(label!.dims).toEqual([3, 24, 24]);
        expect(Array.from(label!.data, Number)).toEqual(Array.from(stored.label!.data, Number));
        const kept = await readNpz(at(`${own}-calibrated`, `${first}.npz`));
        expect(kept.label).toEqual(label);
      }
    }
    expect(found[1]).toEqual(found[0]);
  });
});

describe("masks that no label map holds", () => {
  const source = (): object => ({ root: at("crossing"), regions: bare(crossing) });
  const model = { arch: "unet2d", in_channels: 1, num_classes: 3, base: 2 };
  const loss = { name: "diceCrossEntropy", includeBackground: false };

  test("train, and are scored as the slow twin does", async () => {
    const config = await writeMasks("crossing", source(), { loss, model, epochs: 4, optim: { lr: 0.01 } });
    await run(["train", "--config", config, "--out", at("runs")]);
    const rows = (await readFile(at("runs/crossing/log.csv"), "utf8")).trim().split("\n");
    const loss0 = rows[0]!.split(",").indexOf("train_loss");
    const losses = rows.slice(1).map((row) => Number(row.split(",")[loss0]));
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    await run(["infer", "--runs", at("runs"), "--config", config, "--out", at("preds")]);
    const scoring = ["evaluate", "--predictions", at("preds"), "--out", at("c.csv"), "--regions"];
    await run([...scoring, list(crossing), "--heads"]);
    const scores = (await scoresOf(at("c.json"))) as {
      region: string;
      cases: { name: string; scores: { DSC: number } }[];
    }[];
    for (const name of await listCases(at("preds"))) {
      const { probs, label } = await readNpz(at("preds", `${name}.npz`));
      const [p, truth] = [probs!.data as Float32Array, Array.from(label!.data, Number)];
      for (const [head, region] of crossing.entries()) {
        let [both, either] = [0, 0];
        for (let i = head * 576; i < (head + 1) * 576; i++) {
          both += Number(truth[i] === 1 && p[i]! > 0.5);
          either += truth[i]! + Number(p[i]! > 0.5);
        }
        const row = scores.find((one) => one.region === region.name)!;
        const { DSC } = row.cases.find((one) => one.name === name)!.scores;
        expect(DSC).toBeCloseTo((2 * both) / either, 5);
      }
    }
    const told = await run([...scoring, list(crossing)], 2);
    expect(told).toContain("--regions: masks need --heads");
    await run([...scoring, "ring=1,blood=2", "--heads"], 1);
    const labelled = await run([...scoring, list(crossing), "--labels", at("crossing")], 1);
    expect(labelled).toContain(
      "crossing: holds no masks; expected CASE.nii.gz with a channel for each region",
    );
    const further = ["calibrate", "--model", at("runs/crossing/model.onnx"), "--data", at("crossing")];
    await run([...further, "--regions", list(crossing), "--method", "temperature", "--out", at("cal.onnx")]);
  });

  test("are planned without a configuration", async () => {
    await run(["train", "--data", at("crossing"), "--out", at("planned"), "--epochs", "1", "--threads", "1"]);
    const plan = parse(await readFile(at("planned/crossing.yaml"), "utf8"));
    expect(plan.dataset.regions).toEqual([{ name: "mask_1" }, { name: "mask_2" }]);
    expect(plan.model.num_classes).toBe(3);
    const { shares } = JSON.parse(await readFile(at("planned/crossing.fingerprint.json"), "utf8"));
    const masks = await Promise.all(
      (await listCases(at("crossing/train"))).map(async (name) => {
        const { label } = await readNpz(at("crossing/train", `${name}.npz`));
        return Array.from(label!.data, Number);
      }),
    );
    const ring = masks.flatMap((one) => one.slice(0, 576));
    expect(shares.mask_1).toBeCloseTo(ring.reduce((a, b) => a + b, 0) / ring.length, 12);
    const init = await run(["init", "--data", at("crossing"), "--out", at("init.yaml")], 1);
    expect(init).toContain("labels are 2 masks, which pixelcal prepare plans a training for");
  });

  test("of volumes are predicted as masks, or in the order of regions_class_order", async () => {
    const grid = straightGrid([24, 24, 1]);
    await mkdir(at("volumes"));
    const cases: Record<string, object[]> = {};
    for (const split of splits) {
      cases[{ train: "training", val: "validation", test: "test" }[split]!] = [];
      for (const name of await listCases(at("crossing", split))) {
        const { image, label } = await readNpz(at("crossing", split, `${name}.npz`));
        const stem = `${split}_${name}`;
        const masks = { ...label!, dims: [2, 1, 24, 24] } as Tensor<"uint8">;
        await writeVolume(at(`volumes/${stem}.nii.gz`), volumeOf(image!, grid));
        const files = split === "train" ? ["ring", "blood"] : ["all"];
        for (const [i, file] of files.entries()) {
          const own = { ...masks, data: masks.data.slice(i * 576, (i + 1) * 576), dims: [1, 24, 24] };
          await writeVolume(
            at(`volumes/${stem}-${file}.nii.gz`),
            volumeOf(file === "all" ? masks : own, grid),
          );
        }
        const label_files = files.map((file) => `${stem}-${file}.nii.gz`);
        cases[{ train: "training", val: "validation", test: "test" }[split]!]!.push({
          image: `${stem}.nii.gz`,
          label: split === "train" ? label_files : label_files[0],
        });
      }
    }
    await writeFile(at("volumes/datalist.json"), JSON.stringify(cases));
    const dataset = { root: at("volumes"), regions: bare(crossing) };
    const more = { loss, model: { ...model, arch: "unet3d" }, epochs: 1, patches: { size: [8, 24, 24] } };
    const config = await writeMasks("volumes", dataset, more);
    await run(["train", "--config", config, "--out", at("runs")]);
    const infer = ["infer", "--runs", at("runs"), "--config", config, "--tile", "8x24x24"];
    await run([...infer, "--out", at("masks")]);
    await run([...infer, "--out", at("alone"), "--save", "labels"]);
    expect((await readdir(at("masks"))).includes("dataset.json")).toBe(false);
    expect(JSON.parse(await readFile(at("masks/masks.json"), "utf8"))).toEqual({
      regions: ["ring", "blood"],
    });
    // Predictions are replaced by new ones, with probabilities and without.
    await run([...infer, "--out", at("masks")]);
    await run([...infer, "--out", at("alone"), "--save", "labels"]);
    const name = (await listCases(at("masks")))[0]!;
    const { probabilities } = await readNpz(at("masks", `${name}.npz`));
    const values = probabilities!.data as Float32Array;
    for (const folder of ["masks", "alone"]) {
      const volume = await readVolume(at(folder, `${name}.nii.gz`));
      expect(volume.channels).toBe(2);
      expect([...(volume.data as Uint8Array)]).toEqual(Array.from(values, (p) => Number(p > 0.5)));
    }
    const ordered = await writeMasks("volumes", { ...dataset, regions_class_order: [1, 2] }, more);
    await run([...infer.slice(0, 3), "--config", ordered, "--out", at("ordered")]);
    const map = await readVolume(at("ordered", `${name}.nii.gz`));
    expect([...(map.data as Uint8Array)]).toEqual(
      Array.from({ length: 576 }, (_, i) => (values[576 + i]! > 0.5 ? 2 : values[i]! > 0.5 ? 1 : 0)),
    );
  });

  test.each<[string, object, Record<string, unknown>]>([
    [
      "dataset.regions: expected labels for all regions, or for none where files hold masks; b has none",
      { regions: [{ name: "a", labels: [1] }, { name: "b" }] },
      {},
    ],
    ["model.num_classes: expected 3, the background and 2 masks, got 4", {}, { model: { num_classes: 4 } }],
    ["dataset.ignore: expected a number below 0 or above 3", { ignore: 3 }, {}],
    [
      "dataset.regions: expected at most 15 regions with masks, got 16",
      { regions: Array.from({ length: 16 }, (_, i) => ({ name: `r${i}` })) },
      {},
    ],
    ["dataset.regions: ring is given twice", { regions: [{ name: "ring" }, { name: "ring" }] }, {}],
  ])("%s", async (message, dataset, more) => {
    const config = await writeMasks("refused", { ...source(), ...dataset }, { loss, model, ...more });
    expect(await run(["train", "--config", config, "--out", at("refused")], 2)).toContain(message);
  });

  test("files of another number of masks, of other values or of label maps are refused by name", async () => {
    const config = await writeMasks("misfit", source(), { loss, model });
    const train = (folder: string): Promise<string> =>
      run(["train", "--config", config, "--data", at(folder), "--out", at("misfit")], 1);
    expect(await train("nested")).toMatch(
      /\.npz: label: expected 2 masks \[2,24,24\] \(ring, blood\), got \[3,24,24\]/,
    );
    expect(await train("maps")).toMatch(
      /\.npz: label: expected 2 masks \[2,24,24\] \(ring, blood\), got \[24,24\]/,
    );
    const three = { ...source(), root: at("nested"), regions: bare(nested) };
    const void255 = await writeMasks("void", three, { loss, model: { ...model, num_classes: 4 } });
    expect(await run(["train", "--config", void255, "--out", at("misfit")], 1)).toMatch(
      /\.npz: label: expected 0 or 1, got 255 in mask 0 \(whole\) at pixel 0/,
    );
    const classes = await writeMasks("classes", { root: at("crossing") }, { loss: { name: "crossEntropy" } });
    expect(await run(["train", "--config", classes, "--out", at("misfit")], 1)).toContain(
      "masks need dataset.regions without labels",
    );
  });

  test("a run of masks is not resumed with label maps", async () => {
    const more = { loss, model, epochs: 1 };
    const config = await writeMasks("resumed", source(), more);
    await run(["train", "--config", config, "--out", at("runs")]);
    const labels = { root: at("maps"), ignore: 255, regions: crossing };
    const other = await writeMasks("resumed", labels, { ...more, model: { ...model, num_classes: 4 } });
    expect(await run(["train", "--config", other, "--out", at("runs"), "--resume"], 2)).toContain(
      "dataset.regions: the run was begun with 2 masks, got the labels [1, 2], [1, 3]",
    );
  });
});
