import { readFile } from "node:fs/promises";
import { readCheckpoint } from "@pixelcal/train";
import { expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

test("nnU-Net's recipe: SGD with Nesterov's momentum and poly decay, by its defaults", async () => {
  const overrides = { run_name: "recipe", optim: { name: "sgd" }, scheduler: { type: "poly" }, epochs: 2 };
  const path = await writeConfig("recipe.yaml", overrides);
  expect((await pixelcal(["train", "--config", path, "--out", at("runs")])).code).toBe(0);
  const { state, slots } = await readCheckpoint(at("runs", "recipe", "last.safetensors"));
  const sgd = { learningRate: 0.01, momentum: 0.99, nesterov: true, weightDecay: 3e-5, decay: "all" };
  expect(state.optimizer).toBe(`sgd ${JSON.stringify(sgd)}`);
  expect(state.schedule).toBe(`poly ${JSON.stringify({ epochs: 2, power: 0.9, warmup: 0 })}`);
  expect(Object.keys(slots)).toEqual(["velocities"]);
  const rates = (await readFile(at("runs", "recipe", "log.csv"), "utf8"))
    .split("\n")
    .slice(1, 3)
    .map((row) => Number(row.split(",")[1]));
  expect(rates).toEqual([0.01, expect.closeTo(0.01 * 0.5 ** 0.9, 12)]);
});
