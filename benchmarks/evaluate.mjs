// The whole job of scoring predictions: `pixelcal evaluate` of a folder beside the authors' steps in NumPy
// and SciPy, each as a command of its own, in turns. Files are stored and compressed 512 x 512 images of two
// classes, and one volume of 128 x 256 x 256 with four.
//
//   node benchmarks/evaluate.mjs [--cases 60] [--rounds 5] [--python python3] [--write]
//
// Both read from the page cache. Ratios are medians over rounds of peer / ours.
// The columns of both must agree.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, platform } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeNpz } from "@pixelcal/io";
import { commit, here } from "./checkout.mjs";
import { prediction } from "./evaluate/prediction.mjs";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "60" },
    rounds: { type: "string", default: "5" },
    python: { type: "string", default: "python3" },
    write: { type: "boolean", default: false },
  },
});
const [cases, rounds] = [Number(values.cases), Number(values.rounds)];
const work = join(here, "work", "evaluate");
const cli = join(here, "..", "packages", "cli", "dist", "main.js");

async function make(name, count, size, classes, compress) {
  const folder = join(work, name);
  if (existsSync(join(folder, `${count - 1}.npz`))) return folder;
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++)
    await writeNpz(join(folder, `${i}.npz`), prediction(i, size, classes), { level: compress ? 6 : 0 });
  return folder;
}

function timed(command, args) {
  const begun = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: work });
  const seconds = (performance.now() - begun) / 1000;
  return status === 0 ? { seconds, stdout } : { failure: error?.message ?? stderr.trim().split("\n").at(-1) };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const rows = [];
let version;
async function compare(title, folder, classes, threads) {
  const out = join(work, "results.csv");
  const ours = [];
  const ratios = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    const args = [cli, "evaluate", "--predictions", folder, "--classes", `${classes}`, "--out", out];
    const mine = timed(process.execPath, threads === undefined ? args : [...args, "--threads", `${threads}`]);
    if (mine.failure) throw new Error(mine.failure);
    ours.push(mine.seconds);
    const peer = timed(values.python, [join(here, "peers", "evaluate.py"), folder]);
    if (peer.failure) {
      console.log(`peer missing: ${peer.failure}`);
      continue;
    }
    theirs.push(peer.seconds);
    ratios.push(peer.seconds / mine.seconds);
    const { version: found, ...columns } = JSON.parse(peer.stdout);
    version = found;
    const [head, line] = readFileSync(out, "utf8").split("\n");
    const row = Object.fromEntries(head.split(",").map((column, i) => [column, line.split(",")[i]]));
    for (const [column, value] of Object.entries(columns)) {
      const key = Object.keys(row).find((name) => name === column || name.startsWith(`${column} mean`));
      if (!(Math.abs(Number(row[key]) - value) <= 1e-5 * Math.max(1, Math.abs(value))))
        throw new Error(`${title}: ${column} is ${row[key]}, the peer's ${value}`);
    }
  }
  const text = [
    title,
    threads ?? "all",
    median(ours).toFixed(2),
    theirs.length ? median(theirs).toFixed(2) : "",
    ratios.length ? median(ratios).toFixed(1) : "missing",
  ];
  rows.push(text);
  console.log(text.join(" | "));
}

mkdirSync(work, { recursive: true });
const before = loadavg()[0];
const started = timed(process.execPath, [cli, "--version"]);
await compare(
  `${cases} x 512 x 512, 2 classes, stored`,
  await make("stored", cases, [512, 512], 2, false),
  2,
);
await compare(
  `${cases} x 512 x 512, 2 classes, compressed`,
  await make("compressed", cases, [512, 512], 2, true),
  2,
);
const volume = await make("volume", 1, [128, 256, 256], 4, false);
await compare("128 x 256 x 256, 4 classes", volume, 4);
await compare("128 x 256 x 256, 4 classes", volume, 4, 1);

const report = `# Scoring predictions, the whole job

\`node benchmarks/evaluate.mjs --rounds ${rounds}\` on ${cpus()[0].model}, ${cpus().length} processors, ${platform()} ${arch()}, Node
${process.version}, commit ${commit()}, load average ${before.toFixed(1)} before and ${loadavg()[0].toFixed(1)} after. Peer: the authors' steps, ${version}.
Whole commands, seconds, medians of ${rounds} rounds in turns; \`pixelcal --version\` alone takes ${started.seconds.toFixed(2)} s.

| predictions | threads | ours s | peer s | peer / ours |
| --- | --: | --: | --: | --: |
${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}
`;
if (values.write) writeFileSync(join(here, "results", "evaluate.md"), report);
else console.log(report);
