import { expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

/** Runs a command with --json and returns the only thing that it prints on stdout, one object. */
async function report(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, output, messages } = await pixelcal([...args, "--json"]);
  expect(messages).not.toContain("error");
  expect(code).toBe(0);
  const parsed = JSON.parse(output) as Record<string, unknown>;
  expect(parsed.command).toBe(args[0]);
  return parsed;
}

test("phantom", async () => {
  const args = ["--out", at("made"), "--cases", "3", "--size", "16x16", "--seed", "7"];
  expect(await report("phantom", ...args)).toEqual({
    command: "phantom",
    root: at("made"),
    cases: { train: 1, val: 1, test: 1 },
    seed: 7,
    truth: "truth",
  });
});

test("train, infer, evaluate and check, one after another", async () => {
  const path = await writeConfig("toy.yaml", { epochs: 1 });
  const trained = await report("train", "--config", path, "--out", at("runs"));
  expect(trained).toEqual({
    command: "train",
    run: "toy",
    folder: at("runs", "toy"),
    epochs: 1,
    bestEpoch: 1,
    stoppedEarly: false,
    validation: {
      loss: expect.any(Number),
      dice: expect.any(Number),
      nll: expect.any(Number),
      temperature: expect.any(Number),
    },
    parameters: expect.any(Number),
    trained: trained.parameters,
    seconds: expect.any(Number),
    model: at("runs", "toy", "model.onnx"),
    checkpoint: at("runs", "toy", "best.safetensors"),
  });
  const model = at("runs", "toy", "model.onnx");
  const predicted = await report("infer", "--model", model, "--data", data, "--out", at("preds", "toy"));
  expect(predicted).toEqual({
    command: "infer",
    folder: at("preds", "toy"),
    split: "test",
    cases: ["case_0000", "case_0001"],
  });
  const files = { csv: at("table.csv"), json: at("table.json") };
  const scored = await report("evaluate", "--predictions", at("preds"), "--out", files.csv);
  expect(scored).toEqual({
    command: "evaluate",
    files,
    settings: expect.objectContaining({ convention: "reference", bins: 10, common: false }),
    differences: [],
    runs: [expect.objectContaining({ run: "toy", missing: [], relabelled: [], cases: expect.any(Array) })],
  });
  expect(await report("check", model, "--threads", "1")).toMatchObject({
    command: "check",
    model,
    bytes: expect.any(Number),
    trainable: true,
    dims: [1, 1, 24, 24],
  });
});

test("demo", async () => {
  const args = ["--data", data, "--out", at("demo"), "--epochs", "1", "--base", "2", "--methods", "ce"];
  expect(await report("demo", ...args, "--threads", "1")).toEqual({
    command: "demo",
    out: at("demo"),
    seconds: expect.any(Number),
    files: { csv: at("demo", "results.csv"), json: at("demo", "results.json") },
    settings: expect.objectContaining({ methods: ["ce"], epochs: 1, root: data }),
    runs: [expect.objectContaining({ run: "ce" })],
  });
});

test("a failure prints no object, and its reason on stderr", async () => {
  const { code, output, messages } = await pixelcal(["evaluate", "--predictions", at("none"), "--json"]);
  expect(code).toBe(1);
  expect(output).toBe("");
  expect(messages).toContain("none: no such folder");
});
