import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Random } from "@pixelcal/core";
import { sweepTemporaries } from "@pixelcal/io";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCheckpoint } from "./checkpoint.js";

// The child runs what `npm test` has built.
const index = fileURLToPath(new URL("../../dist/index.js", import.meta.url));

/**
 * Writes checkpoints of 4 MB one after another, every array holding its number, and says each that is
 * written.
 */
const script = (path: string, first: number): string => `
  import { writeCheckpoint } from ${JSON.stringify(index)};
  const data = new Float32Array(1 << 19);
  const array = { type: "float32", dims: [data.length], data };
  for (let updates = ${first}; ; updates++) {
    data.fill(updates);
    const state = { updates, epoch: 0, pending: 0, model: "m", loss: "l", optimizer: "o", schedule: "s", device: "cpu", threads: 1, runtime: "r" };
    await writeCheckpoint(${JSON.stringify(path)}, { model: { a: array, b: array }, slots: {}, accumulated: {}, averaged: {}, state });
    console.log(updates);
  }`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pixelcal-kill-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a writer killed at any moment leaves a whole checkpoint, the last or the one before", async () => {
  const path = join(folder, "last.safetensors");
  const random = Random.fromSeed(3);
  let written = 0;
  for (let kill = 0; kill < 6; kill++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script(path, written + 1)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      written = Number(line);
      // Somewhere in the checkpoints after this writer's second.
      if (++seen === 2) setTimeout(() => child.kill("SIGKILL"), random.integer(25));
    }
    await ended;
    const { model, state } = await readCheckpoint(path);
    expect(state.updates).toBeGreaterThanOrEqual(written);
    expect(state.updates).toBeLessThanOrEqual(written + 1);
    for (const { data } of Object.values(model))
      expect(data.every((value) => value === state.updates)).toBe(true);
    written = state.updates;
    await sweepTemporaries(folder);
    expect(await readdir(folder)).toEqual(["last.safetensors"]);
  }
});
