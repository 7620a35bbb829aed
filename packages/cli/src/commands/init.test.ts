import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { writeNpz } from "@pixelcal/io";
import { parseConfig } from "@pixelcal/train";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData } from "../toy.test.helper.js";

toyData();

/** Writes a data set of one case per split and size, with channels 0 and labels that repeat. */
async function dataSet(
  name: string,
  {
    sizes,
    channels = 1,
    labels,
  }: { sizes: readonly (readonly number[])[]; channels?: number; labels: number[] },
): Promise<string> {
  for (const split of ["train", "val", "test"])
    for (const [index, size] of sizes.entries()) {
      const pixels = size.reduce((product, n) => product * n, 1);
      const values = Int32Array.from({ length: pixels }, (_, i) => labels[i % labels.length]!);
      await writeNpz(join(at(name), split, `c${index}.npz`), {
        image: tensor("float32", Float32Array.from({ length: channels * pixels }, Math.random), [
          channels,
          ...size,
        ]),
        label: tensor("int32", values, [...size]),
      });
    }
  return at(name);
}

const configOf = async (path: string) => parseConfig(parse(await readFile(path, "utf8")), { runName: "run" });

test("the configuration fits the data, trains, and its predictions are scored", async () => {
  const path = at("own.yaml");
  const { code, output, messages } = await pixelcal(["init", "--data", data, "--out", path]);
  expect(messages).toBe("");
  expect(code).toBe(0);
  expect(output).toBe(
    `${path}: 24 x 24 pixels, 1 channel, 4 classes; train with pixelcal train --config ${path}\n`,
  );
  expect(await configOf(path)).toMatchObject({
    dataset: { root: data },
    model: { arch: "unet2d", in_channels: 1, num_classes: 4, base: 16 },
    batch_size: 4,
    loss: { name: "diceCrossEntropy" },
    finish: { loss: { name: "signedDistanceCalibration", preset: "proper" } },
  });
  const trained = await pixelcal(["train", "--config", path, "--out", at("runs"), "--epochs", "2"]);
  expect(trained.messages).not.toContain("error");
  expect(trained.code).toBe(0);
  const args = ["--config", path, "--runs", at("runs"), "--out", at("preds", "own")];
  expect((await pixelcal(["infer", ...args])).code).toBe(0);
});

test("every commented key is one of a configuration too", async () => {
  const path = at("all.yaml");
  await pixelcal(["init", "--data", data, "--out", path]);
  const text = await readFile(path, "utf8");
  const keys = text.replaceAll(/^( *)# (?=\w+: )/gm, "$1");
  expect(keys).not.toBe(text);
  expect(parseConfig(parse(keys), { runName: "run" })).toMatchObject({
    dataset: { ignore: 255 },
    scheduler: { warmup: 5 },
    threads: 2,
  });
});

describe("what is found in the files", () => {
  test.each<[string, Parameters<typeof dataSet>[1], string[], object]>([
    [
      "volumes of several channels and sizes",
      {
        sizes: [
          [8, 12, 16],
          [10, 8, 16],
        ],
        channels: 3,
        labels: [0, 1, 2],
      },
      [],
      {
        dimensions: 3,
        channels: 3,
        classes: 3,
        sizes: { least: [8, 8, 16], largest: [10, 12, 16] },
        cases: { train: 2, val: 2, test: 2 },
      },
    ],
    [
      "a label of 255 far above the others",
      { sizes: [[8, 8]], labels: [0, 1, 255] },
      [],
      { classes: 2, ignore: 255 },
    ],
    ["a negative label", { sizes: [[8, 8]], labels: [-1, 0, 3] }, [], { classes: 4, ignore: -1 }],
    [
      "a label given as void",
      { sizes: [[8, 8]], labels: [0, 1, 9] },
      ["--ignore", "9"],
      { classes: 2, ignore: 9 },
    ],
    ["255 as one of many classes", { sizes: [[8, 8]], labels: [0, 200, 255] }, [], { classes: 256 }],
  ])("%s", async (name, content, more, expected) => {
    const root = await dataSet(name, content);
    const path = at(`${name}.yaml`);
    const { code, output } = await pixelcal(["init", "--data", root, "--out", path, "--json", ...more]);
    expect(code).toBe(0);
    const { command, config, ...report } = JSON.parse(output);
    expect([command, config, report.root]).toEqual(["init", path, root]);
    expect(report).toMatchObject(expected);
    expect("ignore" in report).toBe("ignore" in expected);
    const { model, dataset, batch_size } = await configOf(path);
    expect(model).toMatchObject({ arch: `unet${report.dimensions}d`, in_channels: report.channels });
    expect(model).toMatchObject({ num_classes: report.classes });
    expect(dataset.ignore).toBe(report.ignore);
    // Images of several sizes do not fit into one batch.
    expect(batch_size).toBe(1);
  });
});

test("an existing file is never overwritten", async () => {
  await writeFile(at("mine.yaml"), "mine");
  const { code, messages } = await pixelcal(["init", "--data", data, "--out", at("mine.yaml")]);
  expect(code).toBe(1);
  expect(messages).toBe(`error: ${at("mine.yaml")}: exists already; choose another --out or remove it\n`);
  expect(await readFile(at("mine.yaml"), "utf8")).toBe("mine");
});

test("masks of 0 and 255 are refused: they are no classes, and no voids", async () => {
  const root = await dataSet("bytes", { sizes: [[8, 8]], labels: [0, 255] });
  for (const command of ["init", "prepare"]) {
    const { code, messages } = await pixelcal([command, "--data", root, "--out", at(`${command}-bytes`)]);
    expect(code).toBe(1);
    expect(messages).toBe(
      `error: ${root}: labels are 0 and 255; expected class numbers: store a mask as 0 and 1\n`,
    );
  }
});

test("images that no U-Net takes, and no data set, are refused before anything is written", async () => {
  const root = await dataSet("small", { sizes: [[4, 64]], labels: [0, 1] });
  const small = await pixelcal(["init", "--data", root, "--out", at("small.yaml")]);
  expect(small.code).toBe(1);
  expect(small.messages).toContain("U-Nets take images of at least 8 pixels per axis, found 4 x 64");
  const none = await pixelcal(["init", "--data", at("none"), "--out", at("small.yaml")]);
  expect(none.messages).toContain("no such folder; expected ROOT/{train,val,test}/*.npz");
  await expect(readFile(at("small.yaml"))).rejects.toThrow("ENOENT");
});
