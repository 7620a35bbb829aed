// Training and evaluation on 1 and 2 ranks of one thread, measured, beside a model of up to 256 ranks on a
// network.
//
//   node benchmarks/distributed.mjs [--rounds 3] [--only steps,shares,exchange,reading,evaluate] [--fresh]
//     [--write]
//
// Each measurement is kept in work/distributed/measured.json as soon as it is there, and a later run makes
// those that are missing; --fresh makes all again. 1 and 2 ranks take turns. Needs MPI; MPIRUN of the
// environment names its launcher.
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, platform } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { noMpi, siteMpi } from "@pixelcal/distributed/testing";
import { readNpz, writeNpz } from "@pixelcal/io";
import { commit, here } from "./checkout.mjs";
import { exchangeSeconds, line, paysUpTo, updateSeconds } from "./distributed/scaling.mjs";
import { prediction } from "./evaluate/prediction.mjs";
import { networks } from "./reference-networks.mjs";

const parts = ["steps", "shares", "exchange", "reading", "evaluate"];
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: parts.join() },
    fresh: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
if (noMpi) {
  console.error(`distributed: ${noMpi}`);
  process.exit(1);
}
const rounds = Number(values.rounds);
const work = join(here, "work", "distributed");
const store = join(work, "measured.json");
mkdirSync(work, { recursive: true });
if (values.fresh) rmSync(store, { force: true });
const measured = existsSync(store) ? JSON.parse(readFileSync(store, "utf8")) : {};

/** Returns what was measured under a name, or measures it now. */
async function once(name, measure) {
  if (measured[name] === undefined && values.only.split(",").includes(name.split(" ")[0])) {
    const load = loadavg()[0];
    const found = await measure();
    measured[name] = { found, load, commit: commit() };
    writeFileSync(store, `${JSON.stringify(measured, undefined, 1)}\n`);
    console.error(`${name}: done, load ${load.toFixed(1)} before`);
  }
  return measured[name]?.found;
}

/** Runs a program in a job of ranks, each bound to a core; returns what it printed and the job's seconds. */
function job(ranks, args) {
  const [launcher, ...options] = siteMpi.launcher;
  const bind = siteMpi.name === "Open MPI" ? ["--bind-to", "core"] : ["-bind-to", "core"];
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(
    launcher,
    [...options, ...bind, "-n", String(ranks), process.execPath, ...args],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`a job of ${ranks}: ${args.join(" ")}\n${stderr}`);
  return { stdout, seconds: (performance.now() - begun) / 1000 };
}
const rankOf = (ranks, ...args) =>
  JSON.parse(job(ranks, [join(here, "distributed", "rank.mjs"), ...args.map(String)]).stdout);

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const names = ["unet2d", "unet3d"];
/** The images of a batch that two ranks share: those of the goal for 3-D. */
const shared = { unet2d: 4, unet3d: 2 };

for (let round = 1; round <= rounds; round++)
  for (const name of names)
    for (const ranks of [1, 2])
      await once(`steps ${name} ${ranks} ${round}`, () => rankOf(ranks, "step", name, shared[name], 6));
for (const name of names)
  for (const images of [1, 2, 4])
    await once(`shares ${name} ${images}`, () => rankOf(1, "step", name, images, 4));
const sizes = [4, 2 ** 14, 2 ** 17, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 25];
for (let round = 1; round <= rounds; round++)
  await once(`exchange ${round}`, () => rankOf(2, "allreduce", 15, ...sizes));

/**
 * The cases of the two folders that are evaluated. The difference leaves out the start of processes; many
 * cases, so that the end weighs little, where one rank waits for the other's last case.
 */
const counts = [8, 800];
const volume = [32, 128, 128];
/** Returns a folder of predictions, which are four files under many names. */
async function folderOf(cases) {
  const folder = join(work, `predictions-${cases}`);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < cases; i++) {
    const path = join(folder, `${i}.npz`);
    if (existsSync(path)) continue;
    if (i < 4) await writeNpz(path, prediction(i, volume, 4), { level: 0 });
    else linkSync(join(folder, `${i % 4}.npz`), path);
  }
  return folder;
}
const cli = join(here, "..", "packages", "cli", "dist", "main.js");
for (let round = 1; round <= rounds; round++)
  for (const ranks of [1, 2])
    for (const cases of counts)
      await once(`evaluate ${ranks} ${cases} ${round}`, async () => {
        const args = ["evaluate", "--predictions", await folderOf(cases), "--threads", "1"];
        return job(ranks, [cli, ...args, "--out", join(work, "results.csv")]).seconds;
      });
const reading = await once("reading", async () => {
  const path = join(await folderOf(counts[0]), "0.npz");
  const seconds = [];
  for (let i = 0; i < 15; i++) {
    const begun = performance.now();
    await readNpz(path);
    seconds.push((performance.now() - begun) / 1000);
  }
  return { seconds: median(seconds), bytes: statSync(path).size };
});

