import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { readPrediction } from "@pixelcal/io";
import { describe, expect, test } from "vitest";
import { pixelcal } from "./run.test.helper.js";
import { at, data, root, toyData, writeConfig } from "./toy.test.helper.js";

toyData();

describe("wrong usage", () => {
  test.each<[readonly string[], string]>([
    [["trian"], "error: unknown command 'trian'"],
    [["train"], "error: needs --config or --data"],
    [["evaluate", "--predictoins", "x"], "(unknown option '--predictoins')"],
    [["train", "--config", "x.yaml", "--device", "tpu"], "Allowed choices are cpu, webgpu, cuda."],
    [["train", "--config", "x.yaml", "--epochs", "0"], "Expected an integer of 1 or more."],
    [["train", "--config", "x.yaml", "--resume", "--overwrite"], "cannot be used with option"],
    [["infer"], "error: needs --config or --model"],
    [["infer", "--model", "m.onnx"], "error: --model needs --data"],
    [
      ["infer", "--config", "c.yaml", "--tile", "big"],
      "Expected 2 or 3 sizes, for example 160x160 or 32x96x96.",
    ],
    [["evaluate", "--predictions", "preds", "--classes", "1"], "Expected an integer of 2 or more."],
    [
      ["evaluate", "--predictions", "preds", "--convention", "own"],
      "Allowed choices are reference, consistent.",
    ],
    [["phantom", "--out", "x", "--dimensions", "4"], "Expected 2 or 3."],
    [["phantom", "--out", "x", "--size", "8x8x8"], "error: --size: expected 2 sizes, got 8x8x8"],
    [["phantom", "--out", "x", "--cases", "2"], "Expected an integer of 3 or more."],
    [["demo", "--methods", "sdc,adam"], "Expected names among ce, dicece"],
  ])("%j", async (args, message) => {
    const { code, output, messages } = await pixelcal(args);
    expect(messages).toContain(message);
    expect(output).toBe("");
    expect(code).toBe(2);
  });

  test("help and version are no errors", async () => {
    expect(await pixelcal(["--version"])).toMatchObject({ code: 0, output: "0.1.0\n" });
    const help = await pixelcal(["train", "--help"]);
    expect(help.code).toBe(0);
    expect(help.output).toContain("--resume");
  });
});

describe("phantom", () => {
  test("the same seed gives the same files", async () => {
    const args = ["--cases", "3", "--size", "16x16", "--seed", "5"];
    await pixelcal(["phantom", "--out", at("a"), ...args]);
    await pixelcal(["phantom", "--out", at("b"), ...args]);
    const files = ["train/case_0000.npz", "val/case_0000.npz", "test/case_0000.npz"];
    for (const file of files) expect(await readFile(at("a", file))).toEqual(await readFile(at("b", file)));
  });

  test("a folder with other files is left alone", async () => {
    await mkdir(at("thesis"));
    await writeFile(at("thesis", "thesis.tex"), "");
    const { code, messages } = await pixelcal(["phantom", "--out", at("thesis"), "--cases", "3"]);
    expect(code).toBe(1);
    expect(messages).toBe(
      `error: ${at("thesis")}: is not empty and holds no generated phantoms; choose another folder or remove it\n`,
    );
    expect(await readdir(at("thesis"))).toEqual(["thesis.tex"]);
  });
});

