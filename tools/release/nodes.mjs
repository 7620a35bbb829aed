// Node binaries of other versions and processors, from their npm packages.
import { fetched } from "../fetched.mjs";

/**
 * Returns the path of a Node binary for Linux, such as `("22", "x64")`, and fetches it once; undefined where
 * the registry cannot be reached.
 */
export const nodeBinary = (version, cpu) =>
  // The package is for another processor than this one where an emulator runs it.
  fetched(`node-linux-${cpu}`, version, "bin/node", ["--force"]);