const missing = [
  ...names.flatMap((name) => [
    ...[1, 2].flatMap((ranks) => each((round) => `steps ${name} ${ranks} ${round}`)),
    ...[1, 2, 4].map((images) => `shares ${name} ${images}`),
  ]),
  ...each((round) => `exchange ${round}`),
  ...[1, 2].flatMap((ranks) =>
    counts.flatMap((cases) => each((round) => `evaluate ${ranks} ${cases} ${round}`)),
  ),
  "reading",
].filter((name) => measured[name] === undefined);
if (missing.length > 0) {
  console.log(`still to measure: ${missing.join(", ")}`);
  process.exit(0);
}

function each(of) {
  return Array.from({ length: rounds }, (_, i) => of(i + 1));
}
/** Returns the median over rounds of a figure of one round. */
const over = (figure) => median(each(figure));
const found = (name) => measured[name].found;

const stepSeconds = (name, ranks, round) => median(found(`steps ${name} ${ranks} ${round}`).seconds);
const steps = names.map((name) => {
  const [fixed, perImage] = line([1, 2, 4].map((n) => [n, median(found(`shares ${name} ${n}`).seconds)]));
  return {
    name,
    fixed,
    perImage,
    bytes: found(`shares ${name} 1`).bytes,
    alone: over((round) => stepSeconds(name, 1, round)),
    together: over((round) => stepSeconds(name, 2, round)),
    ratio: over((round) => stepSeconds(name, 1, round) / stepSeconds(name, 2, round)),
  };
});
const exchanges = sizes.map((bytes, i) => [bytes, over((round) => median(found(`exchange ${round}`)[i]))]);
// An exchange of 4 bytes is two messages one after another.
const latency = exchanges[0][1] / 2;
const perByte = line(exchanges.slice(4))[1];
/** Shared memory: the bytes that cross it are within `perByte`. */
const within = { latency, perByte, bitsPerSecond: Number.POSITIVE_INFINITY };
const cases = (ranks, round) =>
  (counts[1] - counts[0]) /
  (found(`evaluate ${ranks} ${counts[1]} ${round}`) - found(`evaluate ${ranks} ${counts[0]} ${round}`));

const wires = [10, 25, 100];
const ranksOf = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/** A message on a network takes this much longer than in shared memory: a usual figure, not measured. */
const networkLatency = 5e-6;
/** The speeds of ranks, in measured cores: one core, a machine of many cores, a large device. */
const speeds = [1, 32, 1000];

function predicted({ name, fixed, perImage, bytes }, share) {
  const lines = [
    `| ranks | ${speeds.flatMap((speed) => wires.map((gigabits) => `x${speed}, ${gigabits} Gbit/s`)).join(" | ")} |`,
    `| --: |${" --: |".repeat(speeds.length * wires.length)}`,
  ];
  const rate = (ranks, speed, gigabits) =>
    (share * ranks) /
    updateSeconds({
      images: share * ranks,
      ranks,
      fixed: fixed / speed,
      perImage: perImage / speed,
      bytes,
      latency: latency + networkLatency,
      perByte,
      bitsPerSecond: gigabits * 1e9,
    });
  for (const ranks of ranksOf) {
    const cells = speeds.flatMap((speed) =>
      wires.map((gigabits) => {
        const now = rate(ranks, speed, gigabits);
        return `${now.toPrecision(3)} (${((100 * now) / (ranks * rate(1, speed, gigabits))).toFixed(0)} %)`;
      }),
    );
    lines.push(`| ${ranks} | ${cells.join(" | ")} |`);
  }
  const pays = speeds.flatMap((speed) =>
    wires.map((gigabits) => paysUpTo(ranksOf, (ranks) => rate(ranks, speed, gigabits))),
  );
  lines.push(`| pays up to | ${pays.join(" | ")} |`);
  return [
    `### ${networks[name].title.split(",")[0]}, ${share} images a rank: images per second (of ranks times one rank's)`,
    "",
    ...lines,
  ];
}

/** Returns a table of a batch that stays the same while ranks are added. */
function fixedBatch({ name, fixed, perImage, bytes }, images) {
  const counts = ranksOf.filter((ranks) => ranks <= images);
  const seconds = (ranks, gigabits) =>
    updateSeconds({
      images,
      ranks,
      fixed,
      perImage,
      bytes,
      latency: latency + networkLatency,
      perByte,
      bitsPerSecond: gigabits * 1e9,
    });
  return [
    `### ${networks[name].title.split(",")[0]}, a batch of ${images} images: seconds per update (times as fast)`,
    "",
    `| ranks | ${wires.map((gigabits) => `${gigabits} Gbit/s`).join(" | ")} |`,
    `| --: |${" --: |".repeat(wires.length)}`,
    ...counts.map((ranks) => {
      const cells = wires.map((gigabits) => {
        const now = seconds(ranks, gigabits);
        return `${now.toPrecision(3)} (${(seconds(1, gigabits) / now).toFixed(1)})`;
      });
      return `| ${ranks} | ${cells.join(" | ")} |`;
    }),
  ];
}

