import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { resampleImage, resampleLabels, tensor, zeros } from "@pixelcal/core";
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

test("crop and spacing are applied to training, recorded and exported", async () => {
  // The phantoms in a border of zeros, and the twin: cut and resampled beforehand.
  for (const split of ["train", "val", "test"])
    for (const name of await listCases(join(data, split))) {
      const { image, labels, spacing } = await readCase(join(data, split, `${name}.npz`));
      const size = { spacing: tensor("float64", Float64Array.from(spacing!), [2]) };
      const bordered = { image: zeros("float32", [1, 32, 28]), label: zeros("uint8", [32, 28]) };
      for (const [i, value] of image.data.entries()) {
        const at = (Math.floor(i / 24) + 5) * 28 + (i % 24) + 1;
        bordered.image.data[at] = value + 10; // No pixel of the phantom itself is 0.
        bordered.label.data[at] = Number(labels.data[i]);
      }
      await writeNpz(at("bordered", split, `${name}.npz`), { ...bordered, ...size });
      const shifted = { ...image, data: image.data.map((value) => value + 10) };
      const map = tensor("uint8", Uint8Array.from(labels.data, Number), [1, 24, 24]);
      const to = { size: [16, 16] };
      await writeNpz(at("resampled", split, `${name}.npz`), {
        image: await resampleImage(shifted, { ...to, interpolation: ["cubic", "cubic"] }),
        label: {
          ...(await resampleLabels(map, { ...to, interpolation: ["linear", "linear"] })),
          dims: [16, 16],
        },
        spacing: tensor(
          "float64",
          Float64Array.from(spacing!, (mm) => mm * 1.5),
          [2],
        ),
      });
    }
  const { spacing } = await readCase(
    at("resampled", "train", `${(await listCases(at("resampled/train")))[0]}.npz`),
  );
  const preparation = { normalization: "none", crop: true, spacing };
  const found = [];
  for (const [run, folder, more] of [
    ["cut", "bordered", { preparation }],
    ["twin", "resampled", {}],
  ] as const) {
    const { code, messages } = await train(run, more, "--data", at(folder));
    expect(code, messages).toBe(0);
    found.push(await readFile(at("runs", run, "log.csv"), "utf8"));
  }
  expect(found[0]).toBe(found[1]);
  const recorded = { ...preparation, normalization: [{ scheme: "none" }] };
  expect(JSON.parse(await readFile(at("runs/cut/config.json"), "utf8")).preparation).toEqual(recorded);
  expect(preparationOf(await readFile(at("runs/cut/model.onnx")))).toEqual(recorded);
});
