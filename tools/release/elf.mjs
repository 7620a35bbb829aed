// The dynamic symbols of Linux libraries, read with binutils' readelf, which knows every processor's.
import { spawnSync } from "node:child_process";

/** Returns whether version `a`, such as "2.28", is not newer than `b`. */
export function atMost(a, b) {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

function readelf(args, file) {
  const { status, stdout, stderr, error } = spawnSync("readelf", [...args, file], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (error)
    throw new Error(`readelf could not be started: ${error.message}; on Debian: apt install binutils`);
  if (status !== 0) throw new Error(`readelf ${file}: ${stderr}`);
  return stdout;
}

const line =
  /^\s*\d+: [0-9a-f]+\s+(\S+)\s+(\w+)\s+(?:GLOBAL|WEAK|UNIQUE)\s+\w+\s+(?:\[[^\]]*\]\s+)?(\w+) ([^@\s]+)(?:@@?(\S+))?/gm;

/** Returns the dynamic symbols that a library shows others: [{ name, type, size, defined, version }]. */
export function dynamicSymbols(file) {
  const text = readelf(["-W", "--dyn-syms"], file);
  return [...text.matchAll(line)].map(([, size, type, section, name, version]) => ({
    name,
    type,
    size: Number(size),
    defined: section !== "UND",
    version,
  }));
}

/** Returns the libraries that a library names as needed. */
export function neededLibraries(file) {
  return [...readelf(["-W", "-d"], file).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
}

/** Returns whether a library still has the symbols that only debuggers read. */
export function hasDebugSymbols(file) {
  return /\s\.symtab\s/.test(readelf(["-W", "-S"], file));
}
