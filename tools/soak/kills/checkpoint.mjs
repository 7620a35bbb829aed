// A process that writes one checkpoint after another is killed at any moment: the file is whole, the last
// checkpoint or the one before, and half-written files are swept.
import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { io, train } from "../dist.mjs";
import { scratch } from "../readers/scratch.mjs";
import { must, patience } from "./broken.mjs";

const index = new URL("../../../packages/train/dist/index.js", import.meta.url).href;

/** Writes checkpoints of 4 MB, every array filled with the number of its checkpoint, and reports each. */
const program = (path, first) => `
  import { writeCheckpoint } from ${JSON.stringify(index)};
  const data = new Float32Array(1 << 19);
  const array = { type: "float32", dims: [data.length], data };
  const words = { model: "m", loss: "l", optimizer: "o", schedule: "s", device: "cpu", runtime: "r" };
  for (let updates = ${first}; ; updates++) {
    data.fill(updates);
    const state = { updates, epoch: 0, pending: 0, threads: 1, ...words };
    const none = { slots: {}, accumulated: {}, averaged: {} };
    await writeCheckpoint(${JSON.stringify(path)}, { model: { a: array, b: array }, ...none, state });
    console.log(updates);
  }`;

const folderOf = (path) => path.slice(0, path.lastIndexOf("/"));
let written = 0;

async function run(random) {
  const path = scratch("checkpoints", "").replace(/checkpoints$/, "kill.safetensors");
  rmSync(scratch("checkpoints", ""));
  const child = spawn(
    process.execPath,
    ["--no-warnings", "--input-type=module", "-e", program(path, written + 1)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let [seen, first] = [0, performance.now()];
  for await (const line of createInterface({ input: child.stdout })) {
    written = Number(line);
    seen += 1;
    // Somewhere within the time that one or two writes take.
    if (seen === 1) first = performance.now();
    if (seen === 2) setTimeout(() => child.kill("SIGKILL"), random.integer(2 * (performance.now() - first)));
  }
  await ended;
  must(seen >= 2, "the writer ended by itself");
  const { model, state } = await train.readCheckpoint(path);
  must(
    state.updates >= written && state.updates <= written + 1,
    `it holds ${state.updates} after ${written}`,
  );
  for (const { data } of Object.values(model)) {
    must(
      data.every((value) => value === state.updates),
      "arrays of two checkpoints are mixed",
    );
  }
  written = state.updates;
  await io.sweepTemporaries(folderOf(path));
  const left = readdirSync(folderOf(path));
  must(left.join() === "kill.safetensors", `${left} are left after a sweep`);
}

export const checkpointKills = {
  name: "kill-checkpoint",
  kind: "kills",
  share: 2 / 3,
  rate: 0.7,
  budget: patience,
  make: (random) => random,
  run,
};
