import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "./config.js";

const tuning = {
  method: "sdc",
  preset: "consistent",
  dataset: { root: "data" },
  model: {
    onnx: "models/liver.onnx",
    outputs: { logits: 1, deep: 0.4 },
    class_axis: -1,
    channel_axis: -1,
    tied_weights: "untie",
  },
  optim: {
    lr: 1e-4,
    groups: [
      { match: "enc*", lr: 1e-5 },
      { match: ["head.*", "out"], lr: 0 },
    ],
  },
  scheduler: { type: "cosine", warmup: 2, minimum: 0.1 },
  trainable: { include: "*", exclude: ["*.bias"], last_layers: 3, only: "norms" },
  batch_norm: "frozen",
  accumulate: 4,
  ema: 0.999,
  patience: 5,
};

function problems(change: object): readonly string[] {
  try {
    parseConfig({ ...tuning, ...change }, { runName: "run" });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("fine-tuning", () => {
  test("everything is read, and reads the same when it was written", () => {
    const config = parseConfig(tuning, { runName: "run" });
    expect(config).toMatchObject({
      ...Object.fromEntries(Object.entries(tuning).filter(([key]) => key !== "method")),
      loss: { name: "signedDistanceCalibration", preset: "consistent" },
      optim: {
        groups: [
          { match: ["enc*"], lr: 1e-5 },
          { match: ["head.*", "out"], lr: 0 },
        ],
      },
      trainable: { include: ["*"], exclude: ["*.bias"] },
    } as object);
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test("a file is enough", () => {
    expect(parseConfig({ ...tuning, model: { onnx: "m.onnx" } }, { runName: "run" }).model).toEqual({
      onnx: "m.onnx",
    });
  });

  test.each<[object, string]>([
    [
      { model: { onnx: "m.onnx", num_classes: 3 } },
      "model.num_classes: unknown key; allowed: onnx, outputs, class_axis, channel_axis, channels, inputs, tied_weights",
    ],
    [
      { model: { onnx: "m.onnx", tied_weights: "always" } },
      'model.tied_weights: expected named, untie or keep, got string "always"',
    ],
    [{ model: { onnx: "" } }, "model.onnx: expected a text that is not empty"],
    [{ model: { onnx: "m", outputs: { a: -1 } } }, "model.outputs.a: expected at least 0, got number -1"],
    [{ optim: { groups: [{ match: "a", rate: 1 }] } }, "optim.groups.0.lr: missing; expected number"],
    [
      { optim: { groups: [{ match: "a", lr: 1, macth: 2 }] } },
      "optim.groups.0.macth: unknown key; did you mean match?",
    ],
    [{ optim: { groups: [{ match: [], lr: 1 }] } }, "optim.groups.0.match: expected at least 1, got a list"],
    [
      { scheduler: { warmup: 1, warmup_steps: 9 } },
      "scheduler.warmup_steps: expected either warmup or warmup_steps, got both",
    ],
    [{ scheduler: { warmpu: 3 } }, "scheduler.warmpu: unknown key; did you mean warmup?"],
    [{ scheduler: { warmup: 50 } }, "scheduler.warmup: expected less than the 50 epochs, got number 50"],
    [{ trainable: { last_layer: 1 } }, "trainable.last_layer: unknown key; did you mean last_layers?"],
    [{ trainable: { only: "norm" } }, 'trainable.only: expected norms, got string "norm"'],
    [{ batch_norm: "off" }, 'batch_norm: expected update or frozen, got string "off"'],
    [{ accumulate: 0 }, "accumulate: expected at least 1, got number 0"],
    [{ ema: 1 }, "ema: expected less than 1, got number 1"],
    [{ patience: 1.5 }, "patience: expected integer, got number 1.5"],
    [{ patiense: 2 }, "patiense: unknown key; did you mean patience?"],
  ])("%j", (change, problem) => {
    expect(problems(change).join()).toContain(problem);
  });
});
