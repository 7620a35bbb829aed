// The package managers, each with the command that installs packages.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fetched } from "../fetched.mjs";
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
