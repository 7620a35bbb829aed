import { cpSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listCases, readNpz } from "@pixelcal/io";
import { beforeAll, describe, expect, test } from "vitest";
import type { TrainReport } from "../reports.js";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

const train = (config: string, out: string, ...more: string[]): Promise<Ran> =>
  pixelcal(["train", "--config", at(config), "--out", at(out), ...more]);
const bytes = (...parts: string[]): Promise<Buffer> => readFile(at(...parts));

/** Predicts the test split; returns the probabilities of all cases. */
async function predicted(out: string, ...source: string[]): Promise<readonly Float32Array[]> {
  const { code, messages } = await pixelcal(["infer", ...source, "--out", at(out)]);
  expect(code, messages).toBe(0);
  const names = await listCases(join(data, "test"));
  return Promise.all(
    names.map(async (name) => (await readNpz(at(out, `${name}.npz`))).probs!.data as Float32Array),
  );
}

function furthest(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(...a.flatMap((probs, n) => Array.from(probs, (p, i) => Math.abs(p - b[n]![i]!))));
}

describe("a run of several networks", () => {
  let report: TrainReport;

  beforeAll(async () => {
    for (const seed of [42, 43]) {
      await writeConfig(`seed-${seed}.json`, { run_name: `seed-${seed}`, seed });
      expect((await train(`seed-${seed}.json`, "runs")).code).toBe(0);
    }
    await writeConfig("both.json", { run_name: "both", members: 2 });
    const { code, output, messages } = await train("both.json", "runs", "--json");
    expect(code, messages).toBe(0);
    report = JSON.parse(output);
    expect(messages).toContain("2 networks of 3 epochs");
    expect(messages).toContain("network 2/2 epoch 3/3");
    expect(messages.match(/cases of train/g)).toHaveLength(1);
  });

  test("are those of its seeds, each in a folder of its own", async () => {
    for (const [k, seed] of [42, 43].entries())
      for (const name of ["log.csv", "model.onnx"])
        expect(await bytes("runs/both", `member_${k + 1}`, name)).toEqual(
          await bytes("runs", `seed-${seed}`, name),
        );
    expect((await readdir(at("runs/both"))).sort()).toEqual([
      "config.json",
      "member_1",
      "member_2",
      "model.onnx",
    ]);
    expect(JSON.parse(await readFile(at("runs/both/config.json"), "utf8"))).toMatchObject({ members: 2 });
  });

  test("predicts the mean of their probabilities, from its folder and from its file", async () => {
    const [one, other, mean, file] = [
      await predicted("one", "--config", at("seed-42.json"), "--runs", at("runs")),
      await predicted("other", "--config", at("seed-43.json"), "--runs", at("runs")),
      await predicted("mean", "--config", at("both.json"), "--runs", at("runs")),
      await predicted("file", "--model", at("runs/both/model.onnx"), "--data", data),
    ];
    const expected = one.map((probs, n) => probs.map((p, i) => (p + other[n]![i]!) / 2));
    expect(furthest(one, expected)).toBeGreaterThan(0.01);
    expect(furthest(mean, expected)).toBeLessThan(1e-6);
    expect(furthest(file, expected)).toBeLessThan(1e-6);
  });

  test("reports the scores of the mean on the validation split", () => {
    const { members, validation, model, parameters } = report;
    expect(members!.map(({ folder }) => folder)).toEqual([1, 2].map((k) => at(`runs/both/member_${k}`)));
    expect(model).toBe(at("runs/both/model.onnx"));
    expect(parameters).toBe(2 * members![0]!.parameters);
    // The logarithm of a mean is at least the mean of the logarithms.
    const [a, b] = members!.map((member) => member.validation.nll);
    expect(validation.nll).toBeLessThan((a! + b!) / 2);
    expect(validation.nll).toBeGreaterThan(0.9 * Math.min(a!, b!));
    expect(validation).not.toHaveProperty("loss");
    expect(validation.temperature).toBeGreaterThan(0);
  });

  test("resumes with the network that was being trained, to the same bytes", async () => {
    cpSync(at("runs/both"), at("parts/both"), { recursive: true });
    for (const gone of ["member_2", "model.onnx"]) await rm(at("parts/both", gone), { recursive: true });
    const { code, messages } = await train("both.json", "parts", "--resume");
    expect(code, messages).toBe(0);
    expect(messages).not.toContain("network 1/2 epoch");
    for (const name of ["model.onnx", "member_2/log.csv"])
      expect(await bytes("parts/both", name)).toEqual(await bytes("runs/both", name));
  });

  test("is neither replaced nor continued as another one unasked", async () => {
    const again = await train("both.json", "runs");
    expect([again.code, again.messages]).toEqual([1, expect.stringContaining("already holds a run")]);
    await writeConfig("one.json", { run_name: "both" });
    const single = await train("one.json", "runs", "--resume");
    expect([single.code, single.messages]).toEqual([
      2,
      `error: members: ${at("runs/both")} holds a run of several networks, not of one: --overwrite starts over\n`,
    ]);
    await writeConfig("more.json", { run_name: "seed-42", members: 2 });
    const more = await train("more.json", "runs", "--resume");
    expect([more.code, more.messages]).toEqual([
      2,
      `error: members: ${at("runs/seed-42")} holds a run of one network, not of several: --overwrite starts over\n`,
    ]);
    const named = await train("both.json", "runs", "--resume", at("runs/both/member_1/last.safetensors"));
    expect([named.code, named.messages]).toEqual([
      2,
      expect.stringContaining("--resume: no checkpoint can be named for a run of several networks"),
    ]);
  });

  test("is lost to a run that replaces it, once that one can begin", async () => {
    cpSync(at("runs/both"), at("gone/both"), { recursive: true });
    const all = await readdir(at("gone/both"), { recursive: true });
    const wrong = { run_name: "both", model: { arch: "unet2d", in_channels: 2, num_classes: 4, base: 2 } };
    await writeConfig("wrong.json", { ...wrong, members: 2 });
    expect((await train("wrong.json", "gone", "--overwrite")).code).toBe(2);
    expect(await readdir(at("gone/both"), { recursive: true })).toEqual(all);
    await writeConfig("three.json", { run_name: "both", epochs: 1, members: 3 });
    expect((await train("three.json", "gone", "--overwrite")).code).toBe(0);
    expect(await readdir(at("gone/both"))).toContain("member_3");
    expect((await train("one.json", "gone", "--overwrite")).code).toBe(0);
    const left = await readdir(at("gone/both"));
    expect(left.filter((name) => name.startsWith("member_"))).toEqual([]);
    expect(await bytes("gone/both/model.onnx")).toEqual(await bytes("runs/seed-42/model.onnx"));
  });
});

