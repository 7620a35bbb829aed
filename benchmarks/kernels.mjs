// Every kernel beside the best peers on this machine: `npm run bench`.  npm run bench -- [--threads 1,2]
// [--only TEXT] [--python python3[,python3...]] [--edt FOLDER] [--budget 800] [--write]  Ours and each peer
// run in separate processes pinned to the same processors (where `taskset` exists) and take turns of some 40
// ms; the figure is the median call, the ratio the median over rounds of peer / ours. `ours` writes to memory
// that it is given, `allocating` makes its result. The floor is the time to move the bytes any implementation
// must move, at the copy bandwidth measured in the same run. Peers are used if they are found in one of the
// Pythons named (the fastest counts), and reported as missing otherwise; --edt names the `src` folder of
// seung-lab/euclidean-distance-transform-3d. --write puts the table into benchmarks/README.md.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { setThreadCount } from "@pixelcal/core";
import { commit, here } from "./checkout.mjs";
import { writeInput } from "./kernels/inputs.mjs";
import { prepare } from "./kernels/ours.mjs";
import { report } from "./kernels/report.mjs";
import { rows as allRows } from "./kernels/rows.mjs";

const self = fileURLToPath(import.meta.url);
const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "1,2" },
    only: { type: "string", default: "" },
    python: { type: "string", default: "python3" },
    edt: { type: "string" },
    budget: { type: "string", default: "800" },
    write: { type: "boolean", default: false },
    worker: { type: "boolean", default: false },
  },
});
const turn = 40; // ms

