// Node binaries of other versions and processors, from their npm packages, kept in .cache/nodes.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./manifests.mjs";

/**
 * Returns the path of a Node binary for Linux, such as `("22", "x64")`, and fetches it once; undefined where
 * the registry cannot be reached.
 */
export function nodeBinary(version, cpu) {
  const home = join(root, ".cache", "nodes", `${cpu}-${version}`);
  const name = `node-linux-${cpu}`;
  const file = join(home, "node_modules", name, "bin", "node");
  if (!existsSync(file)) {
    const quiet = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=silent"];
    // The package is for another processor than this one where an emulator runs it.
    const args = [
      "install",
      "--prefix",
      home,
      ...quiet,
      "--force",
      "--fetch-retries=0",
      `${name}@${version}`,
    ];
    spawnSync("npm", args, { stdio: "ignore" });
  }
  return existsSync(file) ? file : undefined;
}
