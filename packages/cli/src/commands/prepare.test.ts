import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random, tensor, zeros } from "@pixelcal/core";
import { type Grid, readVolume, volumeOf, writeNpz, writeVolume } from "@pixelcal/io";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { straightGrid } from "../grid.test.helper.js";
import { readConfig } from "../inputs/config-file.js";
import { networkOf } from "../inputs/network.js";
import { openTrainingSplits } from "../inputs/training-splits.js";
import { pixelcal } from "../run.test.helper.js";
import { prepare, storeCases } from "../runs/prepare.js";
import { Terminal } from "../terminal.js";
import { at, toyData } from "../toy.test.helper.js";

toyData();

const silent = new Terminal({ write: () => true });

const grid = (shape: readonly number[], spacing: readonly number[]): Grid =>
  straightGrid(shape, spacing, [1, 2, 3]);

/** Volumes of several sizes and spacings, with a bright cube of label 1 in noise. */
beforeAll(async () => {
  for (const folder of ["raw/imagesTr", "raw/labelsTr", "raw/imagesTs"])
    await mkdir(at(folder), { recursive: true });
  const random = Random.fromSeed(1);
  for (const [i, dims] of [
    [9, 10, 12],
    [12, 10, 8],
    [10, 16, 9],
    [8, 8, 8],
    [11, 9, 10],
    [10, 10, 10],
  ].entries()) {
    const [, height, width] = dims as [number, number, number];
    const pixels = dims.reduce((a, b) => a * b, 1);
    const labels = Uint8Array.from({ length: pixels }, (_, at) => {
      const [z, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
      return Number([z, y, x].every((n) => n >= 3 && n < 7));
    });
    const image = Float32Array.from(labels, (label) => 100 + 80 * label + 20 * random.normal());
    const where = grid([...dims].reverse(), [1, 1, i === 0 ? 1.25 : 1]);
    const kind = i === 5 ? "Ts" : "Tr";
    await writeVolume(
      at("raw", `images${kind}`, `case_${i}_0000.nii.gz`),
      volumeOf(tensor("float32", image, dims), where),
    );
    if (i < 5)
      await writeVolume(
        at("raw/labelsTr", `case_${i}.nii.gz`),
        volumeOf(tensor("uint8", labels, dims), where),
      );
  }
  const json = { channel_names: { 0: "T1" }, labels: { background: 0, cube: 1 }, file_ending: ".nii.gz" };
  await writeFile(at("raw/dataset.json"), JSON.stringify(json));
});

test("a folder trains and predicts without a configuration", async () => {
  const args = ["train", "--data", at("raw"), "--out", at("runs"), "--epochs", "1", "--threads", "1"];
  const { code, messages } = await pixelcal(args);
  expect(code, messages).toBe(0);
  const plan = parse(await readFile(at("runs/raw.yaml"), "utf8"));
  expect(plan).toMatchObject({
    preparation: { normalization: "z-score", crop: true, spacing: [1, 1, 1] },
    model: { arch: "plain3d", in_channels: 1, num_classes: 2 },
    augment: { preset: "nnunet", flips: false },
    patches: { size: [12, 10, 10], foreground: 0.33 },
    batch_size: 2,
    members: 1,
    // 80 epochs of 2 updates would be too few.
    epochs: 500,
    ema: 0.999,
  });
  const fingerprint = JSON.parse(await readFile(at("runs/raw.fingerprint.json"), "utf8"));
  expect(fingerprint).toMatchObject({ cases: { train: 4, val: 1, test: 1 }, classes: 2, remarks: [] });
  // Noise of 20 around 180, no pixel of which is 0.
  expect(fingerprint.cropped).toEqual(fingerprint.sizes);
  expect(fingerprint.foreground).toHaveLength(1);
  const { mean, sd, least, low, median, high, largest } = fingerprint.foreground[0];
  expect([mean - 180, median - 180].every((off) => Math.abs(off) < 6)).toBe(true);
  expect(Math.abs(sd - 20)).toBeLessThan(4);
  expect([least, low, median, high, largest]).toEqual(
    [least, low, median, high, largest].sort((a, b) => a - b),
  );
  expect(fingerprint.shares["0"] + fingerprint.shares["1"]).toBeCloseTo(1, 12);

  const predicted = await pixelcal([
    ...[
      "infer",
      "--config",
      at("runs/raw.yaml"),
      "--runs",
      at("runs"),
      "--out",
      at("preds"),
      "--save",
      "labels",
    ],
  ]);
  expect(predicted.code, predicted.messages).toBe(0);
  expect(await readVolume(at("preds/case_5.nii.gz"))).toMatchObject({
    shape: [10, 10, 10],
    origin: [1, 2, 3],
  });

  // An edited plan is kept: it is no longer made, but read.
  await writeFile(
    at("runs/raw.yaml"),
    (await readFile(at("runs/raw.yaml"), "utf8")).replace("base: 32", "base: 2"),
  );
  const again = await pixelcal([...args, "--overwrite"]);
  expect(again.code, again.messages).toBe(0);
  expect(again.messages).toContain("plain3d base 2");
  expect((await pixelcal(["prepare", "--data", at("raw"), "--out", at("runs")])).messages).toContain(
    "exists already",
  );
});

test("reads cases once where memory holds them all", async () => {
  const args = { data: at("raw"), out: at("held"), measure: false };
  const plan = await prepare(args, { terminal: silent });
  // A second reading would not find them.
  await rename(at("raw"), at("away"));
  await storeCases(plan, args, { terminal: silent });
  await rename(at("away"), at("raw"));
  expect(existsSync(at("held/prepared"))).toBe(false);
});

/** Values that are a CT's, whose normalisation has numbers of the training split. */
const hounsfield = { slope: 10, inter: -1700 };

test.each([
  ["z-score", undefined],
  ["ct", hounsfield],
])("puts cases that memory does not hold where the training finds them: %s", async (scheme, scaled) => {
  const root = at(`of-${scheme}`);
  await cp(at("raw"), root, { recursive: true });
  if (scaled)
    for (const name of await readdir(join(root, "imagesTr"))) {
      const { data, ...volume } = await readVolume(join(root, "imagesTr", name));
      const values = Float32Array.from(data as Float32Array, (x) => x * scaled.slope + scaled.inter);
      await writeVolume(join(root, "imagesTr", name), { ...volume, type: "float32", data: values });
    }
  const args = { data: root, out: at(`stored-${scheme}`), measure: false };
  const store = join(args.out, "prepared");
  let text = "";
  const terminal = new Terminal({ write: (part: string | Uint8Array) => Boolean((text += part)) });
  await storeCases(await prepare(args, { terminal: silent }), { ...args, cacheBytes: 0 }, { terminal });
  expect(text).toBe(`${store}: 5 of 5 cases, prepared; memory holds the others\n`);
  const written = async (): Promise<readonly [string, number][]> =>
    Promise.all(
      (await readdir(store)).map(
        async (name) => [name, (await stat(join(store, name))).mtimeMs] as [string, number],
      ),
    );
  const before = await written();
  const config = readConfig(join(args.out, `of-${scheme}.yaml`));
  expect(config.preparation?.normalization).toMatchObject([{ scheme }]);
  const { train, validation } = await openTrainingSplits(config, await networkOf(config), {
    root,
    store,
    cacheBytes: 0,
  });
  expect([train.stored, validation.stored]).toEqual([4, 1]);
  expect(await written()).toEqual(before);
});

test("numbers of CT that the plan's reading gave are those that the training measures", async () => {
  const args = ["train", "--data", at("of-ct"), "--out", at("numbers"), "--epochs", "1", "--threads", "1"];
  const trained = async (...more: string[]) => {
    const { code, messages } = await pixelcal([...args, ...more]);
    expect(code, messages).toBe(0);
    const { preparation } = JSON.parse(await readFile(at("numbers/of-ct/config.json"), "utf8"));
    return [preparation, await readFile(at("numbers/of-ct/log.csv"), "utf8")];
  };
  const [first, second] = [await trained(), await trained("--overwrite")];
  expect(first![0].normalization[0].sd).toBeGreaterThan(0);
  expect(second).toEqual(first);
});

test("refuses what a training would refuse", async () => {
  const expectRefusal = async (spoil: () => Promise<unknown>, message: RegExp): Promise<void> => {
    await rm(at("spoilt"), { recursive: true, force: true });
    await cp(at("raw"), at("spoilt"), { recursive: true });
    await spoil();
    const args = ["prepare", "--data", at("spoilt"), "--out", at("refused")];
    const { code, messages } = await pixelcal(args);
    expect([code, messages]).toEqual([1, expect.stringMatching(message)]);
  };
  const path = at("spoilt/imagesTr/case_2_0000.nii.gz");
  const { data, ...volume } = await readVolume(at("raw/imagesTr/case_2_0000.nii.gz"));
  const holed = (data as Float32Array).with(7, Number.NaN);
  await expectRefusal(
    () => writeVolume(path, { ...volume, type: "float32", data: holed }),
    /case_2_0000.nii.gz: image: expected finite values, got NaN at offset 7/,
  );
  await expectRefusal(
    () => cp(path, at("spoilt/imagesTr/case_2_0001.nii.gz")),
    /case_2_0000.nii.gz: image: has 2 channel\(s\) and 3 spatial axes, but .*case_1_0000.nii.gz has 1 channel/,
  );
  await expectRefusal(
    () => rm(at("spoilt/labelsTr"), { recursive: true }),
    /case_1_0000.nii.gz: label: has no label map/,
  );
});

test("remarks on images that two splits share, on empty labels and constant images", async () => {
  for (const folder of ["odd/imagesTr", "odd/labelsTr"]) await mkdir(at(folder), { recursive: true });
  const write = (name: string, value: (i: number) => number, label: number): Promise<unknown> => {
    const image = tensor(
      "float32",
      Float32Array.from({ length: 512 }, (_, i) => value(i)),
      [8, 8, 8],
    );
    const labels = tensor("uint8", new Uint8Array(512).fill(label, 0, 9), [8, 8, 8]);
    const where = grid([8, 8, 8], [1, 1, 1]);
    return Promise.all([
      writeVolume(at("odd/imagesTr", `${name}_0000.nii.gz`), volumeOf(image, where)),
      writeVolume(at("odd/labelsTr", `${name}.nii.gz`), volumeOf(labels, where)),
    ]);
  };
  await write("a", (i) => i, 1);
  await write("b", (i) => i, 1);
  await write("c", () => 7, 0);
  const json = { labels: { background: 0, one: 1, two: 2 }, file_ending: ".nii.gz" };
  await writeFile(at("odd/dataset.json"), JSON.stringify(json));
  const { code, messages } = await pixelcal(["prepare", "--data", at("odd"), "--out", at("runs")]);
  expect(code, messages).toBe(0);
  expect(messages).toMatch(/_0000\.nii\.gz: the same image as .*_0000\.nii\.gz, of another split/);
  expect(messages).toMatch(/c_0000\.nii\.gz: every value is 7/);
  expect(messages).toMatch(/c_0000\.nii\.gz: has no foreground/);
  expect(messages).toContain("no case has the label 2");

  const again = ["prepare", "--data", at("odd"), "--out", at("runs"), "--overwrite"];
  const whole = await pixelcal([...again, "--fold", "all"]);
  expect(whole.code, whole.messages).toBe(0);
  expect(whole.messages).toContain("every case trains and validates");
  expect(whole.messages).not.toContain("of another split");
  expect(whole.messages.match(/every value is 7/g)).toHaveLength(1);

  await write("d", (i) => i + 1, 5);
  const stray = await pixelcal(again);
  expect(stray.code).toBe(1);
  expect(stray.messages).toMatch(/d_0000\.nii\.gz: holds the label 5, expected 0 to 2/);
});

test("a label far from the others is one to ignore where nothing names the labels", async () => {
  const dims = [8, 10, 12];
  const draw = Random.fromSeed(3);
  for (const [split, count] of [
    ["train", 2],
    ["val", 1],
  ] as const)
    for (let i = 0; i < count; i++) {
      // Values of 0 around labels 0, of 100 at label 1 and of 1000 where there is no ground truth.
      const values = Array.from({ length: 960 }, (_, at) => (at % 12 < 5 ? 0 : at % 12 < 11 - i ? 1 : 255));
      const image = Float32Array.from(
        values,
        (label) => [1, 100, 1000][Math.min(label, 2)]! + draw.uniform(),
      );
      const label = tensor("uint8", Uint8Array.from(values), dims);
      await writeNpz(at("void", split, `${i}.npz`), { image: tensor("float32", image, [1, ...dims]), label });
    }
  const { code, messages } = await pixelcal(["prepare", "--data", at("void"), "--out", at("runs")]);
  expect(code, messages).toBe(0);
  expect(messages).toBe(
    "warning: the label 255 seems to mark pixels without a ground truth; dataset.ignore of the plan\n" +
      `${at("runs/void.yaml")}: plan for 2 cases to train, 1 to validate, 3 axes, 1 channels, 2 classes\n`,
  );
  expect(parse(await readFile(at("runs/void.yaml"), "utf8"))).toMatchObject({
    dataset: { ignore: 255 },
    model: { num_classes: 2 },
  });
  const fingerprint = JSON.parse(await readFile(at("runs/void.fingerprint.json"), "utf8"));
  expect(fingerprint.foreground[0].largest).toBeLessThan(102);
  expect(fingerprint.foreground[0].least).toBeGreaterThan(99);
});

test("images that are mostly 0 are planned by their box, and normalised by its pixels", async () => {
  for (const folder of ["dark/imagesTr", "dark/labelsTr"]) await mkdir(at(folder), { recursive: true });
  for (const name of ["a", "b", "c"]) {
    const inBox = (i: number): boolean =>
      [i % 24, Math.floor(i / 24) % 24, Math.floor(i / 576)].every((n) => n >= 4 && n < 20);
    const pixels = Array.from({ length: 24 ** 3 }, (_, i) => i);
    const image = Float32Array.from(pixels, (i) => (inBox(i) ? 50 + (i % 7) + name.charCodeAt(0) : 0));
    const labels = Uint8Array.from(pixels, (i) => Number(inBox(i) && i % 24 < 12));
    const where = grid([24, 24, 24], [1, 1, 1]);
    await writeVolume(
      at("dark/imagesTr", `${name}_0000.nii.gz`),
      volumeOf(tensor("float32", image, [24, 24, 24]), where),
    );
    await writeVolume(
      at("dark/labelsTr", `${name}.nii.gz`),
      volumeOf(tensor("uint8", labels, [24, 24, 24]), where),
    );
  }
  const json = { labels: { background: 0, half: 1 }, file_ending: ".nii.gz" };
  await writeFile(at("dark/dataset.json"), JSON.stringify(json));
  const { code, messages } = await pixelcal(["prepare", "--data", at("dark"), "--out", at("runs")]);
  expect(code, messages).toBe(0);
  expect(parse(await readFile(at("runs/dark.yaml"), "utf8"))).toMatchObject({
    preparation: { normalization: { scheme: "z-score", nonzero: true }, crop: true },
    patches: { size: [16, 16, 16] },
  });
});

test("without either, train names both", async () => {
  const { code, messages } = await pixelcal(["train"]);
  expect([code, messages]).toEqual([2, "error: needs --config or --data\n"]);
});

test("patches have the memory of a measured step", async () => {
  for (const [split, cases] of [
    ["train", 3],
    ["val", 1],
  ] as const)
    for (let i = 0; i < cases; i++) {
      const dims = [10, 96, 96];
      const image = zeros("float32", [1, ...dims]);
      image.data.forEach((_, at) => {
        image.data[at] = 1 + (at % (7 + i));
      });
      const label = zeros("uint8", dims);
      label.data.fill(1, 30_000, 60_000);
      const spacing = tensor("float64", Float64Array.of(5, 0.7, 0.7), [3]);
      await writeNpz(at("coarse", split, `${i}.npz`), { image, label, spacing });
    }
  const planned = async (out: string, ...more: string[]) => {
    const args = ["prepare", "--data", at("coarse"), "--out", at(out), "--memory", "0.125", ...more];
    const { code, messages } = await pixelcal(args);
    expect(code, messages).toBe(0);
    const text = await readFile(at(out, "coarse.yaml"), "utf8");
    return { messages, text, patch: parse(text).patches.size as number[] };
  };
  const [estimated, measured] = [await planned("estimated", "--no-measure"), await planned("measured")];
  expect(estimated.messages).not.toContain("measuring");
  expect(estimated.text).toContain("less where a step would take more than 0.125 GiB (estimated)");
  // The estimate is of isotropic networks, and knows of none with strides of their own.
  expect(measured.messages).toContain(`measuring a step of 2 patches of ${estimated.patch.join(" x ")};`);
  expect(measured.text).toMatch(/it took about 0\.\d+ of 0\.125 GiB \(measured\)/);
  const pixels = (size: readonly number[]): number => size.reduce((a, b) => a * b, 1);
  expect(pixels(measured.patch)).toBeLessThan(pixels(estimated.patch));
});
