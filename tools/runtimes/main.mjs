// Runs a service's program on Jest, Bun and Deno: the same output as on Node, to the last bit, an end
// although a Predictor is open, and no process left behind. Each is fetched once, or skipped if it cannot be.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fetched } from "../fetched.mjs";
import { root } from "../release/manifests.mjs";

const patience = 180_000;

const bun = () => fetched("@oven/bun-linux-x64", "1.4.5", "bin/bun");
const deno = () => fetched("@deno/linux-x64-glibc", "2.9.6", "deno");
const jest = () => fetched("jest", "30.5.2", "bin/jest.js");

/** By name: the program and its arguments, undefined where the runtime cannot be fetched. */
const runtimes = {
  Jest: () => {
    const program = jest();
    return program && [process.execPath, "--experimental-vm-modules", program];
  },
  Bun: () => bun() && [bun(), "run.mjs"],
  Deno: () => deno() && [deno(), "run", "--allow-all", "--node-modules-dir=manual", "run.mjs"],
};

/** A folder with the smoke program, where every package of the workspace is installed. */
function consumer() {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-runtimes-"));
  const scope = join(folder, "node_modules", "@pixelcal");
  mkdirSync(scope, { recursive: true });
  for (const name of readdirSync(join(root, "packages")))
    symlinkSync(join(root, "packages", name), join(scope, name));
  symlinkSync(join(root, "native"), join(scope, "native"));
  for (const file of ["run.mjs", "smoke.mjs", "smoke.test.mjs"])
    copyFileSync(join(root, "tools", "runtimes", file), join(folder, file));
  const configuration = { testMatch: ["**/*.test.mjs"], transform: {}, haste: { enableSymlinks: false } };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", jest: configuration }));
  return folder;
}

/** Returns what a program prints; throws unless it ends well. */
function run(folder, [program, ...args]) {
  const options = { cwd: folder, encoding: "utf8", timeout: patience, killSignal: "SIGKILL" };
  const { status, signal, stdout, stderr } = spawnSync(program, args, options);
  if (status === 0) return stdout;
  throw new Error(`ended with ${signal ?? `exit code ${status}`}\n${stdout}${stderr}`);
}

/** Waits for the end of a process that a program left to its own. */
async function gone(pid) {
  for (let waited = 0; ; waited += 50) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    if (waited > patience) throw new Error(`process ${pid} outlived its parent`);
    await sleep(50);
  }
}

async function outcome(folder, command) {
  const [line, pid] = run(folder, command).split("\n");
  await gone(Number(pid));
  return line;
}

const total = { passed: 0, failed: 0, skipped: 0 };
const folder = consumer();
try {
  const expected = await outcome(folder, [process.execPath, "run.mjs"]);
  console.log(`Node ${process.versions.node}: ${expected}`);
  writeFileSync(join(folder, "expected.txt"), expected);
  for (const [name, command] of Object.entries(runtimes)) {
    try {
      const found = command();
      if (found === undefined) {
        total.skipped += 1;
        console.log(`SKIPPED ${name}: it cannot be fetched`);
        continue;
      }
      // Jest compares by itself, and reports on stderr.
      if (name === "Jest") run(folder, found);
      else {
        const line = await outcome(folder, found);
        if (line !== expected) throw new Error(`printed ${line}`);
      }
      total.passed += 1;
      console.log(`ok ${name}`);
    } catch (error) {
      total.failed += 1;
      console.error(`FAILED ${name}: ${error.message}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
