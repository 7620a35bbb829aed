// `pixelcal train` is killed at any moment and resumed: its files equal those of an uninterrupted run, bit
// for bit.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scratchFolder } from "../readers/scratch.mjs";
import { must, patience } from "./broken.mjs";

const program = fileURLToPath(new URL("../../../packages/cli/dist/main.js", import.meta.url));
const config = `method: sdc
preset: consistent
dataset: { root: data }
model: { arch: unet2d, in_channels: 1, num_classes: 4, base: 2 }
batch_size: 2
epochs: 3
seed: 5
optim: { lr: 1.0e-2 }
augment: { flips: true }
ema: 0.9
threads: 1
`;

/** Runs the command line and kills it after `milliseconds`: { status, killed, seconds, text }. */
function pixelcal(args, milliseconds) {
  return new Promise((resolve) => {
    const begun = performance.now();
    const child = spawn(process.execPath, [program, ...args], {
      cwd: scratchFolder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => void (text += data));
    const timer =
      milliseconds === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), milliseconds);
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, killed: signal === "SIGKILL", milliseconds: performance.now() - begun, text });
    });
  });
}

const train = (name, ...more) => ["train", "--config", "soak.yaml", "--out", name, ...more];

/** Returns the contents of a finished run, by file. */
function contents(name) {
  const folder = join(scratchFolder, name, "soak");
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((file) => {
        const bytes = readFileSync(join(folder, file));
        return [file, file.endsWith(".csv") ? timeless(bytes.toString()) : bytes.toString("base64")];
      }),
  );
}

/** Returns a log without its columns of seconds. */
function timeless(log) {
  const [head, ...rows] = log
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  const kept = head.map((title) => !/second|time/i.test(title));
  return [head, ...rows].map((row) => row.filter((_, i) => kept[i]).join()).join("\n");
}

let whole;
async function reference() {
  writeFileSync(join(scratchFolder, "soak.yaml"), config);
  const data = await pixelcal(["phantom", "--out", "data", "--cases", "12", "--size", "32x32"]);
  must(data.status === 0, data.text);
  const { status, milliseconds, text } = await pixelcal(train("whole"));
  must(status === 0, text);
  return { milliseconds, files: contents("whole") };
}

async function run(random) {
  whole ??= await reference();
  rmSync(join(scratchFolder, "killed"), { recursive: true, force: true });
  const kills = random.pick([1, 1, 2]);
  let begun = false;
  for (let i = 0; i < kills; i++) {
    const end = await pixelcal(
      train("killed", ...(begun ? ["--resume"] : [])),
      random.integer(whole.milliseconds),
    );
    begun ||= existsSync(join(scratchFolder, "killed"));
    must(end.killed || end.status === 0, end.text);
  }
  const last = existsSync(join(scratchFolder, "killed/soak/last.safetensors"));
  const { status, text } = await pixelcal(train("killed", "--resume"));
  must(status === 0, `resuming ${last ? "from a checkpoint" : "without one"} failed: ${text}`);
  const files = contents("killed");
  const names = (all) => Object.keys(all).join();
  must(names(files) === names(whole.files), `files ${names(files)} in place of ${names(whole.files)}`);
  for (const [name, content] of Object.entries(files)) {
    must(content === whole.files[name], `${name} differs from an uninterrupted run's`);
  }
}

export const trainingKills = {
  name: "kill-training",
  kind: "kills",
  share: 1 / 6,
  rate: 0.12,
  budget: patience,
  make: (random) => random,
  run,
};
