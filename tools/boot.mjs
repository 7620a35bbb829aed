// The one entry of `npm run demo`, `npm test`, `npm run build`, `npm run soak`, `npm run bench` and `npm run
// pixelcal`: fetches a private pnpm, installs, builds, then runs what was asked. No dependencies of its own:
// nothing is installed yet when it starts.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [task, ...rest] = process.argv.slice(2);

function fail(message) {
  console.error(`pixelcal: ${message}`);
  process.exit(1);
}

const [major, minor] = process.versions.node.split(".").map(Number);
// The versions that can require() an ES module.
const fits = major >= 23 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
if (!fits) fail(`Node 20.19, 22.12 or newer is needed; this is ${process.versions.node}.`);

const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const pnpmVersion = packageManager.split("@")[1];
const pnpmHome = join(root, ".cache", "pnpm", pnpmVersion);
const pnpmBin = join(pnpmHome, "node_modules", ".bin");

// npm's own settings, inherited by a child, would redirect pnpm's prefix and confuse its user agent.
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([key]) => !/^npm_(lifecycle|package|config_prefix|config_user_agent|command)/i.test(key),
  ),
);
env.PATH = [pnpmBin, join(root, "node_modules", ".bin"), env.PATH].join(delimiter);
env.ONNXRUNTIME_NODE_INSTALL ??= "skip";
env.TURBO_TELEMETRY_DISABLED = "1";

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: "inherit", ...options });
  if (error) fail(`${command} could not be started: ${error.message}`);
  return status ?? 1;
}

function must(command, args, options) {
  const status = run(command, args, options);
  if (status !== 0) process.exit(status);
}

for (const [tool, hint] of [
  ["cmake", "cmake"],
  ["c++", "g++"],
]) {
  if (spawnSync(tool, ["--version"], { stdio: "ignore" }).error)
    fail(`${tool} was not found; on Debian: apt install ${hint}`);
}

if (!existsSync(join(pnpmBin, "pnpm"))) {
  console.error(`Fetching pnpm ${pnpmVersion} into .cache ...`);
  must("npm", [
    "install",
    "--prefix",
    pnpmHome,
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    `pnpm@${pnpmVersion}`,
  ]);
}

// Installing again only when the lockfile changed keeps every later run offline.
const stamp = join(root, "node_modules", ".boot-stamp");
const lock = createHash("sha256")
  .update(readFileSync(join(root, "pnpm-lock.yaml")))
  .update(pnpmVersion)
  .digest("hex");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  must(join(pnpmBin, "pnpm"), ["install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"]);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

must(join(root, "node_modules", ".bin", "turbo"), [
  "run",
  "build",
  "--output-logs=errors-only",
  "--log-order=grouped",
]);

// Ctrl-C is for the command, which finishes its step and says what to do next. Without this the prompt would
// come back before that.
process.on("SIGINT", () => {});

const cli = join(root, "packages", "cli", "dist", "main.js");
switch (task) {
  case "build":
    break;
  case "test":
    process.exit(run(process.execPath, [join(root, "tools", "test.mjs"), ...rest]));
    break;
  case "native":
    process.exit(run("pnpm", ["--dir", "native", "run", `test:${rest[0]}`]));
    break;
  case "soak":
    process.exit(run(process.execPath, [join(root, "tools", "soak", "main.mjs"), ...rest]));
    break;
  case "release":
    process.exit(run(process.execPath, [join(root, "tools", "release", "main.mjs"), ...rest]));
    break;
  case "install":
    process.exit(run(process.execPath, [join(root, "tools", "install", "main.mjs"), ...rest]));
    break;
  case "on-node":
    process.exit(run(process.execPath, [join(root, "tools", "runtimes", "on-node.mjs"), ...rest]));
    break;
  case "runtimes":
    process.exit(run(process.execPath, [join(root, "tools", "runtimes", "main.mjs"), ...rest]));
    break;
  case "bench":
    process.exit(run(process.execPath, [join(root, "benchmarks", "kernels.mjs"), ...rest]));
    break;
  case "gpu-check":
    process.exit(
      rest[0] === "--pack"
        ? run(process.execPath, [join(root, "tools", "gpu", "pack.mjs"), ...rest.slice(1)])
        : run("bash", [join(root, "tools", "gpu", "check.sh")]),
    );
    break;
  case "demo":
    process.exit(run(process.execPath, [cli, "demo", ...rest], { cwd: process.env.INIT_CWD ?? root }));
    break;
  case "cli":
    process.exit(run(process.execPath, [cli, ...rest], { cwd: process.env.INIT_CWD ?? root }));
    break;
  default:
    fail(
      `unknown task "${task}": build, test, native, soak, release, install, on-node, runtimes, bench, gpu-check, demo or cli`,
    );
}
