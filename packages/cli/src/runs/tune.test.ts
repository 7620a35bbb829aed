import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { TrainReport, TuningTrial } from "../reports.js";
import { pixelcal } from "../run.test.helper.js";
import { at, toyData, writeConfig } from "../toy.test.helper.js";
import { candidatesOf } from "./tune.js";

toyData();

// Each trains some ten networks for an epoch or two.
const loss = { name: "signedDistanceCalibration", preset: "proper" };
const write = (name: string, own: object = {}, others: object = {}): Promise<string> =>
  writeConfig(`${name}.yaml`, {
    run_name: name,
    method: undefined,
    sdc: undefined,
    loss: { ...loss, ...own },
    ...others,
  });

async function tuning(...path: string[]): Promise<readonly TuningTrial[]> {
  return JSON.parse(await readFile(at(...path, "tuning.json"), "utf8")).trials;
}
const text = ({ dice, scale, epochs }: TuningTrial): string => `${dice} ${scale} ${epochs}`;

describe("train --tune", () => {
  test("takes what has the lowest validation NLL in short trainings, and trains it", async () => {
    const others = { scheduler: { type: "cosine", warmup: 2 }, epochs: 6, selection: "nll" };
    const path = await write("tuned", { scale: 0.5 }, { ...others, selection: "loss" });
    const args = ["train", "--config", path, "--out", at("runs"), "--tune"];
    const { code, output, messages } = await pixelcal([...args, "--json"]);
    expect(code).toBe(0);
    const { chosen, trials } = (JSON.parse(output) as TrainReport).tuning!;
    expect(trials).toEqual(await tuning("runs", "tuned"));
    const rounds = [1, 2].map((epochs) => trials.filter((trial) => trial.epochs === epochs));
    expect(rounds.map((round) => round.map(({ dice }) => dice))).toEqual([
      [0, 0.1, 0.25, 1],
      expect.any(Array),
    ]);
    const ranked = rounds.map((round) => [...round].sort((a, b) => a.nll! - b.nll!).map(({ dice }) => dice));
    expect([...ranked[1]!].sort()).toEqual(ranked[0]!.slice(0, 2).sort());
    expect(chosen).toEqual({ dice: ranked[1]![0], scale: 0.5 });
    expect(messages).toContain(`tuned: dice ${chosen.dice}, scale 0.5\n`);
    const config = JSON.parse(await readFile(at("runs", "tuned", "config.json"), "utf8"));
    expect(config).toMatchObject({ loss: { ...loss, ...chosen }, ...others });
    expect(await readdir(at("runs", "tuned"))).not.toContain("tuning");

    // The chosen options in a configuration without --tune give the same run.
    const plain = await write("plain", chosen, others);
    expect((await pixelcal(["train", "--config", plain, "--out", at("runs")])).code).toBe(0);
    expect(await readFile(at("runs", "tuned", "model.onnx"))).toEqual(
      await readFile(at("runs", "plain", "model.onnx")),
    );
  });

  test("resumes where it was stopped, in a short training or in the last", async () => {
    const path = await write("parts", { dice: 0.1 }, { epochs: 2 });
    const args = (out: string): string[] => ["train", "--config", path, "--out", at(out), "--tune"];
    expect((await pixelcal(args("whole"))).code).toBe(0);
    // A quarter and half of two epochs are one too: those scores are known.
    expect((await tuning("whole", "parts")).map(text)).toEqual(
      [0, 0.35, 0.5, 1].map((scale) => `0.1 ${scale} 1`),
    );
    const stoppedAt = (stop: string, ...more: string[]): ReturnType<typeof pixelcal> =>
      pixelcal([...args("parts"), ...more], (line) =>
        line.startsWith(stop) ? AbortSignal.abort() : undefined,
      );
    const early = await stoppedAt("dice 0.1, scale 0.35, 1 epoch:");
    expect(early.code, early.messages).toBe(130);
    expect((await pixelcal(args("parts"))).messages).toContain("already holds a run");
    const late = await stoppedAt("epoch 1/2", "--resume");
    expect(late.code, late.messages).toBe(130);
    expect(late.messages).not.toContain("scale 0, 1 epoch:");
    const resumed = await pixelcal([...args("parts"), "--resume"]);
    expect(resumed.code, resumed.messages).toBe(0);
    expect(resumed.messages).not.toContain("1 epoch:");
    for (const file of ["tuning.json", "model.onnx", "log.csv", "best.safetensors"])
      expect(await readFile(at("parts", "parts", file)), file).toEqual(
        await readFile(at("whole", "parts", file)),
      );
    // A run that starts over without tuning removes what the tuning left.
    const plain = ["train", "--config", path, "--out", at("whole"), "--overwrite"];
    expect((await pixelcal(plain)).code).toBe(0);
    expect(existsSync(at("whole", "parts", "tuning.json"))).toBe(false);
  });

  test("of the pairs, those that the configuration leaves open", () => {
    expect(candidatesOf({}).map(({ dice, scale }) => `${dice} ${scale}`)).toEqual(
      [0, 0.1, 0.25, 1].flatMap((dice) => [0, 0.35, 0.5, 1].map((scale) => `${dice} ${scale}`)),
    );
    expect(candidatesOf({ dice: 0.5, scale: 2 })).toEqual([{ dice: 0.5, scale: 2 }]);
  });

  test("scores that are no scores are refused by name", async () => {
    const path = await write("damaged");
    await mkdir(at("runs", "damaged"), { recursive: true });
    for (const text of ["[]", '{ "config": {}, "trials": [{ "dice": 1 }] }']) {
      await writeFile(at("runs", "damaged", "tuning.json"), text);
      const args = ["train", "--config", path, "--out", at("runs"), "--tune", "--resume"];
      const { code, messages } = await pixelcal(args);
      expect(messages).toContain("tuning.json: trials: expected the scores that --tune records");
      expect(code).toBe(1);
    }
  });

  test("is refused for other losses, and with a named checkpoint", async () => {
    const other = await writeConfig("other.yaml", { run_name: "other" });
    const refused = await pixelcal(["train", "--config", other, "--out", at("runs"), "--tune"]);
    expect(refused.messages).toContain(
      "error: --tune: expected the loss { name: signedDistanceCalibration, preset: proper }, got signedDistanceCalibration (reference)\n",
    );
    expect(refused.code).toBe(2);
    const path = await write("named");
    const named = await pixelcal(["train", "--config", path, "--tune", "--resume", at("x.safetensors")]);
    expect(named.messages).toContain("error: --resume: no checkpoint can be named with --tune\n");
    expect(named.code).toBe(2);
  });
});
