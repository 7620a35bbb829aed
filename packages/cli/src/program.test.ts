import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, type Value } from "@pixelcal/graph";
import { readPrediction, writeNpz } from "@pixelcal/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelcal } from "./run.test.helper.js";

let root: string;
let data: string;
const at = (...parts: string[]): string => join(root, ...parts);

/** A configuration as the authors of the SDC repository write them. */
function config(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    seed: 42,
    run_name: "toy",
    method: "sdc",
    dataset: { name: "toy", root: data },
    model: { arch: "unet2d", in_channels: 1, num_classes: 4, base: 2 },
    batch_size: 2,
    num_workers: 0,
    epochs: 3,
    optim: { lr: 0.001, weight_decay: 0.0001 },
    scheduler: { type: "cosine" },
    sdc: { alpha: 0.1, lam_sdf: 0.1, sam_morph: "gradient", sam_kernel: "mean", sdf_scale: 100.0 },
    threads: 1,
    ...overrides,
  };
}

async function writeConfig(name: string, overrides: Record<string, unknown> = {}): Promise<string> {
  const path = at(name);
  await writeFile(path, JSON.stringify(config(overrides)));
  return path;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-cli-"));
  data = at("data");
  const made = await pixelcal(["phantom", "--out", data, "--cases", "8", "--size", "24x24", "--seed", "3"]);
  expect(made.messages).toBe("");
  expect(made.code).toBe(0);
});
afterAll(() => rm(root, { recursive: true }));

