import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Region } from "@pixelcal/core";
import { readCheckpoint } from "@pixelcal/train";
import { expect, test } from "vitest";
import { run } from "../program.js";
import { pixelcal } from "../run.test.helper.js";
import { Terminal } from "../terminal.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

test("the lock of a dead process is taken over with a message", async () => {
  const folder = at("runs", "left");
  await mkdir(folder, { recursive: true });
  const since = "2026-01-02T03:04:05.000Z";
  const owner = { host: hostname(), pid: 999_999_999, since, token: "a-b" };
  await writeFile(at("runs", "left", ".pixelcal.lock"), JSON.stringify(owner));
  const path = await writeConfig("left.yaml", { run_name: "left", epochs: 1 });
  const { code, messages } = await pixelcal(["train", "--config", path, "--out", at("runs")]);
  expect(messages).toContain(
    `${folder}: took over the lock of process 999999999, which ended without releasing it (since ${since})\n`,
  );
  expect(code).toBe(0);
});

test("a run that is stopped inside an epoch resumes there, bit for bit", async () => {
  const path = await writeConfig("inside.yaml", { run_name: "inside", epochs: 2, checkpoint_minutes: 0 });
  const args = (out: string): string[] => ["train", "--config", path, "--out", at(out)];
  expect((await pixelcal(args("whole"))).code).toBe(0);
  const steps = Math.ceil((await readdir(join(data, "train"))).length / 2);
  // Asked after every step and epoch: the second step of the second epoch is the last.
  let asked = 0;
  const signal = new AbortController().signal;
  Object.defineProperty(signal, "aborted", { get: () => ++asked >= steps + 3 });
  let text = "";
  const output = { write: (part: string | Uint8Array) => Boolean((text += part)) };
  const code = await run(args("parts"), { output, terminal: new Terminal(output), signal });
  expect(text).toContain("--resume continues from there");
  const last = await readCheckpoint(at("parts", "inside", "last.safetensors"));
  expect(last.state.extra).toMatchObject({ begun: { epoch: 1, batches: 1 } });
  expect(code).toBe(130);
  expect((await pixelcal([...args("parts"), "--resume"])).code).toBe(0);
  for (const file of ["log.csv", "last.safetensors", "best.safetensors", "model.onnx"]) {
    const [a, b] = await Promise.all(["parts", "whole"].map((out) => readFile(at(out, "inside", file))));
    expect(a, file).toEqual(b);
  }
});

test("a run is not resumed with regions of other labels, and with other names it is", async () => {
  const regions: readonly Region[] = [
    { name: "heart", labels: [1, 2, 3] },
    { name: "left", labels: [2, 3] },
    { name: "cavity", labels: [3] },
  ];
  const train = async (given: readonly Region[] | undefined, ...more: readonly string[]) => {
    const recipe = { method: undefined, sdc: undefined, loss: { name: "crossEntropy" } };
    const dataset = { root: data, ...(given && { regions: given }) };
    const path = await writeConfig("heads.yaml", { run_name: "heads", epochs: 1, dataset, ...recipe });
    return pixelcal(["train", "--config", path, "--out", at("runs"), ...more]);
  };
  expect((await train(regions)).code).toBe(0);
  const last = at("runs", "heads", "last.safetensors");
  const before = await readFile(last);
  const were = "the labels [1, 2, 3], [2, 3], [3]";
  for (const [other, are] of [
    [[regions[1]!, regions[0]!, regions[2]!], "the labels [2, 3], [1, 2, 3], [3]"],
    [[...regions.slice(0, 2), { name: "cavity", labels: [2] }], "the labels [1, 2, 3], [2, 3], [2]"],
    [undefined, "none"],
  ] as const) {
    const { code, messages } = await train(other, "--resume");
    expect(code).toBe(2);
    expect(messages).toContain(
      `dataset.regions: the run was begun with ${were}, got ${are}; --resume needs the same, --overwrite starts over`,
    );
  }
  expect(await readFile(last)).toEqual(before);
  const { code, messages } = await train([{ ...regions[0]!, name: "all" }, ...regions.slice(1)], "--resume");
  expect(messages).toContain('dataset.regions.0.name was "heart", is "all"');
  expect(code).toBe(0);
});

test("a loss that grows a thousandfold is reported with the cure", async () => {
  const overrides = {
    run_name: "steep",
    epochs: 4,
    optim: { lr: 300, weight_decay: 0 },
    loss: { name: "crossEntropy" },
  };
  const path = await writeConfig("steep.yaml", { ...overrides, method: undefined, sdc: undefined });
  const { messages } = await pixelcal(["train", "--config", path, "--out", at("runs")]);
  expect(messages).toMatch(
    /warning: epoch \d, step \d: the loss is \S+, more than a thousand times that of the start \(\S+\); lower optim\.lr, or limit the gradient with clip_norm/,
  );
});
