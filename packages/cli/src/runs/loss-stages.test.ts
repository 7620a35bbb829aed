import { readFile } from "node:fs/promises";
import { readRunCheckpoint } from "@pixelcal/train";
import { describe, expect, test } from "vitest";
import type { TrainReport } from "../reports.js";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

const proper = { name: "signedDistanceCalibration", preset: "proper" };
const write = (name: string, others: object = {}): Promise<string> =>
  writeConfig(`${name}.yaml`, {
    run_name: name,
    method: undefined,
    sdc: undefined,
    loss: { name: "diceCrossEntropy" },
    finish: { loss: { ...proper, dice: 0.25, scale: 0.5 }, share: 0.5 },
    epochs: 4,
    ...others,
  });
const logOf = async (out: string, name: string): Promise<string[]> =>
  (await readFile(at(out, name, "log.csv"), "utf8")).trim().split("\n");

describe("a loss that takes over for the last epochs", () => {
  test("the first epochs are those of the first loss alone, the last ones are not", async () => {
    const path = await write("both");
    const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("runs")]);
    expect(code, messages).toBe(0);
    expect(messages).toContain("epochs 3 to 4: signedDistanceCalibration (proper)\n");
    expect(messages).not.toContain("other conditions");
    const alone = await write("alone", { finish: undefined });
    expect((await pixelcal(["train", "--config", alone, "--out", at("runs")])).code).toBe(0);
    const [both, one] = [await logOf("runs", "both"), await logOf("runs", "alone")];
    // The columns of the first loss's terms stay empty in the epochs of the second, and the other way round.
    const losses = (rows: string[]): string[] =>
      rows.slice(1).map((row) => row.split(",").slice(0, 3).join());
    expect(losses(both).slice(0, 2)).toEqual(losses(one).slice(0, 2));
    expect(losses(both)[2]).not.toEqual(losses(one)[2]);
    const columns = both[0]!.split(",");
    for (const row of both) expect(row.split(",")).toHaveLength(columns.length);
    const { state } = await readRunCheckpoint(at("runs", "both", "last.safetensors"));
    expect(state.loss).toContain("signedDistanceCalibration");
    expect(state.updates).toBe(4 * Math.ceil(5 / 2));
  });

  test.each([
    ["the first loss", "epoch 1/4"],
    ["the last epoch of the first loss", "epoch 2/4"],
    ["the second loss", "epoch 3/4"],
  ])("a run that was stopped in %s resumes bit for bit", async (_, stop) => {
    const path = await write("parts");
    const args = (out: string): string[] => ["train", "--config", path, "--out", at(out)];
    const [whole, parts] = [`whole ${stop.at(6)}`, `parts ${stop.at(6)}`];
    expect((await pixelcal(args(whole))).code).toBe(0);
    const stopped = await pixelcal(args(parts), (text) =>
      text.startsWith(stop) ? AbortSignal.abort() : undefined,
    );
    expect(stopped.code).toBe(130);
    const resumed = await pixelcal([...args(parts), "--resume"]);
    expect(resumed.code, resumed.messages).toBe(0);
    expect(resumed.messages).not.toContain("other conditions");
    for (const file of ["log.csv", "config.json", "last.safetensors", "best.safetensors", "model.onnx"]) {
      const [a, b] = await Promise.all([parts, whole].map((out) => readFile(at(out, "parts", file))));
      expect(a, file).toEqual(b);
    }
    // A run that is done stays as it is.
    expect((await pixelcal([...args(parts), "--resume"])).code).toBe(0);
  });

  test("one epoch trains the first loss, and says so", async () => {
    const path = await write("one");
    const { code, messages } = await pixelcal([
      ...["train", "--config", path, "--out", at("runs"), "--epochs", "1"],
    ]);
    expect(messages).toContain("warning: one epoch leaves none for signedDistanceCalibration (proper)\n");
    expect(code).toBe(0);
    const { state } = await readRunCheckpoint(at("runs", "one", "last.safetensors"));
    expect(state.loss).toContain("diceCrossEntropy");
  });

  test("--tune chooses the options of the loss that takes over", async () => {
    const finish = { loss: { ...proper, scale: 0.5 }, share: 0.5 };
    const path = await write("tuned", { finish, epochs: 4 });
    const { code, output, messages } = await pixelcal([
      ...["train", "--config", path, "--out", at("runs"), "--tune", "--json"],
    ]);
    expect(code, messages).toBe(0);
    const { chosen } = (JSON.parse(output) as TrainReport).tuning!;
    const config = JSON.parse(await readFile(at("runs", "tuned", "config.json"), "utf8"));
    expect(config.finish).toEqual({ loss: { ...proper, ...chosen }, share: 0.5 });
    expect(config.loss).toEqual({ name: "diceCrossEntropy", preset: "original" });
  });
});
