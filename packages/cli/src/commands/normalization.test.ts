import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { listCases, readCase, readNpz, writeNpz } from "@pixelcal/io";
import { preparationOf } from "@pixelcal/train";
import { beforeAll, expect, test } from "vitest";
import { pixelcal, type Ran } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

/** Writes the phantoms as a scanner would: Hounsfield units from -1000 on. */
beforeAll(async () => {
  for (const split of ["train", "val", "test"]) {
    await mkdir(at("ct", split), { recursive: true });
    for (const name of await listCases(join(data, split))) {
      const { image, labels } = await readCase(join(data, split, `${name}.npz`));
      const units = image.data.map((value) => Math.round(Math.max(-1000, 300 * value - 700)));
      units[0] = -1000;
      units[1] = 1200;
      const label = tensor("int64", BigInt64Array.from(labels.data, BigInt), labels.dims);
      await writeNpz(at("ct", split, `${name}.npz`), { image: tensor("float32", units, image.dims), label });
    }
  }
});

const train = async (run: string, config: object, ...more: string[]): Promise<Ran> =>
  pixelcal([
    "train",
    "--config",
    await writeConfig(`${run}.json`, { run_name: run, epochs: 1, ...config }),
    "--out",
    at("runs"),
    ...more,
  ]);
const probabilities = async (folder: string): Promise<unknown> => {
  const [name] = await listCases(at(folder));
  return (await readNpz(at(folder, `${name}.npz`))).probs!.data;
};

test("ct is measured on the training split, recorded, exported and applied", async () => {
  const { code, messages } = await train("ct", { preparation: { normalization: "ct" } }, "--data", at("ct"));
  expect(code, messages).toBe(0);
  expect(messages).not.toContain("Hounsfield");
  const { preparation } = JSON.parse(await readFile(at("runs", "ct", "config.json"), "utf8"));
  expect(Object.keys(preparation.normalization[0])).toEqual(["scheme", "low", "high", "mean", "sd"]);
  const model = at("runs", "ct", "model.onnx");
  expect(preparationOf(await readFile(model))).toEqual(preparation);

  const run = await pixelcal([
    ...["infer", "--config", at("ct.json"), "--runs", at("runs"), "--data", at("ct"), "--out", at("p1")],
  ]);
  expect(run.code, run.messages).toBe(0);
  const file = await pixelcal(["infer", "--model", model, "--data", at("ct"), "--out", at("p2")]);
  expect(file.code, file.messages).toBe(0);
  expect(file.messages).not.toContain("carries no normalization");
  expect(await probabilities("p2")).toEqual(await probabilities("p1"));

  // Training it further keeps the numbers, without a word in the configuration.
  const further = await train("further", { model: { onnx: model } }, "--data", at("ct"));
  expect(further.code, further.messages).toBe(0);
  expect(preparationOf(await readFile(at("runs", "further", "model.onnx")))).toEqual(preparation);
});

test("without a scheme: a warning of raw CT, and a file that says so", async () => {
  const { code, messages } = await train("plain", {}, "--data", at("ct"));
  expect(code, messages).toBe(0);
  expect(messages).toMatch(/values from -1000 to 1200 seem to be Hounsfield units/);
  expect(preparationOf(await readFile(at("runs", "plain", "model.onnx")))).toEqual({
    normalization: [{ scheme: "none" }],
  });
  const ordinary = await train("ordinary", {});
  expect(ordinary.messages).not.toContain("Hounsfield");
});

test("a run resumes with its own numbers, without a difference", async () => {
  const { messages } = await train(
    "ct",
    { epochs: 2, preparation: { normalization: "ct" } },
    "--data",
    at("ct"),
    "--resume",
  );
  expect(messages).not.toContain("preparation");
});
