import { readFile } from "node:fs/promises";
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
