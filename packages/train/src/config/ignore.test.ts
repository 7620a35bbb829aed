import { lossFromConfig } from "@pixelcal/losses";
import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig, type TrainConfig } from "./config.js";

const configured = (loss: object, dataset: object = {}): TrainConfig =>
  parseConfig(
    { ...loss, dataset: { root: "data", ...dataset }, model: { num_classes: 3 } },
    { runName: "run" },
  );

function problems(...args: Parameters<typeof configured>): readonly string[] {
  try {
    configured(...args);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const weighted = (...losses: object[]): object => ({
  loss: { name: "weighted", losses: losses.map((loss) => ({ weight: 1, loss })) },
});

describe("one label to ignore", () => {
  const same: readonly [string, object, object][] = [
    ["said by the data set", { loss: { name: "nacl" } }, { ignore: 255 }],
    ["said by the loss", { loss: { name: "nacl", ignore: 255 } }, {}],
    ["said by both", { loss: { name: "nacl", ignore: 255 } }, { ignore: 255 }],
    ["of a method, as its authors define it", { method: "nacl", preset: "consistent" }, { ignore: 255 }],
    ["of every part of a sum", weighted({ name: "dice" }, { name: "svls" }), { ignore: 255 }],
    ["of sums in a sum", weighted({ name: "dice", ignore: 255 }, { name: "dice", ignore: 255 }), {}],
    ["of a loss with variants", { loss: { name: "marginSvls", variant: "adaptive" } }, { ignore: 255 }],
  ];
  test.each(same)("%s, reaches loss and data set, and config.json says the same", (_, loss, dataset) => {
    const config = configured(loss, dataset);
    expect(config.dataset.ignore).toBe(255);
    expect(lossFromConfig(config.loss).ignore).toBe(255);
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test("without one nothing is added", () => {
    const { dataset, loss } = configured({ loss: { name: "dice" } });
    expect(dataset).toEqual({ root: "data" });
    expect(loss).toEqual({ name: "dice", preset: "original" });
    expect(lossFromConfig(loss).ignore).toBeUndefined();
  });

  const wrong: readonly [string, object, object, readonly string[]][] = [
    [
      "two places disagree",
      { loss: { name: "dice", ignore: 254 } },
      { ignore: 255 },
      ["loss.ignore: expected 255 as in dataset.ignore, got 254"],
    ],
    [
      "two parts disagree",
      weighted({ name: "dice", ignore: 255 }, { name: "crossEntropy", ignore: 0 }),
      {},
      ["loss.losses[1].loss.ignore: expected 255 as in loss.losses[0].loss.ignore, got 0"],
    ],
    [
      "one part has none",
      weighted({ name: "crossEntropy" }, { name: "dice", ignore: 255 }),
      {},
      [
        "loss.losses[0].loss.ignore: missing; expected 255 as in loss.losses[1].loss.ignore; dataset.ignore sets all",
      ],
    ],
    [
      "a preset that counts every pixel",
      { method: "sdc" },
      { ignore: 255 },
      [
        "dataset.ignore: signedDistanceCalibration (preset reference) counts every pixel; preset consistent or proper can leave some out",
      ],
    ],
    [
      "a part that counts every pixel",
      weighted({ name: "dice" }, { name: "nacl", preset: "reference" }),
      { ignore: 255 },
      [
        "dataset.ignore: nacl (preset reference) counts every pixel; preset original or monai can leave some out",
      ],
    ],
    [
      "no label",
      { loss: { name: "dice" } },
      { ignore: 1.5 },
      ["dataset.ignore: expected integer, got number 1.5"],
    ],
    [
      "no int32",
      { loss: { name: "dice" } },
      { ignore: 2 ** 31 },
      ["dataset.ignore: expected at most 2147483647, got number 2147483648"],
    ],
  ];
  test.each(wrong)("%s", (_, loss, dataset, expected) => {
    expect(problems(loss, dataset)).toEqual(expected);
  });
});