if (values.worker) await serve();
else await main();

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-bench-"));
  const threadCounts = values.threads.split(",").map(Number);
  const rows = allRows.filter(({ kernel, title }) => `${kernel}, ${title}`.includes(values.only));
  const load = loadavg()[0];
  try {
    const edt = buildEdt(folder);
    const known = new Map();
    const results = rows.map((row) => ({ row, byThreads: {} }));
    const bandwidth = {};
    const versions = {};
    for (const threads of threadCounts) {
      bandwidth[threads] = await copyBandwidth(threads);
      const ours = await start(process.execPath, [self, "--worker"], threads, { threads });
      const peers = [];
      for (const python of values.python.split(",")) {
        const script = join(here, "peers", "kernels.py");
        const peer = await start(python, [script], threads, { threads, ...edt }).catch(() => undefined);
        if (!peer) continue;
        peers.push(peer);
        for (const [name, version] of Object.entries(peer.hello)) (versions[name] ??= new Set()).add(version);
      }
      for (const { row, byThreads } of results) {
        process.stderr.write(`${threads} threads: ${row.kernel}, ${row.title}\n`);
        const files = writeInput(folder, row.input, known);
        byThreads[threads] = await measure(row, files, ours, peers, threads);
      }
      for (const worker of [ours, ...peers]) worker.stop();
    }
    const state = spawnSync("git", ["describe", "--always", "--dirty"], { cwd: here, encoding: "utf8" });
    const text = report(results, threadCounts, bandwidth, versions, {
      machine: `${cpus()[0].model}, ${cpus().length} processors, ${process.platform} ${process.arch}, Node ${process.version}`,
      commit: state.stdout?.trim() || "unknown",
      load: [load, loadavg()[0]],
    });
    console.log(text);
    if (values.write) writeTable(text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Alternates turns of ours and of every peer until the budget is spent: at least three, or two of a peer that
 * takes over a second.
 */
async function measure(row, files, ours, peers, threads) {
  const request = { op: row.op, options: row.options, files };
  const { check } = await ours.ask({ prepare: request });
  const turns = { ours: [], fresh: [], peers: [] };
  const contestants = [];
  for (const { name, ops, goals } of row.peers) {
    const goal = goals?.[threads - 1];
    const entry = { name, goal, best: undefined };
    turns.peers.push(entry);
    for (const peer of peers) {
      for (const op of ops) contestants.push({ entry, peer, op, times: [], ratios: [] });
    }
  }
  for (const contestant of contestants) {
    const answer = await contestant.peer.ask({ prepare: { ...request, op: contestant.op } });
    if (answer.missing) continue;
    contestant.check = answer.check;
    const until = Date.now() + Number(values.budget) / contestants.length;
    const least = () => (contestant.times[0] > 1000 ? 2 : 3);
    for (let round = 0; round < least() || (Date.now() < until && round < 25); round++) {
      const mine = median((await ours.ask({ run: turn, which: "into" })).times);
      const theirs = median((await contestant.peer.ask({ run: turn })).times);
      turns.ours.push(mine);
      contestant.times.push(theirs);
      contestant.ratios.push(theirs / mine);
    }
    contestant.ms = median(contestant.times);
    contestant.ratio = median(contestant.ratios);
    const { entry } = contestant;
    if (!entry.best || contestant.ratio < entry.best.ratio) {
      entry.best = contestant;
      entry.version = contestant.peer.hello[entry.name];
    }
  }
  if (contestants.every(({ ms }) => ms === undefined)) {
    for (let round = 0; round < 10; round++)
      turns.ours.push(median((await ours.ask({ run: turn, which: "into" })).times));
  }
  for (let round = 0; round < 5; round++) {
    const { times } = await ours.ask({ run: turn, which: "fresh" });
    if (times.length > 0) turns.fresh.push(median(times));
  }
  return {
    check,
    ours: median(turns.ours),
    fresh: turns.fresh.length > 0 ? median(turns.fresh) : undefined,
    peers: turns.peers,
  };
}

/** Answers as the worker: our calls, one JSON line in, one out. */
async function serve() {
  const lines = createInterface({ input: process.stdin });
  let call;
  for await (const line of lines) {
    const request = JSON.parse(line);
    if (request.threads) {
      setThreadCount(request.threads);
      answer({});
    } else if (request.prepare) {
      call = prepare(request.prepare);
      answer({ check: call.check() });
    } else {
      answer({ times: await timed(call[request.which], request.run, request.which === "fresh") });
    }
  }
}

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * Measures the milliseconds of each call. Between calls it returns to the event loop, as a service does,
 * where Node frees dropped arrays.
 */
async function timed(call, milliseconds, fresh) {
  const times = [];
  if (!call) return times;
  const until = performance.now() + milliseconds;
  for (;;) {
    const begin = performance.now();
    call();
    const end = performance.now();
    times.push(end - begin);
    if (end > until) return times;
    if (fresh) await new Promise(setImmediate);
  }
}

/** Starts a process that answers every JSON line with one, pinned to `threads` processors. */
async function start(command, args, threads, hello) {
  const processors = Array.from({ length: Math.min(threads, cpus().length) }, (_, i) => i).join();
  const pins = spawnSync("taskset", ["--version"], { stdio: "ignore" }).status === 0;
  const [program, ...rest] = pins ? ["taskset", "-c", processors, command, ...args] : [command, ...args];
  const env = { ...process.env, OMP_NUM_THREADS: String(threads) };
  delete env.OPENBLAS_CORETYPE;
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"], env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (message) => {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ended while it was asked ${JSON.stringify(message)}`);
    return JSON.parse(value);
  };
  child.stdin.on("error", () => {});
  return { ask, hello: await ask(hello), stop: () => child.stdin.end() };
}

/**
 * Measures the bytes that copies of 8 MB (cache) and 256 MB (memory) read and write per millisecond, on
 * `threads` threads.
 */
async function copyBandwidth(threads) {
  const code = `const { parentPort, workerData } = require("node:worker_threads");
    const [from, to] = [new Uint8Array(workerData).fill(1), new Uint8Array(workerData).fill(2)];
    const times = [];
    for (const until = performance.now() + 400; performance.now() < until; ) {
      const begin = performance.now();
      to.set(from);
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    parentPort.postMessage((2 * workerData) / times[times.length >> 1]);`;
  const of = async (bytes) => {
    const each = Array.from({ length: threads }, () => {
      const worker = new Worker(code, { eval: true, workerData: bytes / 2 / threads });
      return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    });
    return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
  };
  return { cache: await of(8 << 20), memory: await of(256 << 20) };
}

function buildEdt(folder) {
  if (!values.edt) return {};
  const library = join(folder, "libedt.so");
  const source = join(here, "peers", "edt_shim.cc");
  const flags = ["-O3", "-march=native", "-std=c++17", "-shared", "-fPIC", "-w", "-I", values.edt];
  const { status } = spawnSync("c++", [...flags, source, "-o", library, "-lpthread"], { stdio: "inherit" });
  if (status !== 0) throw new Error(`--edt: no shared library from ${values.edt}`);
  return { edt: library, edtVersion: commit(values.edt) };
}

function writeTable(text) {
  const file = join(here, "README.md");
  const [before, rest] = readFileSync(file, "utf8").split("<!-- kernels -->\n");
  const after = rest.slice(rest.indexOf("<!-- /kernels -->"));
  writeFileSync(file, `${before}<!-- kernels -->\n${text}\n${after}`);
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
