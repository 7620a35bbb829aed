import { describe, expect, test } from "vitest";
import { parseConfig } from "./config.js";
import { problems, smallest } from "./config.test.helper.js";

describe("recipes", () => {
  const given = (keys: object) => parseConfig({ ...smallest, ...keys }, { runName: "run" });

  test("SGD has nnU-Net's defaults, AdamW the authors'", () => {
    expect(given({ optim: { name: "SGD" } }).optim).toEqual({
      name: "sgd",
      lr: 0.01,
      weight_decay: 3e-5,
      momentum: 0.99,
      nesterov: true,
      decay: "all",
    });
    expect(given({ optim: { name: "sgd", momentum: 0 } }).optim).toMatchObject({
      momentum: 0,
      nesterov: false,
    });
    expect(given({}).optim).toEqual({ lr: 1e-4, weight_decay: 1e-2, decay: "all" });
    const config = given({ optim: { name: "sgd" }, scheduler: { type: "poly", power: 1 } });
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test.each([
    [{ optim: { momentum: 0.9 } }, "optim.momentum: needs optim.name sgd"],
    [{ optim: { name: "adamw", nesterov: true } }, "optim.nesterov: needs optim.name sgd"],
    [{ scheduler: { power: 2 } }, "scheduler.power: needs scheduler.type poly"],
    [
      { scheduler: { type: "poly", minimum: 0.1 } },
      "scheduler.minimum: not supported with scheduler.type poly, which ends at 0",
    ],
    [
      { scheduler: { type: "poly", warmup: 50 } },
      "scheduler.warmup: expected less than the 50 epochs, got number 50",
    ],
  ])("%j is refused", (keys, problem) => {
    expect(problems({ ...smallest, ...keys })).toEqual([problem]);
  });
});
