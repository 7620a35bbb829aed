// The package managers, each with the command that installs packages.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "../release/manifests.mjs";

/** Returns the file of a program on the path. */
export function which(name) {
  const file = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);
  if (file === undefined) throw new Error(`${name} is not on the path`);
  return realpathSync(file);
}

/** Fetches a package manager into .cache once; undefined where the registry cannot be reached. */
function fetched(name, version, file) {
  const home = join(root, ".cache", "managers", `${name.replace("/", "-")}-${version}`);
  const path = join(home, "node_modules", name, file);
  const quiet = [
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=silent",
    "--fetch-retries=0",
  ];
  if (!existsSync(path)) spawnSync("npm", ["install", "--prefix", home, ...quiet, `${name}@${version}`]);
  return existsSync(path) ? path : undefined;
}

const pnpm = () => {
  const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager.split("@")[1];
  return join(root, ".cache", "pnpm", version, "node_modules", "pnpm", "bin", "pnpm.cjs");
};

/** By name: a program for Node, the arguments that install, and files that its folder needs first. */
export const managers = {
  npm: { program: () => which("npm"), add: ["install", "--no-audit", "--no-fund"], offline: ["--offline"] },
  pnpm: { program: pnpm, add: ["add"], offline: ["--offline"] },
  yarn: {
    program: () => fetched("@yarnpkg/cli-dist", "4.9.2", "bin/yarn.js"),
    add: ["add"],
    files: { ".yarnrc.yml": "nodeLinker: node-modules\n", "yarn.lock": "" },
  },
  "yarn 1": { program: () => fetched("yarn", "1.22.22", "bin/yarn.js"), add: ["add", "--non-interactive"] },
};
