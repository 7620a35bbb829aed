import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig, type TrainConfig } from "./config.js";
import { lossStages } from "./finish.js";

const proper = { name: "signedDistanceCalibration", preset: "proper" };
const configured = (others: object): TrainConfig =>
  parseConfig(
    { loss: { name: "diceCrossEntropy" }, dataset: { root: "data" }, model: { num_classes: 3 }, ...others },
    { runName: "run" },
  );

function problems(others: object): readonly string[] {
  try {
    configured(others);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("finish", () => {
  test("takes a third of the epochs, at least one, and leaves at least one", () => {
    const until = (epochs: number, share?: number): readonly number[] =>
      lossStages(configured({ finish: { loss: proper, share }, epochs })).map((stage) => stage.until);
    expect(until(30)).toEqual([20, 30]);
    expect(until(50)).toEqual([33, 50]);
    expect(until(2)).toEqual([1, 2]);
    expect(until(1)).toEqual([1]);
    expect(until(10, 0.01)).toEqual([9, 10]);
    expect(until(10, 0.99)).toEqual([1, 10]);
    expect(lossStages(configured({ epochs: 7 })).map((stage) => stage.until)).toEqual([7]);
  });

  test("a resolved configuration is read back unchanged", () => {
    const config = configured({ finish: { loss: proper } });
    expect(config.finish).toEqual({ loss: proper, share: 1 / 3 });
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test("epochs are chosen by NLL, also with the authors' preset", () => {
    const authors = {
      run_name: "run",
      method: "dicece",
      dataset: { root: "data" },
      model: { num_classes: 3 },
    };
    expect(parseConfig({ ...authors, finish: { loss: proper } }).selection).toBe("nll");
    expect(parseConfig(authors).selection).toBe("loss");
  });

  test("both losses ignore the same label", () => {
    const config = configured({ dataset: { root: "data", ignore: 255 }, finish: { loss: proper } });
    expect([config.loss.ignore, config.finish!.loss.ignore]).toEqual([255, 255]);
    expect(problems({ finish: { loss: { ...proper, ignore: 255 } } })).toEqual([
      "finish.loss.ignore: expected dataset.ignore, which both losses share",
    ]);
  });

  test.each<[string, object, string]>([
    ["an unknown loss", { finish: { loss: { name: "dise" } } }, "finish.loss.name: expected "],
    ["an unknown option", { finish: { loss: { ...proper, dise: 1 } } }, "finish.loss.dise: unknown key"],
    [
      "a wrong option",
      { finish: { loss: { ...proper, dice: -1 } } },
      "finish.loss.dice: expected at least 0",
    ],
    ["a share of all", { finish: { loss: proper, share: 1 } }, "finish.share: expected less than 1"],
    ["no loss", { finish: {} }, "finish.loss: missing"],
    [
      "a loss that follows the validation split",
      { finish: { loss: { name: "crac" } } },
      "finish.loss.name: crac follows the validation split",
    ],
    ["selection by loss", { finish: { loss: proper }, selection: "loss" }, "selection: expected dice or nll"],
    ["patience", { finish: { loss: proper }, patience: 3 }, "patience: not with finish"],
  ])("refuses %s", (_, others, problem) => {
    expect(problems(others)).toEqual([expect.stringContaining(problem)]);
  });
});
