// The run over all targets, in turns of half a minute; after each turn the state is saved for `--resume`.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failures } from "./failures.mjs";
import { fullCounts, groups, targetsOf } from "./targets.mjs";
import { alone, watch } from "./watch.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const turn = 30_000;

/** Counts of one target: `total` inputs are to be run, `next` is the first that has not been. */
const fresh = (target, total) => ({
  ...{ group: target.group, name: target.name, total, next: 0, accepted: 0, refused: 0 },
  ...{ crash: 0, hang: 0, untyped: 0, memory: 0, seconds: 0, kinds: {} },
});

function keep(home, state) {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "state.json.tmp"), `${JSON.stringify(state, null, 2)}\n`);
  renameSync(join(home, "state.json.tmp"), join(home, "state.json"));
}

const commit = () => {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
};

function begun({ scale, seed }, targets) {
  const total = ({ group, share }) => Math.max(1, Math.round(fullCounts[group] * share * scale));
  return {
    seed,
    commit: commit(),
    machine: `${cpus()[0]?.model ?? process.arch}, Node ${process.versions.node}`,
    date: new Date().toISOString().slice(0, 10),
    command: ["npm run soak --", ...process.argv.slice(2)].join(" "),
    targets: Object.fromEntries(targets.map((target) => [target.name, fresh(target, total(target))])),
  };
}

function resumed(home) {
  try {
    return JSON.parse(readFileSync(join(home, "state.json"), "utf8"));
  } catch {
    throw new Error(`--resume: there is no soak to continue in ${home}`);
  }
}

/** Merges the states of soaks of one commit; of a target that is in several, the furthest. */
export function merged(homes) {
  const states = homes.map(resumed);
  const [first] = states;
  const targets = {};
  for (const state of states) {
    if (state.commit !== first.commit)
      throw new Error(`--from: soaks of ${first.commit} and ${state.commit}`);
    for (const [name, counts] of Object.entries(state.targets)) {
      if (counts.next > (targets[name]?.next ?? -1)) targets[name] = counts;
    }
  }
  return { ...first, command: states.map(({ command }) => command).join("; "), targets };
}

/** Soaks and returns the state: the counts of every target. */
export async function soak({ minutes, scale, seed, only, resume, home = join(root, ".cache", "soak") }) {
  const all = (await Promise.all(groups.map(targetsOf))).flat();
  const known = [...groups, ...all.map(({ name }) => name)];
  const strange = only?.filter((name) => !known.includes(name)) ?? [];
  if (strange.length > 0) throw new Error(`--only: expected ${known.join(", ")}, got ${strange.join(", ")}`);
  const chosen = all.filter(
    ({ group, name }) => only === undefined || only.includes(group) || only.includes(name),
  );
  const state = resume ? resumed(home) : begun({ scale, seed }, chosen);
  await checkWatch();
  if (!resume) rmSync(join(home, "failures"), { recursive: true, force: true });
  const failures = new Failures(join(home, "failures"));
  const end = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000;
  const left = all.filter(
    ({ name }) => state.targets[name] && state.targets[name].next < state.targets[name].total,
  );
  // The seconds that a target needs at its rate decide its share of the time left.
  const need = ({ name, rate }) => (state.targets[name].total - state.targets[name].next) / rate;
  for (const [i, target] of left.entries()) {
    const needed = left.slice(i).reduce((sum, other) => sum + need(other), 0);
    const deadline = Date.now() + ((end - Date.now()) * need(target)) / needed;
    await finish(target, state, deadline, failures, () => keep(home, state));
  }
  return state;
}

/** Throws unless every planted fault is detected as its kind. */
async function checkWatch() {
  const [target] = await targetsOf("planted");
  const seen = [];
  const found = async (finding) => {
    const { outcome } =
      finding.outcome === "memory" ? await alone(target, { index: finding.index }) : finding;
    seen.push(`${finding.index} ${outcome}`);
  };
  await watch(target, { from: 0, to: target.expected.length, deadline: Number.MAX_SAFE_INTEGER, found });
  const expected = target.expected.flatMap((outcome, i) =>
    outcome === "accepted" ? [] : [`${i} ${outcome}`],
  );
  if (seen.join() !== expected.join()) throw new Error(`planted faults ${expected} were seen as ${seen}`);
}

async function finish(target, state, deadline, failures, kept) {
  const counts = state.targets[target.name];
  while (counts.next < counts.total && Date.now() < deadline) {
    const start = performance.now();
    const found = (finding) => count(target, state, finding, failures);
    const until = Math.min(deadline, Date.now() + turn);
    const job = { seed: state.seed, from: counts.next, to: counts.total, deadline: until, found };
    const { next, accepted, refused } = await watch(target, job);
    counts.next = next;
    counts.accepted += accepted;
    counts.refused += refused;
    counts.seconds += (performance.now() - start) / 1000;
    kept();
  }
}

async function count(target, state, finding, failures) {
  const counts = state.targets[target.name];
  // Growth may be garbage of earlier inputs: it counts only if the input alone takes the memory too.
  if (finding.outcome === "memory") {
    const again = await alone(target, { seed: state.seed, index: finding.index });
    if (again.outcome !== "memory") return;
    finding = {
      ...finding,
      message: `grew by ${Math.round(again.growth / 2 ** 20)} MB`,
      signature: "memory",
    };
  }
  counts[finding.outcome] += 1;
  const kind = `${finding.outcome} ${finding.signature}`;
  counts.kinds[kind] = (counts.kinds[kind] ?? 0) + 1;
  const path = failures.save(target, state.seed, finding);
  if (path === undefined) return;
  console.log(`${target.name} ${finding.index}: ${kind}\n  npm run soak -- --replay ${path}`);
}
