// Builds with a sanitizer and runs tests under it: `node test/sanitized.mjs
// address|undefined|thread`, the C++ tests; with `addon` behind it the TypeScript tests of the
// packages that call kernels, on an addon built so. First a fault that is planted must be reported.
// Whatever is reported afterwards, by any process, fails the run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const native = fileURLToPath(new URL("..", import.meta.url));
const root = join(native, "..");
const [sanitizer, what] = process.argv.slice(2);
const build = join(native, "build", sanitizer);
const addon = join(build, "pixelcal_sanitized.node");

/** The report each sanitizer makes of its planted fault. */
const reports = {
  address: /AddressSanitizer: heap-buffer-overflow/,
  undefined: /runtime error: signed integer overflow/,
  thread: /ThreadSanitizer: data race/,
};
if (!(sanitizer in reports)) throw new Error(`expected ${Object.keys(reports).join(", ")}, got ${sanitizer}`);

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: native, stdio: "inherit", encoding: "utf8", ...options });
  if (result.error) throw result.error;
  return result;
}

function must(command, args) {
  const { status } = run(command, args);
  if (status !== 0) process.exit(1);
}

must("cmake", [
  ...[
    "-S",
    ".",
    "-B",
    build,
    "-DPIXELCAL_STRICT=ON",
    "-DPIXELCAL_TESTS=ON",
    "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
  ],
  `-DPIXELCAL_SANITIZE=${sanitizer}`,
]);
must("cmake", [
  "--build",
  build,
  "--parallel",
  "2",
  "--target",
  what === "addon" ? "pixelcal_sanitized" : "pixelcal_test",
]);

// Node is not built with the sanitizer: its library has to be there first. Reports go into files, because a
// test may swallow what its child writes.
const logs = mkdtempSync(join(tmpdir(), "pixelcal-sanitizer-"));
const settings = `log_path=${join(logs, "report")}:halt_on_error=1:print_stacktrace=1`;
const library = spawnSync("c++", [`-print-file-name=lib${sanitizer === "address" ? "asan" : "ubsan"}.so`], {
  encoding: "utf8",
});
const env = {
  ...process.env,
  // Node's memory at its exit is no leak of ours. What is freed is held back for a while, to see a use of it:
  // not so much that the tests which bound a process's memory fail.
  ASAN_OPTIONS: `${settings}:detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=64`,
  UBSAN_OPTIONS: settings,
  TSAN_OPTIONS: settings,
  ...(what === "addon" && { PIXELCAL_ADDON: addon, LD_PRELOAD: library.stdout.trim() }),
};

/** Returns the reports since the last call. */
function reported() {
  const files = readdirSync(logs).map((name) => join(logs, name));
  const texts = files.map((path) => readFileSync(path, "utf8"));
  for (const path of files) rmSync(path);
  // Memory that is refused is a warning, and what those tests ask for.
  return texts.filter((text) => /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error/.test(text));
}

function failed(message) {
  rmSync(logs, { recursive: true, force: true });
  console.error(message);
  process.exit(1);
}

const script = `require(${JSON.stringify(addon)}).plantedFault(${JSON.stringify(sanitizer)})`;
const planted =
  what === "addon"
    ? run(process.execPath, ["-e", script], { env, stdio: "pipe" })
    : run(join(build, "pixelcal_test"), ["--planted-fault", sanitizer], { env, stdio: "pipe" });
const seen = [...reported(), planted.stdout, planted.stderr].join("\n");
if (planted.status === 0 || !reports[sanitizer].test(seen))
  failed(`the planted fault was not reported:\n${seen}`);
console.log(`planted fault: ${reports[sanitizer].exec(seen)[0]}`);

const chosen = process.argv.slice(what === "addon" ? 4 : 3);
const tests = chosen.length > 0 ? chosen : ["packages/core", "packages/losses", "packages/train"];
const { status } =
  what === "addon"
    ? run(join(root, "node_modules", ".bin", "vitest"), ["run", ...tests], {
        env,
        cwd: root,
      })
    : run(join(build, "pixelcal_test"), chosen, { env });
const found = reported();
for (const text of found) console.error(text);
if (status !== 0 || found.length > 0) failed(`${found.length} reports, exit code ${status}`);
rmSync(logs, { recursive: true, force: true });
console.log(`${sanitizer}: 0 reports`);
