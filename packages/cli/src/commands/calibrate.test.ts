import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { calibratorNames } from "@pixelcal/core";
import { readPrediction } from "@pixelcal/io";
import { fusedCalibrator, withoutCalibrator } from "@pixelcal/train";
import { beforeAll, describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";
import { methods } from "./calibrate.js";

toyData();

let model: string;
beforeAll(async () => {
  const path = await writeConfig("toy.yaml", { epochs: 1 });
  expect((await pixelcal(["train", "--config", path, "--out", at("runs")])).code).toBe(0);
  model = at("runs", "toy", "model.onnx");
});

const calibrate = (...args: readonly string[]): ReturnType<typeof pixelcal> =>
  pixelcal(["calibrate", ...args, "--threads", "1"]);
const labelsOf = ({ probs }: Awaited<ReturnType<typeof readPrediction>>): number[] => {
  const pixels = probs.data.length / 4;
  return Array.from({ length: pixels }, (_, i) => {
    const all = [0, 1, 2, 3].map((c) => probs.data[c * pixels + i]!);
    return all.indexOf(Math.max(...all));
  });
};

test("the methods are those of core", () => {
  expect([...methods].sort()).toEqual(["auto", ...calibratorNames].sort());
});

describe("a model", () => {
  test("is calibrated by the simplest good method, which check shows", async () => {
    const out = at("auto.onnx");
    const args = ["--model", model, "--data", data, "--split", "train", "--out", out];
    const { code, output, messages } = await calibrate(...args);
    expect(messages).toContain("warning: ");
    expect(code).toBe(0);
    expect(output).toMatch(/^cases +\d+ of train, pixels: all\n/);
    expect(output).toContain("candidate");
    expect(output).toContain(`written     ${out}, output logits`);
    const fused = await readFile(out);
    expect(Buffer.compare(withoutCalibrator(fused), await readFile(model))).toBe(0);
    const shown = await pixelcal(["check", out, "--threads", "1"]);
    expect(shown.output).toContain(
      `calibrator  ${fusedCalibrator(fused)!.method} behind the logits of logits`,
    );
    expect((await readdir(at())).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("keeps its labels and says everything as JSON", async () => {
    const out = at("distance.onnx");
    const args = ["--model", model, "--data", data, "--method", "distance-temperature", "--radius", "3"];
    const { code, output } = await calibrate(...args, "--out", out, "--keep-logits", "--json");
    expect(code).toBe(0);
    const report = JSON.parse(output);
    expect(report).toMatchObject({
      command: "calibrate",
      model,
      out,
      split: "val",
      output: "logits",
      requested: "distance-temperature",
      method: "distance-temperature",
      fitOn: "all",
      data: expect.stringMatching(/^[0-9a-f]{64}$/),
      fits: [{ keepsLabels: true, calibrator: { name: "distance-temperature", classes: 4 } }],
    });
    expect(report.fits[0].nll.after).toBeLessThan(report.fits[0].nll.before);
    const preds = [at("preds-plain"), at("preds-calibrated")];
    for (const [i, file] of [model, out].entries()) {
      // The second output holds the logits as they were.
      const inferred = await pixelcal([
        "infer",
        "--model",
        file,
        "--output",
        "logits",
        "--data",
        data,
        "--out",
        preds[i]!,
      ]);
      expect(inferred.code).toBe(0);
    }
    for (const name of await readdir(preds[0]!)) {
      const [plain, calibrated] = await Promise.all(
        preds.map((folder) => readPrediction(`${folder}/${name}`)),
      );
      expect(labelsOf(calibrated!)).toEqual(labelsOf(plain!));
      expect(calibrated!.probs.data).not.toEqual(plain!.probs.data);
    }
  });

  test.each<[string, readonly string[], string, number]>([
    ["without data", ["--model", "MODEL", "--out", "OUT"], "--model needs --data", 2],
    ["without a model", ["--data", "DATA", "--out", "OUT"], "needs --model or --from-probabilities", 2],
    [
      "of another output",
      ["--model", "MODEL", "--data", "DATA", "--out", "OUT", "--output", "x"],
      "outputs: expected names among logits",
      2,
    ],
    [
      "with regions",
      ["--model", "MODEL", "--data", "DATA", "--out", "OUT", "--regions", "a=1+2+3"],
      "--regions: expected an output with a sigmoid of several channels",
      2,
    ],
    [
      "by an unknown method",
      ["--model", "MODEL", "--data", "DATA", "--out", "OUT", "--method", "x"],
      "Allowed choices are auto",
      2,
    ],
    [
      "on unknown pixels",
      ["--model", "MODEL", "--data", "DATA", "--out", "OUT", "--fit-on", "band"],
      "Expected all, balanced or band:R",
      2,
    ],
    [
      "with tiles of another rank",
      ["--model", "MODEL", "--data", "DATA", "--out", "OUT", "--tile", "8x8x8"],
      "--tile: expected 2 sizes",
      2,
    ],
    [
      "that is none",
      ["--model", "DATA/none.onnx", "--data", "DATA", "--out", "OUT"],
      "none.onnx: no such file",
      1,
    ],
  ])("%s is refused", async (_, args, message, code) => {
    const places: Record<string, string> = { MODEL: model, DATA: data, OUT: at("refused.onnx") };
    const words = args.map((word) => word.replace(/^[A-Z]+/, (name) => places[name] ?? name));
    const ran = await calibrate(...words);
    expect(ran.messages).toContain(message);
    expect(ran.code).toBe(code);
    expect(await readdir(at())).not.toContain("refused.onnx");
  });

  test("stops when asked to, and leaves nothing", async () => {
    const stop = new AbortController();
    const args = ["calibrate", "--model", model, "--data", data, "--out", at("stopped.onnx")];
    stop.abort();
    const { code, messages } = await pixelcal([...args, "--from-probabilities", "x"]);
    expect(messages).toContain("cannot be used with");
    expect(code).toBe(2);
  });
});

describe("predictions", () => {
  let preds: string;
  beforeAll(async () => {
    preds = at("stored");
    const args = ["infer", "--model", model, "--data", data, "--split", "val", "--out", preds];
    expect((await pixelcal(args)).code).toBe(0);
  });

  test("are calibrated as the model's logits are", async () => {
    const method = ["--method", "temperature", "--json"];
    const from = ["--from-probabilities", preds, "--out", at("stored-calibrated")];
    const stored = JSON.parse((await calibrate(...from, ...method)).output);
    const direct = JSON.parse(
      (await calibrate("--model", model, "--data", data, "--out", at("t.onnx"), ...method)).output,
    );
    const scaleOf = (report: typeof stored): number => report.fits[0].calibrator.parameters.scale;
    expect(scaleOf(stored)).toBeCloseTo(scaleOf(direct), 4);
    expect(stored).toMatchObject({ predictions: preds, clipped: 0, method: "temperature" });
    const [name] = await readdir(preds);
    const [plain, calibrated] = await Promise.all(
      [preds, at("stored-calibrated")].map((folder) => readPrediction(`${folder}/${name}`)),
    );
    expect(calibrated!.labels).toEqual(plain!.labels);
    expect(labelsOf(calibrated!)).toEqual(labelsOf(plain!));
  });

  test("of other cases take the same calibrator, and none replaces those it came from", async () => {
    await mkdir(at("one"));
    const [name] = await readdir(preds);
    await copyFile(`${preds}/${name}`, at("one", name!));
    const args = ["--from-probabilities", preds, "--method", "temperature"];
    const ran = await calibrate(...args, "--apply-to", at("one"), "--out", at("one-calibrated"));
    expect(ran.code).toBe(0);
    expect(await readdir(at("one-calibrated"))).toEqual([name]);
    expect((await calibrate(...args, "--out", preds)).messages).toContain("--out: expected another folder");
    await mkdir(at("mine"));
    await writeFile(at("mine", "notes.txt"), "");
    const refused = await calibrate(...args, "--out", at("mine"));
    expect(refused.code).toBe(1);
    expect(await readdir(at("mine"))).toEqual(["notes.txt"]);
    // A split of a data set is a folder of .npz files too.
    const split = await calibrate(...args, "--out", `${data}/val`);
    expect(split.messages).toContain("is not empty and holds no predictions");
  });
});
