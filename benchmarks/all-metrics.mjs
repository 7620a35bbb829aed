// All metrics of a large folder: `pixelcal evaluate` over many 512 x 512 predictions of two classes, with
// every family of columns and without, its time and its largest memory, beside two programs in Python.
//
//   node benchmarks/all-metrics.mjs [--cases 1000] [--slow-cases 10] [--rounds 3] [--python python3]
//     [--authors FOLDER] [--out FILE.md]
//
// The authors' evaluation gives five columns: arg-max, Dice, HD95 from two distance transforms of the whole
// image, ECE and pECE of the foreground and ECE by class in ten bins. It is their own program with
// --authors, the `src` of a checkout of EagleAdelaide/SDC-Loss, else peers/evaluate.py, which makes the same
// calls. peers/all_metrics.py does what all families do, in NumPy and SciPy. The folder has links to twenty
// different cases, so that a thousand take no more room; all read from the page cache. Each peer is one
// process of one thread. The first scores every case. The second is slow and scores --slow-cases of them and
// one alone: the difference is scaled, its start is not. All others run once in every round, in turns; times
// and ratios are medians over the rounds.
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeNpz } from "@pixelcal/io";
import { commit, here } from "./checkout.mjs";
import { prediction } from "./evaluate/prediction.mjs";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000" },
    "slow-cases": { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    python: { type: "string", default: "python3" },
    authors: { type: "string" },
    out: { type: "string" },
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
function run(command, args, env = {}) {
  const begun = performance.now();
  const timed = ["-c", 'TIMEFORMAT="processor seconds %U %S"; time "$@"', "bash", command, ...args];
  const { status, stderr, error } = spawnSync("bash", timed, {
    encoding: "utf8",
    cwd: work,
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw error ?? new Error(stderr);
  const [, user, system] = /processor seconds ([\d.]+) ([\d.]+)/.exec(stderr);
  const seconds = (performance.now() - begun) / 1000;
  return { seconds, processor: Number(user) + Number(system), memory: memoryOf(stderr) };
}

const memoryOf = (text) => Number(/largest memory (\d+)/.exec(text)?.[1] ?? Number.NaN) / 1024;

mkdirSync(work, { recursive: true });
const [cases, slowCases] = [Number(values.cases), Number(values["slow-cases"])];
const peer = (name) => join(here, "peers", name);
const cli = join(here, "..", "packages", "cli", "dist", "main.js");
// Says at its exit what it used at most, in kilobytes.
const tell = `process.on("exit", () => console.error("largest memory " + process.resourceUsage().maxRSS));`;
const preload = ["--import", `data:text/javascript,${encodeURIComponent(tell)}`];
const score = [cli, "evaluate", "--classes", "2", "--out", join(work, "results.csv"), "--predictions"];
const folder = await folderOf("all/run", cases);
const ours = [...preload, ...score, folder];

/** Times the slow peer over some cases and over one, and returns the times that all cases would take. */
async function slowPeer(env) {
  const [some, one] = [await folderOf("some", slowCases), await folderOf("one", 1)].map((part) =>
    run(values.python, [peer("all_metrics.py"), part], env),
  );
  const ofAll = (key) => one[key] + ((some[key] - one[key]) * (cases - 1)) / (slowCases - 1);
  return { seconds: ofAll("seconds"), processor: ofAll("processor") };
}

const threads = { OMP_NUM_THREADS: "1" };
const theirs = values.authors
  ? {
      args: [
        "-m",
        "sdc.eval",
        "--pred_root",
        join(work, "all"),
        "--num_classes",
        "2",
        "--out_csv",
        "authors.csv",
      ],
      env: {
        ...threads,
        PYTHONPATH: [resolve(values.authors), process.env.PYTHONPATH ?? ""].join(delimiter),
      },
    }
  : { args: [peer("evaluate.py"), folder], env: threads };

const load = loadavg()[0].toFixed(1);
const rounds = Array.from({ length: Number(values.rounds) }, () => ({
  all: run(process.execPath, [...ours, "--convention", "consistent", "--metrics", metrics]),
  usual: run(process.execPath, [...ours, "--convention", "consistent"]),
  authors: run(values.python, theirs.args, theirs.env),
}));
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const [all, usual, authors] = ["all", "usual", "authors"].map((name) => {
  const of = (key) => median(rounds.map((round) => round[name][key]));
  return { seconds: of("seconds"), processor: of("processor"), memory: of("memory") };
});
const families = await slowPeer(threads);

const row = (name, { seconds, processor }, memory = "") =>
  `| ${name} | ${seconds.toFixed(1)} | ${processor.toFixed(1)} | ${memory} |`;
const times = (theirs, own) =>
  `${(theirs.seconds / own.seconds).toFixed(1)} (${(theirs.processor / own.processor).toFixed(1)})`;
const timesIn = (name) => {
  const ratios = (key) => rounds.map((round) => round.authors[key] / round[name][key]);
  const [wall, processor] = [ratios("seconds"), ratios("processor")];
  const range = `${Math.min(...wall).toFixed(1)} to ${Math.max(...wall).toFixed(1)}`;
  return `${median(wall).toFixed(1)} (${median(processor).toFixed(1)}), rounds ${range}`;
};
const whose = values.authors ? "the authors' program" : "the authors' calls (peers/evaluate.py)";
const report = `# All metrics of ${cases} cases of 512 x 512, two classes

| | seconds | of processors | largest memory, MiB |
|---|--:|--:|--:|
${row("`evaluate`, all families of columns", all, all.memory.toFixed(0))}
${row("`evaluate`, the usual 25 columns", usual, usual.memory.toFixed(0))}
${row(`${whose}, five columns, one thread`, authors)}
${row("all families in NumPy and SciPy (peers/all_metrics.py), one thread", families)}

| times as fast, wall time (in processor time) | |
|---|--:|
| all families beside all families in Python | ${times(families, all)} |
| all families beside the authors' five columns | ${timesIn("all")} |
| the usual columns beside the authors' five | ${timesIn("usual")} |

Medians of ${rounds.length} rounds of all programs in turns, but for the slow one. Times include the start of the programs, the
bootstrap over cases and the files. The five columns are of all ${cases} cases.
All families in Python are the time of one case and ${cases - 1} times the mean of ${slowCases - 1} further ones.

\`node benchmarks/all-metrics.mjs --cases ${cases}${values.authors ? " --authors SDC-Loss/src" : ""}\`

${cpus()[0].model}, ${cpus().length} processors, load average ${load} before and ${loadavg()[0].toFixed(1)} after. Node ${process.versions.node}, commit ${commit()}.
`;
console.log(report);
if (values.out) writeFileSync(values.out, report);
