// Whether addons for different machines compute the same bits.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { muslRuntime } from "./musl.mjs";
import { nodeBinary } from "./nodes.mjs";
import { platforms } from "./platforms.mjs";

const script = join(dirname(fileURLToPath(import.meta.url)), "kernel-hashes.mjs");
const emulators = { arm64: ["qemu-aarch64", "/usr/aarch64-linux-gnu"] };
const musl = !process.report.getReport().header.glibcVersionRuntime;

/** Returns the command that runs a script on the machine of a platform, or `{ missing }`. */
function runner(name) {
  const { os, cpu, libc } = platforms[name];
  if (os === "win32" && process.platform === "linux") return wine();
  if (os !== process.platform || (os === "linux" && musl && libc === "glibc"))
    return { missing: `a ${name} machine` };
  const foreign = cpu !== process.arch;
  const [emulator, libraries] = emulators[cpu] ?? [];
  if (foreign && (emulator === undefined || spawnSync(emulator, ["--version"]).status !== 0))
    return { missing: `${emulator ?? `a ${cpu} machine`}; on Debian: apt install qemu-user` };
  if (os === "linux" && libc === "musl" && !musl) return muslRuntime(cpu, foreign ? [emulator] : []);
  if (!foreign) return { command: [process.execPath] };
  const node = nodeBinary("22", cpu);
  return node
    ? { command: [emulator, "-L", libraries, node] }
    : { missing: `Node for ${cpu}, from the registry` };
}

/** Wine's Windows is older than the oldest that Node names as supported. */
function wine() {
  if (spawnSync("wine", ["--version"]).status !== 0)
    return { missing: "wine; on Debian: apt install --no-install-recommends wine wine64" };
  const node = nodeBinary("22", "x64", "win");
  const env = { ...process.env, NODE_SKIP_PLATFORM_CHECK: "1", WINEDEBUG: "-all" };
  return node ? { command: ["wine", node], env } : { missing: "Node for Windows, from the registry" };
}

/** The hashes that every addon has. */
export const golden = JSON.parse(readFileSync(new URL("kernel-hashes.golden.json", import.meta.url), "utf8"));

/** Returns `{ hashes }` of an addon's results by kernel, or `{ missing }`. */
export function kernelHashes(name, file) {
  const { command, env, missing } = runner(name);
  if (missing !== undefined) return { missing };
  const [program, ...args] = [...command, script, file];
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-hashes-"));
  try {
    // Node for Windows cannot open a pipe of Wine's for its output, only a file.
    const [out, err] = ["out", "err"].map((name) => join(folder, name));
    const stdio = ["ignore", openSync(out, "w"), openSync(err, "w")];
    const { status } = spawnSync(program, args, { env, stdio });
    for (const descriptor of stdio.slice(1)) closeSync(descriptor);
    if (status !== 0) throw new Error(`${name}: the kernels do not run: ${readFileSync(err, "utf8")}`);
    return { hashes: JSON.parse(readFileSync(out, "utf8")) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the kernels whose hashes differ, or that only one side has. */
export function differences(one, other) {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (name) => one[name] !== other[name],
  );
}
