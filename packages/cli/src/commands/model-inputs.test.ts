import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel } from "@pixelcal/graph";
import { listCases, readPrediction } from "@pixelcal/io";
import { describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

/** Writes a network of an RGB image and a step, which shifts its logits. */
async function writeNetwork(path: string): Promise<void> {
  const graph = new Graph("conditioned");
  const image = graph.input("image", "float32", [1, 3, 24, 24]);
  const step = graph.input("step", "int64", [1]);
  const shift = graph.initializer("shift", tensor("float32", Float32Array.of(0, 0.5, 1, -1), [4, 1, 1]));
  const weight = Float32Array.from({ length: 4 * 27 }, (_, i) => Math.sin(i) / 5);
  const kernel = graph.initializer("kernel", tensor("float32", weight, [4, 3, 3, 3]));
  const features = ops.Conv(image, kernel, undefined, { pads: [1, 1, 1, 1] });
  graph.output("logits", ops.Add(features, ops.Mul(shift, ops.Cast(step, "float32"))));
  const dims = { image: ["N", 3, 24, 24], step: [1], logits: ["N", 4, 24, 24] };
  await writeFile(path, serializeModel(graph, { dims }));
}

describe("a network of an RGB image and a further input", () => {
  const options = ["--input", "step=2", "--channels", "repeat"];

  test("is checked, trained, used and calibrated", async () => {
    const path = at("rgb.onnx");
    await writeNetwork(path);
    const refused = await pixelcal(["check", path]);
    expect(refused.code).toBe(1);
    expect(refused.messages).toContain(
      "inputs: expected one input without a value, the image, got image float32 [N, 3, 24, 24] and step int64 [1]",
    );
    const checked = await pixelcal(["check", path, ...options]);
    expect(checked.messages).toBe("");
    expect(checked.output).toMatch(/^tried with +1 x 1 x 24 x 24$/m);

    const model = { onnx: path, inputs: { step: 2 }, channels: "repeat" };
    const config = await writeConfig("rgb.json", { run_name: "rgb", epochs: 1, model });
    const trained = await pixelcal(["train", "--config", config, "--out", at("runs")]);
    expect(trained.messages).not.toContain("error");
    expect(trained.code).toBe(0);
    const file = at("runs/rgb/model.onnx");
    expect((await readFile(file)).length).toBeGreaterThan((await readFile(path)).length - 1);

    const own = await pixelcal(["infer", "--config", config, "--runs", at("runs"), "--out", at("own")]);
    expect(own.code).toBe(0);
    const other = await pixelcal([
      "infer",
      "--model",
      file,
      "--data",
      data,
      "--out",
      at("other"),
      ...options,
    ]);
    expect(other.code).toBe(0);
    // The file says by itself what it is given, unless the options do.
    const carried = ["infer", "--model", file, "--data", data, "--out"];
    expect((await pixelcal([...carried, at("carried")])).code).toBe(0);
    expect((await pixelcal([...carried, at("overridden"), "--input", "step=0"])).code).toBe(0);
    for (const name of await listCases(join(data, "test"))) {
      const [a, b, c, d] = await Promise.all(
        ["own", "other", "carried", "overridden"].map((run) => readPrediction(at(run, `${name}.npz`))),
      );
      expect(a!.probs).toEqual(b!.probs);
      expect(a!.probs).toEqual(c!.probs);
      expect(a!.probs).not.toEqual(d!.probs);
    }
    expect((await pixelcal(["check", file])).output).toMatch(
      /^reading +--channels repeat --input step=2 \(the file says so; options override it\)$/m,
    );

    const out = at("calibrated.onnx");
    const calibrate = ["calibrate", "--model", file, "--data", data, "--method", "temperature", "--out", out];
    expect((await pixelcal([...calibrate, ...options])).code).toBe(0);
    expect((await pixelcal(["check", out, ...options])).output).toMatch(/^calibrator +temperature/m);
  });

  test.each([
    [["--input", "step"], "Expected the input's name and its values"],
    [["--input", "step=a"], "Expected the input's name and its values"],
    [["--input", "step=1", "--input", "step=2"], "Expected one value for step."],
    [["--channels", "mean"], "Allowed choices are repeat."],
  ])("refuses %j", async (more, message) => {
    await writeNetwork(at("again.onnx"));
    const { code, messages } = await pixelcal(["check", at("again.onnx"), ...more]);
    expect(code).toBe(2);
    expect(messages).toContain(message);
  });

  test("has options that a configuration decides", async () => {
    const { code, messages } = await pixelcal(["infer", "--config", at("x.json"), ...options]);
    expect(code).toBe(2);
    expect(messages).toMatch(/'--(channels|input) <.*cannot be used with option '--config/);
  });

  test("names unknown inputs as a usage error", async () => {
    const args = ["--data", data, "--out", at("x"), "--input", "stpe=1"];
    const { code, messages } = await pixelcal(["infer", "--model", at("rgb.onnx"), ...args]);
    expect(messages).toContain("inputs: expected names among image, step, got stpe");
    expect(code).toBe(2);
  });
});