describe("from configuration to table", () => {
  test("train, infer, evaluate", async () => {
    const path = await writeConfig("toy.yaml");
    const runs = at("runs");
    const trained = await pixelcal(["train", "--config", path, "--out", runs]);
    expect(trained.code).toBe(0);
    expect(trained.messages.split("\n").filter((line) => line.startsWith("epoch"))).toHaveLength(3);
    expect(trained.messages).not.toContain("\x1b");
    expect(trained.output).toMatch(/toy: best epoch [123] of 3, validation loss /);
    expect((await readdir(at("runs", "toy"))).sort()).toEqual([
      "best.safetensors",
      "config.json",
      "curves.png",
      "curves.svg",
      "last.safetensors",
      "log.csv",
      "model.onnx",
      "previous.safetensors",
    ]);
    expect(JSON.parse(await readFile(at("runs", "toy", "config.json"), "utf8"))).toMatchObject({
      preset: "reference",
      loss: { name: "signedDistanceCalibration", preset: "reference" },
      optim: { decay: "all" },
    });

    const infer = ["infer", "--config", path, "--runs", runs];
    expect(await pixelcal([...infer, "--out", at("preds", "sdc")])).toMatchObject({ code: 0 });
    expect(await readdir(at("preds", "sdc"))).toEqual(["case_0000.npz", "case_0001.npz"]);
    expect((await readPrediction(at("preds", "sdc", "case_0000.npz"))).spacing).toEqual([1.5, 1.5]);
    const tiled = await pixelcal([
      ...infer,
      "--out",
      at("preds", "tiled"),
      "--tile",
      "16x16",
      "--overlap",
      "0.25",
    ]);
    expect(tiled.code).toBe(0);
    const model = at("runs", "toy", "model.onnx");
    const onnx = await pixelcal(["infer", "--model", model, "--data", data, "--out", at("preds", "onnx")]);
    expect(onnx.code).toBe(0);

    const scored = await pixelcal([
      "evaluate",
      "--predictions",
      at("preds"),
      "--classes",
      "4",
      "--out",
      at("table.csv"),
    ]);
    expect(scored.code).toBe(0);
    expect(scored.output).toMatch(
      /^run +cases +DSC +HD95 +ECE +CECE +pECE +pECE if calibrated +pECE excess +boundary ECE +fpBrier\n/,
    );
    const [header, ...rows] = (await readFile(at("table.csv"), "utf8")).trimEnd().split("\n");
    expect(header).toMatch(/^run,DSC,HD95,ECE,CECE,pECE,/);
    expect(rows.map((row) => row.split(",")[0]).sort()).toEqual(["onnx", "sdc", "tiled"]);
    const json = JSON.parse(await readFile(at("table.json"), "utf8"));
    expect(json.settings).toMatchObject({ convention: "reference", bins: 10, falsePositiveWeight: 2 });
    expect(json.runs[0].cases).toHaveLength(2);

    const one = await pixelcal(["evaluate", "--predictions", at("preds", "sdc"), "--out", at("one.csv")]);
    expect(one.output).toContain("\nsdc ");
    expect((await readdir(root)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a run is not overwritten unasked", async () => {
    const path = await writeConfig("again.yaml", { run_name: "again", epochs: 1 });
    const args = ["train", "--config", path, "--out", at("runs")];
    expect((await pixelcal(args)).code).toBe(0);
    const refused = await pixelcal(args);
    expect(refused.code).toBe(1);
    expect(refused.messages).toBe(
      `error: ${at("runs", "again")} already holds a run: --resume continues it, --overwrite starts over\n`,
    );
    const atOnce = await pixelcal([...args, "--overwrite"], () => AbortSignal.abort());
    expect(atOnce.code).toBe(130);
    expect(await readdir(at("runs"))).not.toContain("again");
    expect((await pixelcal([...args, "--overwrite"])).code).toBe(0);
  });

  test("interrupted and resumed is the same as in one go", async () => {
    const path = await writeConfig("stop.yaml", { run_name: "stop" });
    const whole = await pixelcal(["train", "--config", path, "--out", at("whole")]);
    expect(whole.code).toBe(0);
    const afterFirst = (text: string): AbortSignal | undefined =>
      text.startsWith("epoch 1/3") ? AbortSignal.abort() : undefined;
    const stopped = await pixelcal(["train", "--config", path, "--out", at("parts")], afterFirst);
    expect(stopped.code).toBe(130);
    expect(stopped.messages).toContain("last.safetensors holds epoch 1, --resume continues from there");
    expect(await readdir(at("parts", "stop"))).not.toContain("model.onnx");
    const resumed = await pixelcal(["train", "--config", path, "--out", at("parts"), "--resume"]);
    expect(resumed.code).toBe(0);
    for (const file of ["log.csv", "last.safetensors", "best.safetensors", "model.onnx"]) {
      expect(await readFile(at("parts", "stop", file))).toEqual(await readFile(at("whole", "stop", file)));
    }
  });

  test("resuming nothing starts at the beginning; another configuration is reported", async () => {
    const path = await writeConfig("other.yaml", { run_name: "other", epochs: 1 });
    const args = ["train", "--config", path, "--out", at("runs"), "--resume"];
    expect((await pixelcal(args)).messages).toContain(
      "holds no last.safetensors: starting from the beginning",
    );
    await writeConfig("other.yaml", { run_name: "other", epochs: 1, optim: { lr: 0.01 } });
    const { messages, code } = await pixelcal([...args, "--epochs", "2"]);
    expect(code).toBe(0);
    expect(messages).toContain(
      "warning: the run was begun with another configuration: optim.lr was 0.001, is 0.01\n",
    );
    expect(messages).toContain("warning: the run was begun with another configuration: epochs was 1, is 2\n");
  });

  test("a relative root is looked for beside the configuration too, which is said", async () => {
    const path = await writeConfig("beside.yaml", {
      run_name: "beside",
      epochs: 1,
      dataset: { root: "data" },
    });
    const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("runs")]);
    expect(code).toBe(0);
    expect(messages).toContain(`does not exist, reading ${data}\n`);
  });
});
