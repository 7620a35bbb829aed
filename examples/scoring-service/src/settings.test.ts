import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { readSettings, SettingsError } from "./settings.js";

test("the defaults", () => {
  expect(readSettings([])).toEqual({
    host: "127.0.0.1",
    port: 8080,
    workers: 1,
    threads: availableParallelism(),
    classes: 2,
    ignore: undefined,
    model: undefined,
    concurrency: 2,
    queue: 8,
    bodyLimit: 256,
    window: 50,
    baseline: undefined,
    drain: 30,
  });
});

test("every option", () => {
  const given = "--host 0.0.0.0 --port 0 --workers 4 --classes 5 --ignore 255 --model m.onnx --concurrency 3";
  const more = "--threads 3 --queue 0 --body-limit 10 --window 100 --baseline b.state --drain 5";
  expect(readSettings(`${given} ${more}`.split(" "))).toEqual({
    host: "0.0.0.0",
    port: 0,
    workers: 4,
    threads: 3,
    classes: 5,
    ignore: 255,
    model: "m.onnx",
    concurrency: 3,
    queue: 0,
    bodyLimit: 10,
    window: 100,
    baseline: "b.state",
    drain: 5,
  });
});

test("workers share the processors, and each has one thread at least", () => {
  const threads = (workers: number): number => readSettings(["--workers", String(workers)]).threads;
  const processors = availableParallelism();
  expect(threads(processors)).toBe(1);
  expect(threads(processors + 1)).toBe(1);
  expect(threads(2)).toBe(Math.max(1, Math.floor(processors / 2)));
});

test.each<[readonly string[], string]>([
  [["--prot", "80"], "Unknown option '--prot'"],
  [["--port", "80000"], "--port: expected an integer from 0 to 65535, got 80000"],
  [["--classes", "1"], "--classes: expected an integer from 2 to 1000, got 1"],
  [["--window", "4"], "--window: expected an integer from 8 to 10000, got 4"],
  [["--workers", "two"], "--workers: expected an integer from 1 to 256, got two"],
  [["8080"], "Unexpected argument '8080'"],
])("%j is refused", (args, message) => {
  expect(() => readSettings(args)).toThrow(SettingsError);
  expect(() => readSettings(args)).toThrow(message);
});
