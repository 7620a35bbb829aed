// Builds released addons, each in a folder of its own, and holds them to the gate.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeLibcStubs } from "./libc-stubs.mjs";
import { machoProblems } from "./macho.mjs";
import { windowsProblems } from "./pe.mjs";
import { platforms } from "./platforms.mjs";
import { symbolProblems } from "./symbols.mjs";
import { writeWindowsNodeApi } from "./windows-node-api.mjs";

const native = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "native");

/**
 * Builds the addon of a platform and returns `{ file }`, or `{ missing }` with what this machine lacks for
 * it. Throws if the build fails or the addon would not load where it should.
 */
export function buildAddon(name) {
  const { missing, compiler, stubs, windowsNodeApi, options } = platforms[name].build();
  if (missing !== undefined) return { missing };
  const out = join(native, "build", "release", name);
  // Not in `out`: cmake-js empties that and tries again where a build fails.
  const generated = join(native, "build", "generated", name);
  const settings = ["PIXELCAL_RELEASE=ON", "PIXELCAL_STRICT=ON", ...options];
  if (stubs) {
    writeLibcStubs(compiler, generated);
    settings.push(`PIXELCAL_LIBC_STUBS=${generated}`);
  }
  if (windowsNodeApi) settings.push(`CMAKE_JS_SRC=${writeWindowsNodeApi(generated)}`);
  const program = join(native, "node_modules", "cmake-js", "bin", "cmake-js");
  const args = ["compile", "--config", "Release", "--parallel", "2", "--out", out];
  const command = [program, ...args, ...settings.map((setting) => `--CD${setting}`)];
  const { status, stdout } = spawnSync(process.execPath, command, {
    cwd: native,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${name}: the build failed\n${stdout}`);
  const file = join(out, "Release", "pixelcal.node");
  checkAddon(name, file);
  return { file };
}

/** Throws if the addon of a platform would not load where it should. */
export function checkAddon(name, file) {
  const { os, cpu, libc } = platforms[name];
  const gates = { linux: symbolProblems, darwin: machoProblems, win32: windowsProblems };
  const problems = gates[os](file, libc ?? cpu);
  if (problems.length > 0) throw new Error(`${name}:\n  ${problems.join("\n  ")}`);
}
