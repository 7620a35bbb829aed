// Runs a target's inputs in child processes, watches them, and restarts after an input that crashed or hung.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { budget, decodeBeat, encodeBeat } from "./heartbeat.mjs";

const program = fileURLToPath(new URL("child.mjs", import.meta.url));
const flags = ["--max-old-space-size=512", "--max-semi-space-size=4", "--expose-gc", "--no-warnings"];

/** Returns the processor seconds of a process so far; undefined when it has ended. */
function cpuSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

/** Runs one child to its end: { status, signal, hung, lines, stderr, beat }. */
function once(job, folder, { cpuSeconds: cpuLimit, wallSeconds, starting } = budget) {
  return new Promise((resolve) => {
    const beat = join(folder, "beat");
    writeFileSync(beat, encodeBeat(job.from ?? 0, { accepted: 0, refused: 0 }));
    const child = spawn(process.execPath, [...flags, program, JSON.stringify({ ...job, beat })], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [output, errors, hung] = ["", "", false];
    child.stdout.on("data", (data) => void (output += data));
    child.stderr.on("data", (data) => void (errors = (errors + data).slice(-4000)));
    let seen = { index: -1, cpu: 0, wall: 0 };
    const timer = setInterval(() => {
      const cpu = cpuSeconds(child.pid);
      if (cpu === undefined) return;
      const { index } = decodeBeat(readFileSync(beat));
      // Until the first input the child loads the packages and makes its seeds.
      if (index !== seen.index) seen = { index, cpu, wall: performance.now() };
      const grace = index === (job.from ?? 0) ? starting : 0;
      const late = cpu - seen.cpu > cpuLimit + grace;
      const blocked = performance.now() - seen.wall > 1000 * (wallSeconds + grace);
      if (late || blocked) {
        hung = true;
        child.kill("SIGKILL");
      }
    }, 100);
    child.once("close", (status, signal) => {
      clearInterval(timer);
      const lines = output
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
      resolve({ status, signal, hung, lines, errors, ...decodeBeat(readFileSync(beat)) });
    });
  });
}

/** Runs one input alone in a fresh process. */
export async function alone(target, { seed, index, bytes }) {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-watch-"));
  try {
    const { group, name } = target;
    const job = { group, name, seed, only: { index, bytes } };
    const { lines, hung, signal, status, errors } = await once(job, folder, target.budget);
    const [{ input } = {}, result] = lines;
    if (hung) return { input, outcome: "hang" };
    if (!result) return { input, outcome: "crash", message: `${signal ?? `exit code ${status}`}: ${errors}` };
    return { input, ...result, ...(result.growth > (target.bytes ?? budget.bytes) && { outcome: "memory" }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs inputs `from` to `to`, or fewer until the deadline: { next, accepted, refused }. Every finding is
 * passed on as { outcome: "crash" | "hang" | "untyped" | "memory", index, ... }.
 */
export async function watch(target, { seed, from, to, deadline, found }) {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-watch-"));
  const { group, name } = target;
  const total = { next: from, accepted: 0, refused: 0 };
  try {
    while (total.next < to && Date.now() < deadline) {
      const end = await once({ group, name, seed, from: total.next, to, deadline }, folder, target.budget);
      total.accepted += end.accepted;
      total.refused += end.refused;
      for (const finding of end.lines) await found(finding);
      total.next = end.index;
      if (end.status === 0) break;
      const outcome = end.hung || end.status === 13 ? "hang" : "crash";
      const message = end.hung
        ? "over its time"
        : `${end.signal ?? `exit code ${end.status}`}: ${end.errors}`;
      await found({
        outcome,
        index: end.index,
        message,
        signature: `${outcome} ${end.signal ?? end.status}`,
      });
      total.next = end.index + 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return total;
}