test("a loss is chosen by trainings of one network each, for all of them", async () => {
  const loss = { name: "signedDistanceCalibration", preset: "proper", dice: 0.25, scale: 0.35 };
  const others = { run_name: "tuned", method: undefined, sdc: undefined, loss, epochs: 1 };
  await writeConfig("tuned.json", { ...others, members: 2 });
  const { code, messages } = await train("tuned.json", "runs", "--tune");
  expect(code, messages).toBe(0);
  expect(await readdir(at("runs/tuned"))).toEqual(expect.arrayContaining(["member_2", "tuning.json"]));
});

test("networks of regions have their sigmoids' mean, with the regions", async () => {
  const regions = [
    { name: "all", labels: [1, 2, 3] },
    { name: "last", labels: [3] },
  ];
  const loss = { name: "diceCrossEntropy", includeBackground: false };
  const dataset = { root: data, regions };
  await writeConfig("regions.json", {
    ...{ run_name: "regions", method: undefined, sdc: undefined, loss, dataset },
    ...{ epochs: 1, members: 2 },
  });
  const { code, messages } = await train("regions.json", "runs");
  expect(code, messages).toBe(0);
  const mean = await predicted("heads", "--config", at("regions.json"), "--runs", at("runs"));
  const file = await predicted("headed", "--model", at("runs/regions/model.onnx"), "--data", data);
  expect(mean[0]).toHaveLength(2 * 24 * 24);
  expect(furthest(file, mean)).toBeLessThan(1e-6);
});

test("an ONNX file is trained as one network", async () => {
  await writeFile(
    at("onnx.json"),
    JSON.stringify({
      run_name: "onnx",
      loss: { name: "crossEntropy" },
      members: 2,
      model: { onnx: "m.onnx" },
      dataset: { root: data },
    }),
  );
  const { code, messages } = await train("onnx.json", "runs");
  expect([code, messages]).toEqual([
    2,
    expect.stringContaining(
      "members: expected 1 for an ONNX file, from whose weights all would start, got 2",
    ),
  ]);
});

test("folds have several networks each, which predict the cases that they did not train with", async () => {
  await writeConfig("folds.json", { run_name: "folds", epochs: 1, members: 2 });
  for (const fold of ["0", "1"]) {
    const { code, messages } = await train("folds.json", "runs", "--fold", fold);
    expect(code, messages).toBe(0);
  }
  const args = ["infer", "--config", at("folds.json"), "--runs", at("runs"), "--split", "val"];
  expect((await pixelcal([...args, "--folds", "0,1", "--out", at("by-folds")])).code).toBe(0);
  for (const fold of ["0", "1"]) {
    const { code } = await pixelcal([...args, "--fold", fold, "--out", at(`by-fold-${fold}`)]);
    expect(code).toBe(0);
    for (const name of await listCases(at(`by-fold-${fold}`)))
      expect(await bytes("by-folds", `${name}.npz`)).toEqual(await bytes(`by-fold-${fold}`, `${name}.npz`));
  }
  const none = await pixelcal([
    "infer",
    "--config",
    at("folds.json"),
    "--runs",
    at("runs"),
    "--out",
    at("no"),
  ]);
  expect([none.code, none.messages]).toEqual([
    2,
    expect.stringContaining("holds trained folds; --folds 0,1"),
  ]);
});
