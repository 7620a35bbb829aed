import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { externalModel, parseModel, serializeModel } from "@pixelcal/graph";
import { unet2d } from "@pixelcal/train";
import { describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, config, toyData } from "../toy.test.helper.js";

toyData();

const graph = unet2d({ classes: 4, base: 2, seed: 5 }).build([1, 1, 24, 24]);

const tuning = (name: string, change: object = {}): Record<string, unknown> =>
  config({
    run_name: name,
    model: { onnx: "model.onnx" },
    trainable: { exclude: "enc1*" },
    optim: { lr: 0.001, groups: [{ match: "head.*", lr: 0.01 }] },
    batch_norm: "frozen",
    ema: 0.5,
    accumulate: 2,
    patience: 3,
    ...change,
  });

async function writeTuning(name: string, change: object = {}): Promise<string> {
  await mkdir(at("models"), { recursive: true });
  await writeFile(at("models", "model.onnx"), serializeModel(graph, { metadata: { owner: "clinic" } }));
  await writeFile(at("models", `${name}.yaml`), JSON.stringify(tuning(name, change)));
  return at("models", `${name}.yaml`);
}

describe("fine-tuning an ONNX model", () => {
  test("train, resume, infer: the file comes back with new weights", async () => {
    const path = await writeTuning("tuned");
    const whole = await pixelcal(["train", "--config", path, "--out", at("whole")]);
    expect(whole.code).toBe(0);
    expect(whole.messages).toContain(`model.onnx: `);
    expect(whole.output).toMatch(/tuned: best epoch \d of 3, .* trained of \d+ parameters/);
    const original = await readFile(at("models", "model.onnx"));
    const tuned = await readFile(at("whole", "tuned", "model.onnx"));
    expect(tuned.length).toBe(original.length);
    const [before, after] = [parseModel(original).initializers, parseModel(tuned).initializers];
    const moved = [...before.keys()].filter(
      (name) => JSON.stringify(before.get(name)) !== JSON.stringify(after.get(name)),
    );
    expect(moved).toContain("head.weight");
    expect(moved.filter((name) => /^enc1|running/.test(name))).toEqual([]);

    const stopped = await pixelcal(["train", "--config", path, "--out", at("parts")], (text) =>
      text.startsWith("epoch 1/3") ? AbortSignal.abort() : undefined,
    );
    expect(stopped.code).toBe(130);
    expect((await pixelcal(["train", "--config", path, "--out", at("parts"), "--resume"])).code).toBe(0);
    for (const file of ["log.csv", "last.safetensors", "best.safetensors", "model.onnx"]) {
      expect(await readFile(at("parts", "tuned", file)), file).toEqual(
        await readFile(at("whole", "tuned", file)),
      );
    }

    const a = ["infer", "--config", path, "--runs", at("whole"), "--out", at("preds", "config")];
    expect((await pixelcal(a)).messages).toContain("model.onnx: ");
    const model = at("whole", "tuned", "model.onnx");
    const b = ["infer", "--model", model, "--data", at("data"), "--out", at("preds", "file")];
    expect((await pixelcal(b)).code).toBe(0);
    const [first, second] = [await readdir(at("preds", "config")), await readdir(at("preds", "file"))];
    expect(first).toEqual(second);
    for (const file of first) {
      expect(await readFile(at("preds", "config", file)), file).toEqual(
        await readFile(at("preds", "file", file)),
      );
    }
  });

  test("weights in another file stay in one", async () => {
    const path = await writeTuning("outside", { model: { onnx: at("models", "large.onnx") }, epochs: 1 });
    const { model, data } = externalModel(graph, { location: "large.bin", threshold: 64 });
    await writeFile(at("models", "large.onnx"), model);
    await writeFile(at("models", "large.bin"), Buffer.concat(data));
    const trained = await pixelcal(["train", "--config", path, "--out", at("runs")]);
    expect(trained.messages).not.toContain("error");
    expect(await readdir(at("runs", "outside"))).toContain("large.bin");
    const args = ["--data", at("data"), "--out", at("preds", "outside")];
    expect((await pixelcal(["infer", "--model", at("runs", "outside", "model.onnx"), ...args])).code).toBe(0);
  });

  test.each<[string, object, RegExp]>([
    [
      "a file that is not there",
      { model: { onnx: "none.onnx" } },
      /model\.onnx: found neither .*none\.onnx nor .*none\.onnx\n$/,
    ],
    [
      "a pattern without a match",
      { trainable: { include: "haed.*" } },
      /trainable\.include: haed\.\* matches no parameter; did you mean head\.\w+\?\n$/,
    ],
    [
      "an output that is none",
      { model: { onnx: "model.onnx", outputs: { probs: 1 } } },
      /outputs: expected names among logits, got probs\n$/,
    ],
  ])("refuses %s", async (_, change, message) => {
    const path = await writeTuning("refused", change);
    const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("refused")]);
    expect(code).toBe(2);
    expect(messages).toMatch(message);
  });
});
