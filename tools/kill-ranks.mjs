// Kills a random rank of a training, again and again: the job must be gone within 10 s and leave no process
// and no damaged file, and the resumed run must end with the bytes of an undisturbed one. Needs MPI.
//   node tools/kill-ranks.mjs --times 20 --ranks 2 --signal SIGKILL --seed 1
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { siteMpi } from "../packages/distributed/dist/testing/index.js";
import { readSafetensors } from "../packages/io/dist/index.js";

const command = fileURLToPath(new URL("../packages/cli/dist/main.js", import.meta.url));
const { values } = parseArgs({
  options: {
    times: { type: "string", default: "20" },
    ranks: { type: "string", default: "2" },
    signal: { type: "string", default: "SIGKILL" },
    seed: { type: "string", default: "1" },
  },
});
const epochs = 5;
const [times, ranks, seed] = [values.times, values.ranks, values.seed].map(Number);
const folder = mkdtempSync(join(tmpdir(), "pixelcal-kill-"));
const run = join(folder, "runs", "killed");

/** Starts a job; `ended` resolves to its exit code and messages. */
function start(size, args) {
  const [launcher, ...options] = siteMpi.launcher;
  const child = spawn(launcher, [...options, "-n", String(size), process.execPath, command, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const job = { pid: child.pid, messages: "" };
  child.stderr.on("data", (chunk) => {
    job.messages += chunk;
  });
  job.ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return job;
}

/** Returns the state of a process and its parent's id; undefined for one that is gone. */
function statusOf(pid) {
  try {
    // The name, in parentheses, may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

const childrenOf = (pid) =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name) && statusOf(name)?.parent === pid);

/** Tells whether a process runs; one that has ended may wait for its parent. */
const isAlive = (pid) => !["Z", undefined].includes(statusOf(pid)?.state);

/** A small generator of numbers from 0 to below 1 (mulberry32). */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const train = (...more) =>
  start(ranks, ["train", "--config", join(folder, "c.json"), "--out", join(folder, "runs"), ...more]);
const results = ["last.safetensors", "best.safetensors", "model.onnx", "log.csv"];
const bytesOf = () => results.map((name) => readFileSync(join(run, name)).toString("base64"));

/** Throws if a file of the run is damaged. */
async function checkFiles() {
  for (const name of existsSync(run) ? readdirSync(run) : []) {
    const path = join(run, name);
    if (name.startsWith(".")) continue; // a temporary file, which the next run removes
    if (name.endsWith(".safetensors") && !(await readSafetensors(path)).verified)
      throw new Error(`${name} has no checksum`);
    if (name.endsWith(".json")) JSON.parse(readFileSync(path, "utf8"));
    if (name.endsWith(".csv") && !readFileSync(path, "utf8").endsWith("\n"))
      throw new Error(`${name} is cut`);
  }
}

/** Returns when a job has trained so many epochs. */
async function reached(job, epochs) {
  const mark = epochs === 0 ? "ranks, " : `epoch ${epochs}/`;
  while (!job.messages.includes(mark)) await setTimeout(20);
}

/** Returns a line about one trial; undefined if the training ended before it could lose a rank. */
async function trial(random, epochMilliseconds, expected) {
  rmSync(join(folder, "runs"), { recursive: true, force: true });
  const job = train();
  // Somewhere in an epoch but the last.
  await reached(job, Math.floor(random() * (epochs - 1)));
  await setTimeout(random() * epochMilliseconds);
  const processes = childrenOf(job.pid);
  const victim = processes[Math.floor(random() * processes.length)];
  if (victim === undefined) return undefined;
  process.kill(Number(victim), values.signal);
  const killed = performance.now();
  const code = await job.ended;
  if (code === 0) return undefined;
  const passed = () => (performance.now() - killed) / 1000;
  while (processes.some(isAlive)) {
    if (passed() > 10) throw new Error(`processes are left after ${passed().toFixed(1)} s`);
    await setTimeout(20);
  }
  const seconds = passed();
  if (seconds > 10) throw new Error(`the job was gone after ${seconds.toFixed(1)} s`);
  await checkFiles();
  const state = existsSync(join(run, "last.safetensors"))
    ? JSON.parse((await readSafetensors(join(run, "last.safetensors"))).metadata.state)
    : undefined;
  const resumed = train("--resume");
  if ((await resumed.ended) !== 0) throw new Error(`cannot resume: ${resumed.messages}`);
  const wrong = bytesOf().flatMap((bytes, i) => (bytes === expected[i] ? [] : [results[i]]));
  if (wrong.length > 0)
    throw new Error(`resumed from ${state?.updates ?? 0} updates: other ${wrong.join(", ")}`);
  return `gone after ${seconds.toFixed(2)} s, resumed from ${state?.updates ?? 0} updates`;
}

let failed = 0;
try {
  const data = join(folder, "data");
  await start(1, ["phantom", "--out", data, "--cases", "16", "--size", "48x48", "--seed", "3"]).ended;
  const config = {
    run_name: "killed",
    method: "sdc",
    preset: "consistent",
    dataset: { root: data },
    model: { num_classes: 4, base: 8 },
    batch_size: Math.max(2, ranks),
    epochs,
    threads: 1,
    checkpoint_minutes: 0,
  };
  writeFileSync(join(folder, "c.json"), JSON.stringify(config));
  const whole = train();
  await reached(whole, 1);
  const begun = performance.now();
  if ((await whole.ended) !== 0) throw new Error(whole.messages);
  const epochMilliseconds = (performance.now() - begun) / (epochs - 1);
  const expected = bytesOf();
  const random = generator(seed);
  for (let i = 1; i <= times; i++) {
    try {
      let line;
      while (line === undefined) line = await trial(random, epochMilliseconds, expected);
      console.log(`${i}: ${line}`);
    } catch (error) {
      failed++;
      console.log(`${i}: FAILED: ${error.message}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${times - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
