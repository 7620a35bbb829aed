// Runs the C++ tests, and those of the CUDA build where there is one; the last line is the sum. A missing
// device is one skipped test of the packages (vitest's project cuda), and is not counted here again.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const total = { passed: 0, failed: 0, skipped: 0 };
for (const name of ["pixelcal_test", "pixelcal_cuda_test"]) {
  const program = fileURLToPath(new URL(`../build/test/${name}`, import.meta.url));
  if (name !== "pixelcal_test" && !existsSync(program)) continue;
  const { status, stdout } = spawnSync(program, process.argv.slice(2), {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.stdout.write(stdout ?? "");
  const counts = /(\d+) passed, (\d+) failed, (\d+) skipped\n$/.exec(stdout ?? "");
  if (!counts) console.error(`${name} ended without counts`);
  total.passed += Number(counts?.[1] ?? 0);
  total.failed += Number(counts?.[2] ?? 1);
  if (name !== "pixelcal_cuda_test") total.skipped += Number(counts?.[3] ?? 0);
  if (status !== 0 && counts?.[2] === "0") total.failed++;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
