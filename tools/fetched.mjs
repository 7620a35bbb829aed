// Programs that come as npm packages, kept in .cache/packages.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const quiet = [
  "--no-save",
  "--ignore-scripts",
  "--no-audit",
  "--no-fund",
  "--loglevel=silent",
  "--fetch-retries=0",
];

/**
 * Returns the path of a file of a package, and fetches the package once, without running its scripts;
 * undefined where the registry cannot be reached. `more` are further arguments of `npm install`.
 */
export function fetched(name, version, file, more = []) {
  const home = join(root, ".cache", "packages", `${name.replace("/", "-")}-${version}`);
  const path = join(home, "node_modules", name, file);
  if (!existsSync(path)) {
    const args = ["install", "--prefix", home, ...quiet, ...more, `${name}@${version}`];
    spawnSync("npm", args, { stdio: "ignore" });
  }
  return existsSync(path) ? path : undefined;
}
