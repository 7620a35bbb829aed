// The description of this checkout for every benchmark, and a way to run the command line built from it.
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));

/** Returns the short name of the commit that a folder is checked out at, this checkout's by default. */
export function commit(cwd = here) {
  const { stdout, status } = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

const cli = join(here, "..", "packages", "cli", "dist", "main.js");

function orExit(status, signal) {
  if (status !== 0) process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}

/** Runs `pixelcal ARGS`; where that fails or is stopped, so does this process. */
export function pixelcal(...args) {
  const { status, signal } = spawnSync(process.execPath, [cli, ...args], { stdio: "inherit" });
  orExit(status, signal);
}

/** Runs `pixelcal ARGS` while this process goes on. */
export const pixelcalBeside = (...args) =>
  new Promise((resolve) => {
    spawn(process.execPath, [cli, ...args], { stdio: "inherit" }).once("exit", (status, signal) => {
      orExit(status, signal);
      resolve();
    });
  });
