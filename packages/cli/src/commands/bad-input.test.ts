import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel, type Value } from "@pixelcal/graph";
import { writeNpz } from "@pixelcal/io";
import { unet2d } from "@pixelcal/train";
import { describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, config, data, root, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

/** Writes a network as it is before training and returns its path. */
async function writeModel(): Promise<string> {
  const path = at("untrained.onnx");
  await writeFile(path, serializeModel(unet2d({ classes: 4, base: 2 }).build([1, 1, 24, 24])));
  return path;
}

describe("bad input leaves one line and nothing else", () => {
  const invalid: [string, string | Record<string, unknown>, number, string | RegExp][] = [
    [
      "not YAML",
      "a: [1",
      2,
      /bad\.yaml: Flow sequence in block collection must be .* at line 1, column \d+\n$/,
    ],
    ["lists without an end", "[".repeat(5000), 2, "bad.yaml: expected at most 64 nested lists and maps"],
    ["lists in lists without brackets", "- ".repeat(20_000), 2, "bad.yaml: expected at most 64 nested"],
    [
      "aliases that multiply",
      `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join("\n")}`,
      2,
      "bad.yaml: Excessive alias count",
    ],
    ["far too long", `a: ${"x".repeat(300_000)}`, 2, "bad.yaml: expected a configuration of at most 256 KiB"],
    [
      "a name that objects inherit",
      '{"__proto__": {"seed": 1}}',
      2,
      "bad.yaml: __proto__: not allowed as a name",
    ],
    [
      "one in a section",
      '{"model": {"onnx": "x", "outputs": {"__proto__": 1}}}',
      2,
      "bad.yaml: model.outputs.__proto__: not allowed as a name",
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
      "a loss that cannot ignore",
      { dataset: { root: "data", ignore: 255 } },
      2,
      "dataset.ignore: signedDistanceCalibration (preset reference) counts every pixel",
    ],
    [
      "parameters that are none",
      { trainable: { include: "haed.*" } },
      2,
      "trainable.include: haed.* matches no parameter; did you mean head.",
    ],
    [
      "a folder that is not there",
      { dataset: { root: "/no/such/folder" } },
      2,
      "dataset.root: /no/such/folder: no such folder; --data ROOT names another",
    ],
    [
      "channels",
      { model: { in_channels: 3, num_classes: 4, base: 2 } },
      2,
      "model.in_channels: the network takes 3",
    ],
    [
      "axes",
      { model: { arch: "unet3d", num_classes: 4, base: 2 } },
      2,
      "model.arch: unet3d takes images of 3 spatial axes",
    ],
    ["labels", { model: { num_classes: 2, base: 2 } }, 1, "label: expected classes 0 to 1, got"],
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
    expect(messages).toMatch(
      /error: batch_size: expected 1, or patches, for images of 2 shapes \(.*a\.npz is \[1,16,16\], .*b\.npz is \[1,24,24\]\), got 2/,
    );
    expect(code).toBe(2);
    expect(await readdir(root)).not.toContain("mixed-runs");
  });

  test("no configuration, no checkpoint, no model, no predictions", async () => {
    const path = await writeConfig("fine.yaml", { run_name: "never" });
    const cases: [string[], string, number?][] = [
      [["train", "--config", at("none.yaml")], "none.yaml: no such configuration file", 2],
      [["infer", "--config", at("none.yaml")], "none.yaml: no such configuration file", 2],
      [["infer", "--config", path, "--runs", at("runs"), "--out", at("x")], "best.safetensors: no such file"],
      [["infer", "--model", at("none.onnx"), "--data", data, "--out", at("x")], "none.onnx: no such file"],
      [["evaluate", "--predictions", at("none"), "--out", at("x")], "none: no such folder"],
      [["train", "--config", root], "expected a configuration file, found a folder", 2],
      [["infer", "--config", root], "expected a configuration file, found a folder", 2],
      [["evaluate", "--predictions", path, "--out", at("x")], "fine.yaml: expected a folder, found a file"],
      [["train", "--config", path, "--out", path], "fine.yaml: expected a folder, found a file"],
      [["evaluate", "--predictions", data, "--out", at("x")], "case_0000.npz: probs: no such array"],
    ];
    for (const [args, message, exit = 1] of cases) {
      const { code, messages } = await pixelcal(args);
      expect(messages).toContain(message);
      expect(code).toBe(exit);
    }
    await expect(readdir(at("x"))).rejects.toThrow("ENOENT");
  });

  test("cases are never replaced by predictions", async () => {
    const args = ["infer", "--model", await writeModel(), "--data", data, "--out", join(data, "train")];
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
    const model = await writeModel();
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
    expect(inferred.messages).toMatch(
      /^recognised \.npz data set, .*\nerror: .*best\.safetensors: enc1\.0\.weight: expected float32 \[3, /,
    );
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
        "flat.onnx",
        graph((image) => ops.Reshape(image, [1, 4, 144])),
        "flat.onnx: expected float32 logits of 4 axes, [N, classes, ...spatial], got logits float32 [1, 4, 144]",
      ],
      [
        "labels.onnx",
        graph((image) => ops.Sigmoid(ops.Concat([image, image, image, image], 1))),
        "a sigmoid of 4 channels in logits: multi-label outputs, whose classes overlap, need dataset.regions",
      ],
      [
        "indices.onnx",
        graph((image) => ops.Cast(ops.ArgMax(ops.Concat([image, image], 1), 1), "float32")),
        "Cast of an ArgMax in logits: name an output before it",
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

  test.runIf(process.platform !== "win32")(
    "named pipes, which nobody writes to (not on Windows)",
    async () => {
      execFileSync("mkfifo", [at("pipe"), at("pipe.onnx")]);
      const path = await writeConfig("piped.yaml", { run_name: "piped", model: { onnx: at("pipe.onnx") } });
      const cases: [string[], string, number?][] = [
        [["train", "--config", at("pipe")], "pipe: is a named pipe, expected a file", 2],
        [["train", "--config", "/dev/zero"], "/dev/zero: is a device, expected a file", 2],
        [["check", at("pipe.onnx")], "pipe.onnx: is a named pipe, expected a file"],
        [
          ["infer", "--model", at("pipe.onnx"), "--data", data],
          "pipe.onnx: is a named pipe, expected a file",
        ],
        [["train", "--config", path, "--out", at("x")], "pipe.onnx: is a named pipe, expected a file"],
      ];
      for (const [args, message, exit = 1] of cases) {
        const { code, messages } = await pixelcal(args);
        expect(messages).toContain(message);
        expect(code).toBe(exit);
      }
    },
  );

  test("two tables in one file", async () => {
    const out = ["--out", at("one.csv"), "--out-json", at("one.csv")];
    const { code, messages } = await pixelcal(["evaluate", "--predictions", at("preds"), ...out]);
    expect(messages).toContain("--out-json: expected another file than --out");
    expect(code).toBe(2);
  });
});