describe("wrong usage", () => {
  test.each<[readonly string[], string]>([
    [["trian"], "error: unknown command 'trian'"],
    [["train"], "error: required option '--config <file>' not specified"],
    [["train", "--config", "x.yaml", "--device", "tpu"], "Allowed choices are cpu, webgpu, cuda."],
    [["train", "--config", "x.yaml", "--epochs", "0"], "Expected an integer of 1 or more."],
    [["train", "--config", "x.yaml", "--resume", "--overwrite"], "cannot be used with option"],
    [["infer"], "error: --config or --model is needed"],
    [["infer", "--model", "m.onnx"], "error: --model needs --data"],
    [["infer", "--config", "c.yaml", "--overlap", "0.5"], "error: --overlap needs --tile"],
    [["infer", "--config", "c.yaml", "--tile", "big"], "Expected 2 or 3 sizes like 160x160 or 32x96x96."],
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
      "last.safetensors",
      "log.csv",
      "model.onnx",
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
    expect(scored.output).toMatch(/^run +cases +DSC +HD95 +ECE +CECE +pECE\n/);
    const [header, ...rows] = (await readFile(at("table.csv"), "utf8")).trimEnd().split("\n");
    expect(header).toMatch(/^run,DSC,HD95,ECE,CECE,pECE,/);
    expect(rows.map((row) => row.split(",")[0]).sort()).toEqual(["onnx", "sdc", "tiled"]);
    const json = JSON.parse(await readFile(at("table.json"), "utf8"));
    expect(json).toMatchObject({ convention: "reference", bins: 10, falsePositiveWeight: 2 });
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
      `error: ${at("runs", "again")} holds a run already: --resume continues it, --overwrite starts anew\n`,
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

describe("bad input leaves one line and nothing else", () => {
  const invalid: [string, string | Record<string, unknown>, number, string | RegExp][] = [
    [
      "not YAML",
      "a: [1",
      2,
      /bad\.yaml: Flow sequence in block collection must be .* at line 1, column \d+\n$/,
    ],
    ["the same key twice", "seed: 1\nseed: 2", 2, "bad.yaml: Map keys must be unique"],
    ["an alias of nothing", "seed: *lost", 2, "bad.yaml: Unresolved alias"],
    ["an unknown key", { epoch: 3 }, 2, "bad.yaml: epoch: unknown key; did you mean epochs?"],
    [
      "a wrong type",
      { sdc: { alpha: "much" } },
      2,
      'bad.yaml: sdc.alpha: expected number, got string "much"',
    ],
    [
      "a folder that is not there",
      { dataset: { root: "/no/such/folder" } },
      1,
      "dataset.root: /no/such/folder: no such folder; --data ROOT names another",
    ],
    [
      "channels",
      { model: { in_channels: 3, num_classes: 4, base: 2 } },
      1,
      "model.in_channels: the network takes 3",
    ],
    [
      "axes",
      { model: { arch: "unet3d", num_classes: 4, base: 2 } },
      1,
      "model.arch: unet3d takes images of 3 spatial axes",
    ],
    ["labels", { model: { num_classes: 2, base: 2 } }, 1, "label: expected labels in [0, 2), got"],
  ];

  test.each(invalid)("a configuration: %s", async (_, content, code, message) => {
    await writeFile(at("bad.yaml"), typeof content === "string" ? content : JSON.stringify(config(content)));
    const ran = await pixelcal(["train", "--config", at("bad.yaml"), "--out", at("bad")]);
    if (typeof message === "string") expect(ran.messages).toContain(message);
    else expect(ran.messages).toMatch(message);
    expect(ran.messages.split("\n").filter((line) => line.startsWith("error: "))).toHaveLength(1);
    expect(ran.code).toBe(code);
    await expect(readdir(at("bad"))).rejects.toThrow("ENOENT");
  });

  test("cases of different shapes in one batch, found while training", async () => {
    const mixed = at("mixed");
    for (const [split, name, side] of [
      ["train", "a", 16],
      ["train", "b", 24],
      ["val", "c", 16],
    ] as const) {
      const label = tensor("int64", new BigInt64Array(side * side), [side, side]);
      const image = tensor("float32", new Float32Array(side * side), [1, side, side]);
      await writeNpz(join(mixed, split, `${name}.npz`), { image, label });
    }
    const path = await writeConfig("mixed.yaml", { run_name: "mixed" });
    const { code, messages } = await pixelcal([
      "train",
      "--config",
      path,
      "--data",
      mixed,
      "--out",
      at("mixed-runs"),
    ]);
    expect(code).toBe(1);
    expect(messages).toMatch(/error: batch: expected images of one shape .*b\.npz.* use a batch size of 1/);
    expect(await readdir(root)).not.toContain("mixed-runs");
  });

  test("no configuration, no checkpoint, no model, no predictions", async () => {
    const path = await writeConfig("fine.yaml", { run_name: "never" });
    const cases: [string[], string][] = [
      [["train", "--config", at("none.yaml")], "none.yaml: no such configuration file"],
      [["infer", "--config", path, "--runs", at("runs"), "--out", at("x")], "best.safetensors: no such file"],
      [["infer", "--model", at("none.onnx"), "--data", data, "--out", at("x")], "none.onnx: no such file"],
      [["evaluate", "--predictions", at("none"), "--out", at("x")], "none: no such folder"],
      [["train", "--config", root], "expected a configuration file, found a folder"],
      [["evaluate", "--predictions", path, "--out", at("x")], "fine.yaml: expected a folder, found a file"],
      [["train", "--config", path, "--out", path], "fine.yaml: expected a folder, found a file"],
      [["evaluate", "--predictions", data, "--out", at("x")], "case_0000.npz: probs: no such array"],
    ];
    for (const [args, message] of cases) {
      const { code, messages } = await pixelcal(args);
      expect(messages).toContain(message);
      expect(code).toBe(1);
    }
    await expect(readdir(at("x"))).rejects.toThrow("ENOENT");
  });

  test("cases are never replaced by predictions", async () => {
    const args = [
      "infer",
      "--model",
      at("runs", "toy", "model.onnx"),
      "--data",
      data,
      "--out",
      join(data, "train"),
    ];
    const before = await readdir(join(data, "train"));
    const { code, messages } = await pixelcal(args);
    expect(code).toBe(1);
    expect(messages).toContain("train: is not empty and holds no predictions");
    expect(await readdir(join(data, "train"))).toEqual(before);
  });

  test("a case that cannot be read half way through inference", async () => {
    const broken = at("broken");
    await mkdir(join(broken, "test"), { recursive: true });
    const image = tensor("float32", new Float32Array(256), [1, 16, 16]);
    const label = tensor("int64", new BigInt64Array(256), [16, 16]);
    await writeNpz(join(broken, "test", "a.npz"), { image, label });
    await writeFile(join(broken, "test", "b.npz"), "not an archive");
    const model = at("runs", "toy", "model.onnx");
    const { code, messages } = await pixelcal([
      "infer",
      "--model",
      model,
      "--data",
      broken,
      "--out",
      at("half", "preds"),
    ]);
    expect(code).toBe(1);
    expect(messages).toContain(join(broken, "test", "b.npz"));
    expect(await readdir(root)).not.toContain("half");
  });

  test("a checkpoint of another network is named, and its run stays as it was", async () => {
    const small = await writeConfig("small.yaml", { run_name: "kept", epochs: 1 });
    const args = ["--config", small, "--out", at("kept-runs")];
    expect((await pixelcal(["train", ...args])).code).toBe(0);
    const before = await readFile(at("kept-runs", "kept", "config.json"), "utf8");
    await writeConfig("small.yaml", { run_name: "kept", epochs: 2, model: { num_classes: 4, base: 3 } });
    const resumed = await pixelcal(["train", ...args, "--resume"]);
    expect(resumed.code).toBe(1);
    expect(resumed.messages).toContain("last.safetensors: does not fit this trainer");
    expect(await readFile(at("kept-runs", "kept", "config.json"), "utf8")).toBe(before);
    const out = ["--out", at("unfit", "preds")];
    const inferred = await pixelcal(["infer", "--config", small, "--runs", at("kept-runs"), ...out]);
    expect(inferred.code).toBe(1);
    expect(inferred.messages).toMatch(/^error: .*best\.safetensors: enc1\.0\.weight: expected float32 \[3, /);
    expect(await readdir(root)).not.toContain("unfit");
  });

  test("ONNX files that are none, lack an output or give no numbers", async () => {
    const graph = (build: (image: Value) => Value): Uint8Array => {
      const model = new Graph("model");
      model.output("logits", build(model.input("image", "float32", [1, 1, 24, 24])));
      return serializeModel(model);
    };
    const cases: [string, Uint8Array | string, string][] = [
      ["text.onnx", "no model", "text.onnx: not an ONNX file"],
      [
        "one.onnx",
        graph((image) => ops.Relu(image)),
        "one.onnx: expected an output [N, classes, ...spatial]",
      ],
      [
        "nan.onnx",
        graph((image) => ops.Sqrt(ops.Sub(-1e9, ops.Concat([image, image, image, image], 1)))),
        "case_0000.npz: the network's outputs are not finite",
      ],
    ];
    for (const [name, bytes, message] of cases) {
      await writeFile(at(name), bytes);
      const out = ["--out", at("onnx-preds")];
      const { code, messages } = await pixelcal(["infer", "--model", at(name), "--data", data, ...out]);
      expect(messages).toContain(message);
      expect(code).toBe(1);
    }
    expect(await readdir(root)).not.toContain("onnx-preds");
  });

  test("two tables in one file", async () => {
    const out = ["--out", at("one.csv"), "--json", at("one.csv")];
    const { code, messages } = await pixelcal(["evaluate", "--predictions", at("preds"), ...out]);
    expect(messages).toContain("--json: expected another file than --out");
    expect(code).toBe(2);
  });
});
