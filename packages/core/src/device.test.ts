import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { checkDevice, devices, kernelEnvironment, setThreadCount, threadCount } from "./device.js";
import { InvalidArgumentError } from "./errors.js";

const before = threadCount();
afterAll(() => setThreadCount(before));

test("the CPU is always there, and first", () => {
  expect(devices()[0]).toBe("cpu");
  checkDevice("cpu");
  checkDevice(undefined);
  expect(() => checkDevice("npu" as "cpu")).toThrow(InvalidArgumentError);
});

test("the environment tells the addon's version, its instruction set, and why cuda is absent", () => {
  const { version, origin, instructionSet, cudaProblem } = kernelEnvironment();
  expect(origin).toMatch(/pixelcal\w*\.node$|^@pixelcal\/native-/);
  const manifest = readFileSync(new URL("../../../native/package.json", import.meta.url), "utf8");
  expect(version).toBe(JSON.parse(manifest).version);
  expect(["baseline", "avx2", "avx512"]).toContain(instructionSet);
  expect(cudaProblem === undefined).toBe(devices().includes("cuda"));
  expect(cudaProblem ?? "there is no driver").toMatch(/^[a-z][^.]*[^.]$/i);
});

test("PIXELCAL_ISA limits the instruction set, which is told", () => {
  const program =
    'import("@pixelcal/native").then(({ default: n }) => console.log(n.environment().instructionSet))';
  const env = { ...process.env, PIXELCAL_ISA: "baseline" };
  const cwd = new URL("..", import.meta.url);
  expect(execFileSync(process.execPath, ["-e", program], { cwd, env, encoding: "utf8" })).toBe("baseline\n");
});

test("the thread count is what was set", () => {
  setThreadCount(3);
  expect(threadCount()).toBe(3);
  for (const count of [0, 1.5, 1025, Number.NaN, "2"]) {
    expect(() => setThreadCount(count as number)).toThrow("count: expected an integer from 1 to 1024");
  }
  expect(threadCount()).toBe(3);
});