const loads = Object.values(measured).map(({ load }) => load);
const commits = [...new Set(Object.values(measured).map((one) => one.commit))];
const ms = (seconds) => (1000 * seconds).toFixed(seconds < 0.01 ? 3 : 0);
const text = [
  "# Ranks of MPI",
  "",
  `\`node benchmarks/distributed.mjs --rounds ${rounds}\` on ${cpus()[0].model}, ${cpus().length} processors, ${platform()} ${arch()}, Node`,
  `${process.version}, ${siteMpi.name}, commit ${commits.join(", ")}, load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)} before the measurements.`,
  "",
  "## Measured: 1 and 2 ranks of one thread, each bound to a core",
  "",
  "Medians over rounds, in which both take turns; steps of forward, cross-entropy, backward, exchange and AdamW.",
  "",
  "| | 1 rank | 2 ranks | times as fast | goal | the model says |",
  "| --- | --: | --: | --: | --: | --: |",
  ...steps.map((step) => {
    const images = shared[step.name];
    const model = [1, 2].map((ranks) => updateSeconds({ images, ranks, ...step, ...within }));
    const title = `ms per step, ${networks[step.name].title.split(",")[0]}, ${images} x ${networks[step.name].dims.slice(1).join(" x ")} a batch`;
    const goal = step.name === "unet3d" ? "1.8" : "";
    return `| ${title} | ${ms(step.alone)} | ${ms(step.together)} | ${step.ratio.toFixed(2)} | ${goal} | ${(model[0] / model[1]).toFixed(2)} |`;
  }),
  `| cases per second, \`evaluate\`, 4 x ${volume.join(" x ")} | ${over((round) => cases(1, round)).toFixed(2)} | ${over((round) => cases(2, round)).toFixed(2)} | ${over((round) => cases(2, round) / cases(1, round)).toFixed(2)} | 1.9 | 2 |`,
  "",
  `Cases per second are those of ${counts[1]} cases beyond the first ${counts[0]}. Whole commands of ${counts[1]} cases take`,
  `${over((round) => found(`evaluate 1 ${counts[1]} ${round}`)).toFixed(1)} and ${over((round) => found(`evaluate 2 ${counts[1]} ${round}`)).toFixed(1)} s.`,
  "",
  "| costs of the model | |",
  "| --- | --: |",
  ...steps.map(
    ({ name, fixed, perImage, bytes }) =>
      `| ${networks[name].title.split(",")[0]}: ms per step, per image, MB of gradients | ${ms(fixed)}, ${ms(perImage)}, ${(bytes / 1e6).toFixed(1)} |`,
  ),
  `| exchange between 2 ranks in shared memory: ms of ${exchanges.map(([bytes]) => bytes).join(", ")} bytes | ${exchanges.map(([, seconds]) => ms(seconds)).join(", ")} |`,
  `| the same by the model | ${exchanges.map(([bytes]) => ms(exchangeSeconds({ bytes, ranks: 2, ...within }))).join(", ")} |`,
  `| a message, microseconds; a byte of gradients, nanoseconds | ${(1e6 * latency).toFixed(0)}; ${(1e9 * perByte).toFixed(2)} |`,
  `| reading a case of ${(reading.bytes / 1e6).toFixed(1)} MB from the page cache, ms | ${ms(reading.seconds)} |`,
  "",
  "## Predicted: 1 to 256 ranks",
  "",
  `A message takes ${1e6 * networkLatency} microseconds longer than in shared memory (a usual figure, not measured), each rank has a`,
  "connection of its own, and no rank is slower than another. Nothing of an exchange overlaps with other work, so that the",
  "figures err on the low side there. x32 and x1000 are ranks so many times as fast as the measured core: a machine of many cores, a large device.",
  "Ranks pay as long as each does half of what one rank alone does.",
  "",
  ...steps.flatMap((step) => [...predicted(step, shared[step.name]), "", ...fixedBatch(step, 32), ""]),
  "A case is read while the one before is trained. Reading holds a rank up where a case takes longer than its share of a step:",
  `at ${(reading.bytes / 1e6).toFixed(1)} MB a case, ${(reading.bytes / reading.seconds / 1e6).toFixed(0)} MB/s here; a file system that all ranks share must give the sum.`,
  "",
].join("\n");
if (values.write) writeFileSync(join(here, "results", "distributed.md"), text);
else console.log(text);
