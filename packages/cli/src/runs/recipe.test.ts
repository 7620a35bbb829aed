import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listCases, readCase } from "@pixelcal/io";
import { readCheckpoint } from "@pixelcal/train";
import { expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

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

test("class weights by inverse frequency are those of the training split", async () => {
  const counts = new Float64Array(4);
  for (const name of await listCases(join(data, "train")))
    for (const label of (await readCase(join(data, "train", `${name}.npz`))).labels.data)
      counts[Number(label)]! += 1;
  const [total, present] = [counts.reduce((a, b) => a + b), counts.filter((count) => count > 0).length];
  const weights = Array.from(counts, (count) => (count === 0 ? 1 : total / (present * count)));
  const train = async (name: string, loss: object): Promise<string> => {
    const path = await writeConfig(`${name}.yaml`, {
      run_name: name,
      epochs: 1,
      loss,
      method: undefined,
      sdc: undefined,
    });
    const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("runs")]);
    expect(code, messages).toBe(0);
    const said = `class weights by inverse frequency: ${weights.map((one) => one.toPrecision(4)).join(", ")}\n`;
    expect(messages.includes(said)).toBe(name !== "list");
    return readFile(at("runs", name, "log.csv"), "utf8");
  };
  const focal = { name: "focal", gamma: 2 };
  const listed = await train("list", { ...focal, classWeights: weights });
  expect(await train("word", { ...focal, classWeights: "inverse-frequency" })).toBe(listed);
  const sum = {
    name: "weighted",
    losses: [{ weight: 1, loss: { ...focal, classWeights: "inverse-frequency" } }],
  };
  const rows = [listed, await train("sum", sum)].map((log) => log.split("\n")[1]!.split(",")[2]);
  expect(Number(rows[1])).toBeCloseTo(Number(rows[0]), 5);
});

test("class weights are a list or the word", async () => {
  const path = await writeConfig("words.yaml", {
    run_name: "words",
    loss: { name: "focal", classWeights: "equal" },
    method: undefined,
    sdc: undefined,
  });
  const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("runs")]);
  expect(messages).toContain(
    "loss.classWeights: expected a list of numbers of 0 or more, one a class, or inverse-frequency",
  );
  expect(code).toBe(2);
});
