// Node binaries of other versions and processors, from their npm packages.
import { fetched } from "../fetched.mjs";

/**
 * Returns the path of a Node binary for Linux, or for Windows ("win"), such as `("22", "x64")`, and fetches
 * it once; undefined where the registry cannot be reached.
 */
export const nodeBinary = (version, cpu, system = "linux") =>
  // The package is for another system or processor than this one where an emulator runs it.
  fetched(`node-${system}-${cpu}`, version, system === "win" ? "bin/node.exe" : "bin/node", ["--force"]);
