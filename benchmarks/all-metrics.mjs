// All metrics of a large folder: `pixelcal evaluate` with every family of columns over many 512 x 512
// predictions of two classes, its time and its largest memory, beside the authors' five columns in NumPy and
// SciPy.
//
//   node benchmarks/all-metrics.mjs [--cases 1000] [--peer-cases 100] [--python python3]
//
// The peer, peers/evaluate.py, is one process that does for every case what the authors' evaluation does:
// arg-max, Dice, HD95 from two distance transforms of the whole image, ECE and pECE of the foreground and ECE
// by class in ten bins. The folder has links to twenty different cases, so that a thousand take no more room;
// both read from the page cache. The peer scores --peer-cases of them and is scaled.
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeNpz } from "@pixelcal/io";
import { commit, here } from "./checkout.mjs";
import { prediction } from "./evaluate/prediction.mjs";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000" },
    "peer-cases": { type: "string", default: "100" },
    python: { type: "string", default: "python3" },
  },
});
const distinct = 20;
const work = join(here, "work", "all-metrics");
const metrics = "boundary,centerline,lesions,risk,smooth,surfaces,temperature,tools,volumes";

async function folderOf(name, count) {
  const folder = join(work, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const file = join(work, `${i % distinct}.npz`);
    if (!existsSync(file)) await writeNpz(file, prediction(i % distinct, [512, 512], 2), { level: 0 });
    linkSync(file, join(folder, `${i}.npz`));
  }
  return folder;
}

/**
 * Runs a command and returns its seconds, those of all its threads on processors, which other programs do not
 * prolong as much, and the largest resident memory of the child in MiB.
 */
function run(command, args) {
  const begun = performance.now();
  const timed = ["-c", 'TIMEFORMAT="processor seconds %U %S"; time "$@"', "bash", command, ...args];
  const { status, stderr, error } = spawnSync("bash", timed, { encoding: "utf8", cwd: work });
  if (status !== 0) throw error ?? new Error(stderr);
  const [, user, system] = /processor seconds ([\d.]+) ([\d.]+)/.exec(stderr);
  const seconds = (performance.now() - begun) / 1000;
  return { seconds, processor: Number(user) + Number(system), memory: memoryOf(stderr) };
}

const ratio = (theirs, ours) => (theirs / ours).toFixed(1);

const memoryOf = (text) => Number(/largest memory (\d+)/.exec(text)?.[1] ?? Number.NaN) / 1024;

mkdirSync(work, { recursive: true });
const [cases, peerCases] = [Number(values.cases), Number(values["peer-cases"])];
const evaluation = join(here, "peers", "evaluate.py");
const cli = join(here, "..", "packages", "cli", "dist", "main.js");
// Says at its exit what it used at most, in kilobytes.
const tell = `process.on("exit", () => console.error("largest memory " + process.resourceUsage().maxRSS));`;
const preload = ["--import", `data:text/javascript,${encodeURIComponent(tell)}`];
const score = [cli, "evaluate", "--classes", "2", "--out", join(work, "results.csv"), "--predictions"];
const all = [
  ...preload,
  ...score,
  await folderOf("ours", cases),
  "--convention",
  "consistent",
  "--metrics",
  metrics,
];
const peerFolder = await folderOf("peer", peerCases);
const [ours, peer] = [run(process.execPath, all), run(values.python, [evaluation, peerFolder])];
const theirs = (peer.seconds * cases) / peerCases;
const theirProcessor = (peer.processor * cases) / peerCases;
const load = loadavg()[0].toFixed(1);
console.log(`commit ${commit()}, ${cpus()[0].model}, ${cpus().length} cores, load ${load}`);
const text = (seconds, processor) => `${seconds.toFixed(1)} s, ${processor.toFixed(1)} s of processors`;
console.log(
  `${cases} cases, all metrics: ${text(ours.seconds, ours.processor)}, ${ours.memory.toFixed(0)} MiB`,
);
console.log(`authors' five columns: ${text(theirs, theirProcessor)} (from ${peerCases} cases)`);
console.log(`${ratio(theirs, ours.seconds)} times, ${ratio(theirProcessor, ours.processor)} of processors`);
