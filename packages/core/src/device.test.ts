import { afterAll, expect, test } from "vitest";
import { checkDevice, devices, setThreadCount, threadCount } from "./device.js";
import { InvalidArgumentError } from "./errors.js";

const before = threadCount();
afterAll(() => setThreadCount(before));

test("the CPU is always there, and first", () => {
  expect(devices()[0]).toBe("cpu");
  checkDevice("cpu");
  checkDevice(undefined);
  expect(() => checkDevice("npu" as "cpu")).toThrow(InvalidArgumentError);
});

test("the thread count is what was set", () => {
  setThreadCount(3);
  expect(threadCount()).toBe(3);
  for (const count of [0, 1.5, 1025, Number.NaN, "2"]) {
    expect(() => setThreadCount(count as number)).toThrow("count: expected an integer from 1 to 1024");
  }
  expect(threadCount()).toBe(3);
});
