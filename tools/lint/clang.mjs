// Compiles the addon's sources with clang as well, warnings being errors: what only one compiler takes is not
// C++. The last line is the sum; without clang it counts as skipped.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "native");
/** The first version that knows all of C++20 that the sources use. */
const oldest = 16;
const newest = 30;

const names = ["clang++", ...Array.from({ length: newest - oldest + 1 }, (_, i) => `clang++-${newest - i}`)];
const versionOf = (name) => {
  const { stdout } = spawnSync(name, ["-dumpversion"], { encoding: "utf8" });
  return Number.parseInt(stdout ?? "", 10);
};
const compiler = names.find((name) => versionOf(name) >= oldest);

if (compiler === undefined) {
  console.log(`SKIPPED: no clang ${oldest} or newer; on Debian: apt install clang-19`);
  console.log("0 passed, 0 failed, 1 skipped");
} else {
  const program = join(native, "node_modules", "cmake-js", "bin", "cmake-js");
  const out = join(native, "build", compiler);
  const settings = ["PIXELCAL_STRICT=ON", "PIXELCAL_CUDA=OFF", `CMAKE_CXX_COMPILER=${compiler}`];
  const args = [
    "compile",
    "--debug",
    "--parallel",
    "2",
    "--out",
    out,
    ...settings.map((one) => `--CD${one}`),
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: native,
    encoding: "utf8",
  });
  if (status !== 0) console.error(stdout, stderr);
  console.log(status === 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
  process.exitCode = status === 0 ? 0 : 1;
}
