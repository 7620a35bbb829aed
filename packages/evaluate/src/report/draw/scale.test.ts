import { expect, test } from "vitest";
import { compact, linearScale, logScale, niceStep, niceTicks, plain, rootScale } from "./scale.js";

test.each([
  [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0, 0.3, 5, [0, 0.1, 0.2, 0.3]],
  [-0.013, 0.094, 6, [-0.02, 0, 0.02, 0.04, 0.06, 0.08, 0.1]],
  [3, 3, 5, [3, 4]],
  [0, 0, 5, [0, 0.2]],
  [0.87, 0.93, 4, [0.86, 0.88, 0.9, 0.92, 0.94]],
  [0, 123456, 5, [0, 50000, 100000, 150000]],
])("ticks around [%d, %d] in at most %d steps", (low, high, count, ticks) => {
  expect(niceTicks(low, high, count)).toEqual(ticks);
});

test("a nice step is 1, 2 or 5 times a power of ten and cuts the span into at most `count` parts", () => {
  for (let i = 1; i < 400; i++) {
    const span = 1.37 ** (i / 10 - 20);
    const step = niceStep(span, 5);
    const digit = Number(step.toExponential(6).split("e")[0]);
    expect([1, 2, 5]).toContain(digit);
    expect(span / step).toBeLessThanOrEqual(5 + 1e-6);
    expect(span / step).toBeGreaterThan(1.9);
  }
});

test("scales map their ends to the ends of the range, and label ticks alike", () => {
  const linear = linearScale(-3, 47, [300, 0]);
  expect([linear.at(linear.ticks[0]!), linear.at(linear.ticks.at(-1)!)]).toEqual([300, 0]);
  expect(linear.ticks.map(linear.label)).toEqual(["−10", "0", "10", "20", "30", "40", "50"]);
  const log = logScale(4.2e6, [0, 90]);
  expect(log.ticks.map(log.label)).toEqual(["1", "1k", "1M", "1G"]);
  expect([log.at(0), log.at(1), log.at(1e9)]).toEqual([0, 0, 90]);
  const root = rootScale(0.17, [300, 0]);
  expect(root.ticks.map(root.label)).toEqual(["0", "0.002", "0.01", "0.02", "0.05", "0.1", "0.2"]);
  expect(
    rootScale(4e-5, [300, 0])
      .ticks.map(rootScale(4e-5, [300, 0]).label)
      .at(-1),
  ).toBe("5e-5");
  expect([root.at(0), root.at(0.05), root.at(0.2)]).toEqual([300, 150, 0]);
});

test.each([
  [1234567.891, 1, "1,234,567.9"],
  [1234, 0, "1234"],
  [-0.0421, 3, "−0.042"],
  [-0.0001, 2, "0.00"],
])("%d with %d decimals", (value, decimals, text) => {
  expect(plain(value, decimals)).toBe(text);
});

test.each([
  [999, "999"],
  [12345, "12.3k"],
  [5e6, "5M"],
  [2e9, "2G"],
])("%d in four characters", (count, text) => {
  expect(compact(count)).toBe(text);
});
