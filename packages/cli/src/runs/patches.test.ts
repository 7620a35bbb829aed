import { readdir, readFile, writeFile } from "node:fs/promises";
import { modelMetadata, withMetadata } from "@pixelcal/graph";
import { readPrediction } from "@pixelcal/io";
import { expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

test("a run on patches, half of them around the foreground, resumes bit for bit", async () => {
  const patches = { size: [16, 8], per_epoch: 7, foreground: 0.5 };
  const augment = { flips: true };
  const path = await writeConfig("patches.yaml", { run_name: "patches", patches, augment });
  const args = (out: string): string[] => ["train", "--config", path, "--out", at(out)];
  expect((await pixelcal(args("whole"))).code).toBe(0);
  const stopped = await pixelcal(args("parts"), (text) =>
    text.startsWith("epoch 1/3") ? AbortSignal.abort() : undefined,
  );
  expect(stopped.code).toBe(130);
  expect((await pixelcal([...args("parts"), "--resume"])).code).toBe(0);
  for (const file of ["log.csv", "config.json", "last.safetensors", "best.safetensors", "model.onnx"]) {
    const [a, b] = await Promise.all(["parts", "whole"].map((out) => readFile(at(out, "patches", file))));
    expect(a, file).toEqual(b);
  }
  const text = await readFile(at("whole", "patches", "config.json"), "utf8");
  expect(JSON.parse(text).patches).toEqual(patches);
});

test("patches larger than the cases are padded, and validation takes windows of their size", async () => {
  const patches = { size: [16, 32], per_epoch: 4 };
  const path = await writeConfig("large.yaml", { run_name: "large", epochs: 1, patches });
  const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("runs")]);
  expect(code, messages).toBe(0);
});

test("the model file carries the size of its patches, the tiles that it predicts with", async () => {
  const path = await writeConfig("tiles.yaml", { run_name: "tiles", epochs: 1, patches: { size: [16, 8] } });
  expect((await pixelcal(["train", "--config", path, "--out", at("tiled")])).code).toBe(0);
  const model = at("tiled/tiles/model.onnx");
  const bytes = await readFile(model);
  expect(modelMetadata(bytes)["pixelcal.tile"]).toBe("16x8");
  const infer = (out: string, ...from: string[]) => pixelcal(["infer", ...from, "--out", at(out)]);
  expect((await infer("of-run", "--config", path, "--runs", at("tiled"))).code).toBe(0);
  expect((await infer("of-file", "--model", model, "--data", at("data"))).code).toBe(0);
  const [name] = await readdir(at("of-run"));
  const [run, file] = await Promise.all(["of-run", "of-file"].map((out) => readPrediction(at(out, name!))));
  for (const [i, p] of run!.probs.data.entries()) expect(file!.probs.data[i]).toBeCloseTo(p, 6);

  const damaged = at("damaged.onnx");
  await writeFile(damaged, Buffer.concat(withMetadata(bytes, { "pixelcal.tile": "16x" })));
  const refused = await infer("none", "--model", damaged, "--data", at("data"));
  expect(refused.messages).toBe(
    `error: ${damaged}: pixelcal.tile: expected sizes such as 160x160, got "16x"\n`,
  );
  expect(refused.code).toBe(1);
});

test("--overlap is refused for a model that neither --tile nor its file gives tiles", async () => {
  const path = await writeConfig("whole.yaml", { run_name: "whole", epochs: 1 });
  expect((await pixelcal(["train", "--config", path, "--out", at("untiled")])).code).toBe(0);
  const model = ["infer", "--model", at("untiled/whole/model.onnx"), "--data", at("data")];
  const { code, messages } = await pixelcal([...model, "--out", at("overlap"), "--overlap", "0.5"]);
  expect(messages).toBe("error: --overlap needs --tile\n");
  expect(code).toBe(2);
});
