// All tests of the repository: format and lint, the C++ tests of the kernels, vitest over every package, and
// a share of the soak. With arguments only vitest runs, and takes them (`npm test -- packages/core`,
// `npm test -- --project webgpu`). The last line of the output is the sum: "N passed, N failed[, N skipped]".
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, "node_modules", ".bin", name);
const total = { passed: 0, failed: 0, skipped: 0 };

function add({ passed = 0, failed = 0, skipped = 0 }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

function heading(text) {
  console.log(`\n== ${text}`);
}

const checks = [
  ["format and lint", bin("biome"), ["check", "."]],
  ["imports", process.execPath, ["tools/lint/imports.mjs"]],
  ["voice", process.execPath, ["tools/lint/voice.mjs"]],
  ["types of the public API", bin("tsc"), ["-p", "tools/types"]],
  ["dead exports and dependencies", bin("knip"), ["--no-progress"]],
  ["packages as they are published", process.execPath, ["tools/lint/packages.mjs"]],
];

function lint() {
  for (const [title, command, args] of checks) {
    heading(title);
    const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
    add(status === 0 ? { passed: 1 } : { failed: 1 });
  }
}

// A command's output is shown as it comes and kept: the counts are on its last "N passed, N failed" line.
function counted(title, command, args) {
  heading(title);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on("error", (error) => {
      console.error(`${command} could not be started: ${error.message}`);
      add({ failed: 1 });
      resolve();
    });
    child.on("close", (status) => {
      const counts = [...output.matchAll(/(\d+) passed, (\d+) failed(?:, (\d+) skipped)?/g)].at(-1);
      const [passed, failed, skipped] = (counts ?? []).slice(1).map((count) => Number(count ?? 0));
      if (counts) add({ passed, failed, skipped });
      if ((status !== 0 && !failed) || !counts) add({ failed: 1 });
      resolve();
    });
  });
}

const native = () => counted("native (C++)", "pnpm", ["--silent", "--dir", "native", "run", "test"]);

const clang = () => counted("native (C++), compiled by clang", process.execPath, ["tools/lint/clang.mjs"]);

/** A part of a whole soak, the same inputs each time: five minutes of it in CI, less than two elsewhere. */
const share = process.env.CI ? ["--scale", "0.1", "--minutes", "5"] : ["--scale", "0.03", "--minutes", "1.5"];
const soak = () =>
  counted("soak", process.execPath, [
    join(root, "tools", "soak", "main.mjs"),
    ...share,
    ...["--seed", "1", "--home", join(root, ".cache", "soak", "test")],
  ]);

/** One installation of the packed packages, as a user would make it; `npm run test:install` makes all. */
const installation = () =>
  counted("installation", process.execPath, [join(root, "tools", "install", "main.mjs"), "--quick"]);

function typescript(args) {
  heading("packages (TypeScript)");
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-test-"));
  const report = join(folder, "vitest.json");
  try {
    const { status } = spawnSync(
      bin("vitest"),
      ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args],
      { cwd: root, stdio: "inherit" },
    );
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    add({ passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests });
    // A file that cannot be loaded has no failed test in it, but vitest says so with its exit code.
    if (status !== 0 && numFailedTests === 0) add({ failed: 1 });
  } catch (error) {
    console.error(`vitest left no report: ${error.message}`);
    add({ failed: 1 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
if (args.length === 0) {
  lint();
  await native();
  await clang();
}
typescript(args);
if (args.length === 0) {
  await installation();
  await soak();
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;
