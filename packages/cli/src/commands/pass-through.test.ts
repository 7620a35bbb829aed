import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tensor } from "@pixelcal/core";
import { listCases, readCase, readPrediction, writeNpz } from "@pixelcal/io";
import { Network } from "@pixelcal/train";
import { expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData } from "../toy.test.helper.js";

toyData();

test("a quantised file is checked, predicts, is evaluated and calibrated as it is stored", async () => {
  const golden = new URL("../../../train/test/golden/quantised/softmax_qdq.onnx", import.meta.url);
  const model = at("quantised.onnx");
  await copyFile(fileURLToPath(golden), model);
  // The network has three classes, the phantoms have four.
  for (const split of ["val", "test"]) {
    await mkdir(at("three", split), { recursive: true });
    for (const name of await listCases(join(data, split))) {
      const { image, labels } = await readCase(join(data, split, `${name}.npz`));
      const three = Uint8Array.from(labels.data as Uint8Array, (label) => Math.min(2, Number(label)));
      await writeNpz(at("three", split, `${name}.npz`), {
        image,
        label: tensor("uint8", three, labels.dims),
      });
    }
  }
  const reason = "unsupported operators: DequantizeLinear, QuantizeLinear";

  const checked = await pixelcal(["check", model]);
  expect(checked.code).toBe(1);
  expect(checked.messages).toContain(`quantised.onnx: cannot be trained: ${reason}`);
  expect(checked.output).toContain("infer, Predictor and calibrate take the file as it is, without training");
  expect(checked.output).toMatch(/^cpu +predicts, does not train: unsupported operators/m);
  const { output } = await pixelcal(["check", model, "--json"]);
  expect(JSON.parse(output)).toMatchObject({ passThrough: true, trainable: false });

  const folder = at("preds");
  const inferred = await pixelcal(["infer", "--model", model, "--data", at("three"), "--out", folder]);
  expect(inferred.messages).toContain(`quantised.onnx: predicted with as it is stored: ${reason}`);
  expect(inferred.code).toBe(0);
  const name = (await listCases(at("three", "test")))[0]!;
  const { image } = await readCase(at("three", "test", `${name}.npz`));
  await using network = new Network({ model: new Uint8Array(await readFile(model)) });
  const expected = await network.predict(tensor("float32", image.data, [1, ...image.dims]));
  expect((await readPrediction(join(folder, `${name}.npz`))).probs.data).toEqual(expected.data);
  const scored = await pixelcal(["evaluate", "--predictions", folder, "--out", at("results.csv")]);
  expect(scored.code).toBe(0);

  const out = at("calibrated.onnx");
  const calibrate = ["calibrate", "--model", model, "--data", at("three"), "--method", "temperature"];
  const calibrated = await pixelcal([...calibrate, "--out", out]);
  expect(calibrated.code).toBe(0);
  expect((await pixelcal(["check", out])).output).toMatch(/^calibrator +temperature behind the logits of y/m);
});
