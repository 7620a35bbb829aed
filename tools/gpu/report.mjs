// Writes the report of check.sh from what its parts left in a folder.
//   node tools/gpu/report.mjs FOLDER OUT.md
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [folder, out] = process.argv.slice(2);
const root = fileURLToPath(new URL("../..", import.meta.url));
const text = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : "");
/** Returns the object that a part printed last; an empty one where it failed. */
const json = (name) => {
  const last = text(`${name}.log`)
    .trim()
    .split("\n")
    .findLast((line) => line.startsWith("{"));
  return last === undefined ? {} : JSON.parse(last);
};
const first = (command, ...args) =>
  spawnSync(command, args, { encoding: "utf8", cwd: root }).stdout?.trim() ?? "";

const [kernels, peers] = [json("kernels"), json("peers")];
const { CuPy = {}, PyTorch = {} } = peers;
const bandwidth = Number(text("bandwidth.log")) || undefined;
const commit = existsSync(join(root, "commit.txt"))
  ? readFileSync(join(root, "commit.txt"), "utf8").trim()
  : first("git", "rev-parse", "--short", "HEAD");
const card = first("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader");

const missing = "missing";
const ms = (seconds) => (seconds === undefined ? missing : (1000 * seconds).toPrecision(3));
const ratio = (peer, ours) => (peer === undefined || ours === undefined ? missing : (peer / ours).toFixed(2));
const ends = new Map([
  [0, "passed"],
  [124, "out of time"],
  [137, "out of time"],
]);
const stages = text("stages.tsv")
  .trim()
  .split("\n")
  .filter(Boolean)
  .map((line) => line.split("\t"));
const counts = (name) => /\d+ passed, \d+ failed[^\n]*/.exec(text(`${name}.log`))?.[0] ?? "";
/** Returns the line of a part's log that says why it failed: the last one with an error, or the last. */
const reason = (name) => {
  const all = text(`${name}.log`).trim().split("\n");
  return (all.findLast((line) => /error|failed/i.test(line)) ?? all.at(-1)).trim().slice(0, 100);
};

const share =
  bandwidth && kernels.bins
    ? `${((100 * kernels.binsBytes) / kernels.bins / bandwidth).toFixed(0)} %`
    : missing;
const lines = [
  "# PixelCal on a card",
  "",
  `\`npm run gpu-check\` on ${card.replaceAll("\n", "; ")}; commit ${commit}. CuPy ${CuPy.version ?? missing}, PyTorch ${PyTorch.version ?? missing}.`,
  "",
  "| part | end | seconds | |",
  "| --- | --- | --: | --- |",
  ...stages.map(
    ([name, code, seconds]) =>
      `| ${name} | ${ends.get(Number(code)) ?? `failed, exit code ${code}`} | ${seconds} | ${(code === "0" ? counts(name) : reason(name)).replaceAll("|", "/")} |`,
  ),
  "",
  "Kernels, arrays in the card's memory, medians of calls:",
  "",
  "| kernel | ours ms | CuPy ms | CuPy / ours | goal |",
  "| --- | --: | --: | --: | --: |",
  `| distance transform, 4096 x 4096 | ${ms(kernels.distance2d)} | ${ms(CuPy.distance2d)} | ${ratio(CuPy.distance2d, kernels.distance2d)} | 2 |`,
  `| distance transform, 256 x 256 x 256 | ${ms(kernels.distance3d)} | ${ms(CuPy.distance3d)} | ${ratio(CuPy.distance3d, kernels.distance3d)} | 2 |`,
  ...["reference", "consistent"].map(
    (preset) =>
      `| targets of SDC, ${preset}, 4 x 224 x 224, 4 classes, to and from the process | ${ms(kernels[`targets, ${preset}`])} | | | below 0.5 ms |`,
  ),
  "",
  `Calibration bins of 32 x 4 x 512 x 512 probabilities: ${ms(kernels.bins)} ms, ${share} of the bandwidth of a copy (goal 70 %;`,
  `a copy reads and writes ${bandwidth ? (bandwidth / 1e9).toFixed(0) : missing} GB/s).`,
  "",
  "| network | device | step ms | PyTorch / ours | prediction ms | PyTorch / ours |",
  "| --- | --- | --: | --: | --: | --: |",
  ...["webgpu", "cuda"].flatMap((device) =>
    ["unet2d", "unet3d"].map((name) => {
      const [ours, peer] = [json(`networks-${device}`)[name] ?? {}, PyTorch[name] ?? {}];
      const cells = ["step", "predict"].map((what) => `${ms(ours[what])} | ${ratio(peer[what], ours[what])}`);
      return `| ${name} | ${device} | ${cells.join(" | ")} |`;
    }),
  ),
  "",
];
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, lines.join("\n"));
console.log(lines.join("\n"));
console.log(`gpu-check: wrote ${out}`);
process.exitCode = stages.every(([, code]) => code === "0") ? 0 : 1;
