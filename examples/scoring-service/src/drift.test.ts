import { CalibrationMetric } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { type Drift, judge } from "./drift.js";
import { classes, stateOf, testCase } from "./phantoms.test.helper.js";
import { calibrationOptions } from "./scoring.js";
import { CalibrationWindow } from "./window.js";

const binsOf = async (seed: number, power = 1) =>
  CalibrationMetric.restore(await stateOf(testCase(seed, power))).bins();

/** Judges windows of cases with consecutive seeds. */
async function windows(count: number, cases: number, power = 1): Promise<readonly Drift[]> {
  const judged: Drift[] = [];
  for (let w = 0; w < count; w++) {
    const bins = await Promise.all(Array.from({ length: cases }, (_, i) => binsOf(1 + w * cases + i, power)));
    judged.push(await judge(bins));
  }
  return judged;
}

describe("the case-wise null band", () => {
  test("windows of calibrated cases seldom alarm", async () => {
    const alarms = (await windows(20, 12)).filter(({ alarm }) => alarm);
    // 1 in 100 by the level; two of twenty would be a band that is too narrow.
    expect(alarms.length).toBeLessThanOrEqual(1);
  });

  test("windows of over-confident cases alarm", async () => {
    for (const { alarm, error, bound } of await windows(5, 12, 2)) {
      expect(error).toBeGreaterThan(bound);
      expect(alarm).toBe(true);
    }
  });

  test("one bad case among calibrated ones is no drift", async () => {
    const bins = await Promise.all(Array.from({ length: 15 }, (_, i) => binsOf(100 + i)));
    expect((await judge([...bins, await binsOf(200, 6)])).alarm).toBe(false);
  });

  test("few cases are not judged, no cases have no error", async () => {
    const bins = await Promise.all(Array.from({ length: 7 }, (_, i) => binsOf(i, 4)));
    expect(await judge(bins)).toEqual({
      cases: 7,
      error: expect.any(Number),
      bound: Number.NaN,
      alarm: undefined,
    });
    expect(await judge([])).toEqual({ cases: 0, error: Number.NaN, bound: Number.NaN, alarm: undefined });
  });

  test("the same window gives the same bound", async () => {
    const bins = await Promise.all(Array.from({ length: 9 }, (_, i) => binsOf(i)));
    expect(await judge(bins)).toEqual(await judge(bins));
  });

  test("the bound is a quantile of all sign patterns of few cases", async () => {
    const bins = await Promise.all(Array.from({ length: 8 }, (_, i) => binsOf(i, 1.5)));
    const residuals = bins.map(({ confidenceSum, accuracySum }) =>
      confidenceSum.map((sum, bin) => sum - accuracySum[bin]!),
    );
    const pixels = 8 * 32 * 32;
    const errors = Array.from({ length: 2 ** 8 }, (_, signs) => {
      const sums = residuals[0]!.map((__, bin) =>
        residuals.reduce((sum, own, i) => sum + (signs & (1 << i) ? -own[bin]! : own[bin]!), 0),
      );
      return sums.reduce((sum, value) => sum + Math.abs(value), 0) / pixels;
    }).sort((a, b) => a - b);
    const { bound, error } = await judge(bins, { draws: 9999, level: 0.9 });
    const exact = errors.filter((each) => each <= bound + 1e-12).length / errors.length;
    expect(exact).toBeGreaterThan(0.87);
    expect(exact).toBeLessThan(0.93);
    // The window itself is one of the patterns.
    expect(errors.some((each) => Math.abs(each - error) < 1e-12)).toBe(true);
  });
});

describe("the window", () => {
  const options = calibrationOptions(classes);

  test("holds the latest cases, merged exactly", async () => {
    const window = new CalibrationWindow(options, 8);
    const states = await Promise.all(Array.from({ length: 12 }, (_, i) => stateOf(testCase(i))));
    for (const state of states) window.add(state);
    const expected = new CalibrationMetric(options);
    for (const state of states.slice(4)) expected.merge(CalibrationMetric.restore(state));
    expect(window.merged().state()).toEqual(expected.state());
    expect((await window.drift()).cases).toBe(8);
  });

  test("a model whose normal is over-confident alarms no more by its own baseline", async () => {
    const before = new CalibrationMetric(options);
    for (let i = 0; i < 30; i++) before.merge(CalibrationMetric.restore(await stateOf(testCase(500 + i, 2))));
    const strict = new CalibrationWindow(options, 16);
    const used = new CalibrationWindow(options, 16, before.state());
    for (let i = 0; i < 16; i++)
      for (const window of [strict, used]) window.add(await stateOf(testCase(i, 2)));
    expect((await strict.drift()).alarm).toBe(true);
    expect((await used.drift()).alarm).toBe(false);
    // Calibrated cases have drifted from there.
    for (let i = 0; i < 16; i++) used.add(await stateOf(testCase(i)));
    expect((await used.drift()).alarm).toBe(true);
  });

  test("refuses a baseline of other options, and bytes that are none", () => {
    const other = new CalibrationMetric({ ...options, classes: 3 });
    expect(() => new CalibrationWindow(options, 8, other.state())).toThrow("classes 4 and 3");
    expect(() => new CalibrationWindow(options, 8, new Uint8Array(10))).toThrow("state: ");
  });
});
