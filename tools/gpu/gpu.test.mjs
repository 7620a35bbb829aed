import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pixelcal-gpu-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the check where a folder with the given programs is all there is. */
function check(programs) {
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  symlinkSync("/usr/bin/dirname", join(folder, "dirname"));
  const { status, stdout, stderr } = spawnSync("/bin/bash", [file("check.sh")], {
    env: { PATH: folder },
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

test.each([
  [{}, "nvidia-smi lists no card: run this on a machine with an NVIDIA card and its driver."],
  [
    { "nvidia-smi": "exit 9" },
    "nvidia-smi lists no card: run this on a machine with an NVIDIA card and its driver.",
  ],
  [{ "nvidia-smi": "" }, "nvcc was not found: install the toolkit of CUDA 13."],
  [{ "nvidia-smi": "", nvcc: "" }, "cmake was not found: install cmake 3.20 or newer."],
  [
    { "nvidia-smi": "", nvcc: "", cmake: "", "c++": "", timeout: "" },
    "node was not found: install Node 20.19 or newer, or use the archive of --pack.",
  ],
])("refuses %j in one sentence", (programs, sentence) => {
  expect(check(programs)).toEqual({ status: 1, output: `gpu-check: ${sentence}\n` });
});

test("the report has every goal's figure, and says what is missing or failed", () => {
  const write = (name, text) => writeFileSync(join(folder, name), text);
  write("stages.tsv", "parity\t0\t12\nkernels\t0\t3\nmemcheck\t124\t45\nnetworks-cuda\t1\t2\n");
  write("parity.log", "38 passed, 0 failed, 0 skipped\n");
  write("memcheck.log", "");
  write("networks-cuda.log", "Error: no library\n    at load\n\nNode.js v20\n");
  write("bandwidth.log", "1e12\n");
  const kernels = { distance2d: 0.001, distance3d: 0.002, bins: 0.0002, binsBytes: 1.5e8 };
  write("kernels.log", `a warning\n${JSON.stringify({ ...kernels, "targets, reference": 0.0004 })}\n`);
  write("networks-webgpu.log", `${JSON.stringify({ unet2d: { step: 0.02, predict: 0.01 } })}\n`);
  const peers = { CuPy: { version: "14", distance2d: 0.003 }, PyTorch: { unet2d: { step: 0.01 } } };
  write("peers.log", `${JSON.stringify(peers)}\n`);
  const { status } = spawnSync(process.execPath, [file("report.mjs"), folder, join(folder, "gpu.md")]);
  const report = readFileSync(join(folder, "gpu.md"), "utf8");
  expect(status).toBe(1);
  for (const line of [
    "| parity | passed | 12 | 38 passed, 0 failed, 0 skipped |",
    "| memcheck | out of time | 45 |  |",
    "| networks-cuda | failed, exit code 1 | 2 | Error: no library |",
    "| distance transform, 4096 x 4096 | 1.00 | 3.00 | 3.00 | 2 |",
    "| distance transform, 256 x 256 x 256 | 2.00 | missing | missing | 2 |",
    "| unet2d | webgpu | 20.0 | 0.50 | 10.0 | missing |",
    "| unet3d | cuda | missing | missing | missing | missing |",
  ])
    expect(report.split("\n")).toContain(line);
  expect(report).toContain("0.400 | | | below 0.5 ms");
  expect(report).toContain("0.200 ms, 75 % of the bandwidth");
});

const noShellcheck = spawnSync("shellcheck", ["--version"]).error !== undefined;
test.skipIf(noShellcheck)(
  `shell scripts are sound${noShellcheck ? ": shellcheck is not installed" : ""}`,
  () => {
    const scripts = ["check.sh", "../../examples/cluster/train.sbatch"].map(file);
    expect(spawnSync("shellcheck", scripts, { encoding: "utf8" }).stdout).toBe("");
  },
);
