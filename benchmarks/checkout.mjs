// What every benchmark says of this checkout, and how it runs the command line built from it.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));

/** The commit's short name. */
export function commit() {
  const { stdout, status } = spawnSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: here,
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : "unknown";
}

/** Runs `pixelcal ARGS`; where that fails or is stopped, so does this process. */
export function pixelcal(...args) {
  const cli = join(here, "..", "packages", "cli", "dist", "main.js");
  const { status, signal } = spawnSync(process.execPath, [cli, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}
