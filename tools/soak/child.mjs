// The process that does the risky work: inputs `from` to `to` of one target, each announced in the
// heartbeat file before it begins, so that the parent knows which of them crashed or hangs. Findings are
// lines of JSON on the output.
import { openSync, writeFileSync, writeSync } from "node:fs";
import { inspect } from "node:util";
import { budget, encodeBeat } from "./heartbeat.mjs";
import { minimised } from "./minimise.mjs";
import { Random } from "./random.mjs";
import { targetNamed } from "./targets.mjs";
import { isTyped, signature } from "./typed-errors.mjs";

const { group, name, seed, from, to, deadline, beat, only } = JSON.parse(process.argv[2]);
const target = await targetNamed(group, name);
const heartbeat = openSync(beat, "r+");
const counts = { accepted: 0, refused: 0 };

const report = (finding) => writeSync(1, `${JSON.stringify(finding)}\n`);

async function attempt(value) {
  try {
    await target.run(value);
    return { outcome: "accepted" };
  } catch (error) {
    if (isTyped(target.kind, error)) return { outcome: "refused", message: error.message };
    return { outcome: "untyped", signature: signature(error), message: error?.stack ?? String(error) };
  }
}

/** Returns the bytes that JavaScript holds, in its heap or outside it. */
function held() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function resetPeak() {
  // Linux: resets the peak of resident memory.
  writeFileSync("/proc/self/clear_refs", "5");
}
const peak = () => process.resourceUsage().maxRSS * 1024;

/** Runs one input after a good one has warmed everything up, and measures how much memory it took on top. */
async function measured(value) {
  await attempt(target.make(new Random("warm-up"), 0));
  globalThis.gc?.();
  resetPeak();
  const before = [held(), process.memoryUsage.rss()];
  const result = await attempt(value);
  return { ...result, growth: Math.max(held() - before[0], peak() - before[1]) };
}

// One input alone: saved bytes, or the input that seed and index make. It is printed before it may crash.
if (only !== undefined) {
  const made = () => target.make(new Random(seed, name, only.index), only.index);
  const value = only.bytes === undefined ? made() : new Uint8Array(Buffer.from(only.bytes, "base64"));
  report({ input: inspect(value, { depth: 4, maxArrayLength: 8, maxStringLength: 200 }) });
  report(await measured(value));
  process.exit(0);
}

let index = from;
resetPeak();
let last = [held(), peak()];
for (; index < to && Date.now() < deadline; index++) {
  writeSync(heartbeat, encodeBeat(index, counts), 0, undefined, 0);
  const value = target.make(new Random(seed, name, index), index);
  const result = await attempt(value);
  if (result.outcome === "untyped") report({ ...result, index, small: await smaller(value, result) });
  else counts[result.outcome] += 1;
  const now = [held(), peak()];
  const growth = Math.max(now[0] - last[0], now[1] - last[1]);
  // Memory in use cannot be told from garbage here, so the parent tries the input alone.
  if (growth > budget.bytes) report({ outcome: "memory", index, growth });
  if (index % 1024 === 0) resetPeak();
  last = [now[0], Math.max(peak(), index % 1024 === 0 ? 0 : last[1])];
}
writeSync(heartbeat, encodeBeat(index, counts), 0, undefined, 0);
// Handles that a library still holds open must not keep a finished process alive.
process.exit(0);

async function smaller(value, { signature: wanted }) {
  if (!(value instanceof Uint8Array)) return undefined;
  const same = async (bytes) => (await attempt(bytes)).signature === wanted;
  return Buffer.from(await minimised(value, same)).toString("base64");
}
