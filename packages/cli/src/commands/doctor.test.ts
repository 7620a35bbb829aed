import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { devices, kernelEnvironment } from "@pixelcal/core";
import { serializeModel } from "@pixelcal/graph";
import { runtimeVersion, unet2d } from "@pixelcal/train";
import { expect, test } from "vitest";
import type { DoctorReport } from "../reports.js";
import { pixelcal } from "../run.test.helper.js";

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** Runs the built command line, in which a package does not load, with the message, if one is given. */
function built(args: readonly string[], missing?: string, message = `no ${missing} on this machine`) {
  const hook = `export const resolve = (name, context, next) => {
    if (name === ${JSON.stringify(missing)}) throw new Error(${JSON.stringify(message)});
    return next(name, context);
  }`;
  const url = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(url(hook))})`;
  const env = { ...process.env, ...(missing && { NODE_OPTIONS: `--import=${url(register)}` }) };
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env });
}

test("what is installed, what loaded, and which devices work", async () => {
  const { code, output, messages } = await pixelcal(["doctor", "--json"]);
  expect(messages).toBe("");
  expect(code).toBe(0);
  const report = JSON.parse(output) as DoctorReport;
  const { version, instructionSet } = kernelEnvironment();
  expect(report).toMatchObject({
    command: "doctor",
    ok: true,
    versions: {
      pixelcal: "0.1.0",
      node: process.versions.node,
      napi: process.versions.napi,
      addon: version,
      onnxruntime: await runtimeVersion(),
    },
    system: { platform: process.platform, arch: process.arch, node: process.execPath },
    processor: { threads: expect.any(Number), instructionSet },
  });
  expect(report.libraries.some((path) => path.endsWith("pixelcal.node"))).toBe(true);
  expect(report.libraries.every((path) => existsSync(path))).toBe(true);
  const working = (all: DoctorReport["kernels"]): readonly string[] =>
    all.filter(({ problem }) => problem === undefined).map(({ device }) => device);
  expect(working(report.kernels)).toEqual(devices());
  expect(working(report.networks)).toContain("cpu");
  expect(report.networks.map(({ device }) => device)).toEqual(["cpu", "webgpu", "cuda"]);
  // One sentence for each device that is absent.
  for (const { problem } of [...report.kernels, ...report.networks])
    expect(problem ?? "works").toMatch(/^\S((?!\. [A-Z]).)*[^.]$/);
});

test("as text, without a word of the drivers", () => {
  const { status, stdout, stderr } = built(["doctor"]);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  for (const line of [
    /^pixelcal +0\.1\.0$/m,
    /^node +\d+\.\d+\.\d+, Node-API \d+, \/.*$/m,
    /^addon +0\.1\.0$/m,
    /^onnxruntime +1\.30\.0$/m,
    /^loaded +\/.*pixelcal\.node$/m,
    /^kernels on cpu +works$/m,
    /^networks on cpu +works$/m,
    /^networks on webgpu +(works|absent: .*)$/m,
  ])
    expect(stdout).toMatch(line);
});

test("a model's check has no word of the drivers either", () => {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-doctor-"));
  try {
    const path = join(folder, "model.onnx");
    writeFileSync(path, serializeModel(unet2d({ classes: 2, base: 2 }).build([1, 1, 16, 16])));
    const { status, stdout, stderr } = built(["check", path, "--threads", "1"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^webgpu +/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an addon that does not load is the report, with exit code 1", () => {
  const { status, stdout, stderr } = built(["doctor", "--json"], "@pixelcal/native");
  expect(stderr).toBe("error: the CPU does not work; the report says why\n");
  expect(status).toBe(1);
  const problem = "no @pixelcal/native on this machine";
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    versions: { addon: null, onnxruntime: null },
    processor: { instructionSet: null },
    kernels: [{ device: "cpu", problem }],
    networks: [{ device: "cpu", problem }],
  });
});

test.each([
  ["is not installed, which scoring does without", "Cannot find package 'onnxruntime-node'", true],
  ["does not load", "libstdc++.so.6: version not found", false],
])("onnxruntime %s", (title, message, ok) => {
  const { status, stdout } = built(["doctor", "--json"], "onnxruntime-node", message);
  const report = JSON.parse(stdout) as DoctorReport;
  expect(report.ok).toBe(ok);
  expect(status).toBe(ok ? 0 : 1);
  expect(report.versions.onnxruntime).toBe(null);
  expect(report.kernels[0]).toEqual({ device: "cpu" });
  const problem = ok ? "onnxruntime-node is not installed; npm install" : title;
  expect(report.networks[0]).toEqual({ device: "cpu", problem: expect.stringContaining(problem) });
});
