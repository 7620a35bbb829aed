import { describe, expect, test } from "vitest";
import type { EvaluationRow } from "../evaluate.js";
import { compareRuns } from "./compare-runs.js";
import { row, rows } from "./rows.test.helper.js";

/** The rows with a score replaced. */
const withScore = (all: readonly EvaluationRow[], column: string, of: (value: number, i: number) => number) =>
  all.map((each, i) => ({
    ...each,
    scores: { ...each.scores, [column]: of(each.scores[column]!, i) },
  }));

const differenceOf = async (
  before: readonly EvaluationRow[],
  after: readonly EvaluationRow[],
  name = "DSC",
  options = {},
) => (await compareRuns(before, after, { measures: [name], ...options })).differences[0]!;

describe("a paired comparison", () => {
  const before = rows(20);

  test("of a run with itself: unchanged", async () => {
    for (const { verdict, difference, adjusted } of (await compareRuns(before, before)).differences) {
      expect(verdict).toBe("unchanged");
      expect(difference.value).toBe(0);
      expect(adjusted ?? 1).toBe(1);
    }
  });

  test("a small gain in every case is better, although the cases differ far more", async () => {
    const after = withScore(before, "DSC", (value, i) => value + 0.01 + 0.001 * (i % 3));
    const found = await differenceOf(before, after);
    expect(found.verdict).toBe("better");
    expect(found.difference.value).toBeCloseTo(0.01095, 10);
    expect(found.difference.interval!.low).toBeGreaterThan(0.0105);
    expect(found.difference.interval!.high).toBeLessThan(0.0115);
    expect(found.test).toMatchObject({ count: 20, exact: true, p: 2 / 2 ** 20 });
    const { interval } = found.before;
    expect(interval!.high - interval!.low).toBeGreaterThan(0.05);
    expect((await differenceOf(after, before)).verdict).toBe("worse");
  });

  test("gains and losses are no difference", async () => {
    const after = withScore(before, "DSC", (value, i) => value + (i % 2 === 0 ? 0.05 : -0.04));
    const found = await differenceOf(before, after);
    expect(found.verdict).toBe("no difference");
    expect(found.adjusted).toBeGreaterThan(0.05);
  });

  test("lower is better for errors; a score that is no quality is lower", async () => {
    const less = (value: number): number => value * 0.9;
    const after = withScore(withScore(before, "ECE", less), "pECE if calibrated", less);
    expect((await differenceOf(before, after, "ECE")).verdict).toBe("better");
    expect((await differenceOf(before, after, "pECE if calibrated")).verdict).toBe("lower");
  });

  test("seven cases are too few to say, however clear", async () => {
    const after = withScore(before, "DSC", () => 1);
    const found = await compareRuns(before.slice(0, 7), after.slice(0, 7), { measures: ["DSC"] });
    expect(found).toMatchObject({ tooFew: true, cases: 7 });
    expect(found.differences[0]).toMatchObject({
      verdict: "too few to say",
      difference: { value: expect.any(Number) },
    });
    expect(found.differences[0]!.difference.interval).toBeUndefined();
  });

  test("an infinite mean has no interval and no verdict, its test has", async () => {
    const after = withScore(before, "HD95", (value, i) => (i === 0 ? Infinity : value - 1));
    const found = await differenceOf(before, after, "HD95");
    expect(found).toMatchObject({ verdict: "undefined", test: { count: 20, positive: 20 } });
  });

  test("a case that is undefined in one run counts in neither", async () => {
    const after = withScore(before, "DSC", (value, i) => (i < 2 ? Number.NaN : value));
    const found = await differenceOf(before, after);
    expect(found.difference.value).toBe(0);
    expect(found.before.value).toBeCloseTo(
      before.slice(2).reduce((sum, { scores }) => sum + scores.DSC!, 0) / 18,
      12,
    );
  });

  test("cases of one run, and cases with other labels, are left out and named", async () => {
    const after = before.slice(2).map((each, i) => (i === 0 ? { ...each, labels: "other" } : each));
    expect(await compareRuns(before, after, { measures: ["DSC"] })).toMatchObject({
      cases: 17,
      left: ["case 00", "case 01", "case 02"],
    });
    await expect(compareRuns(before.slice(0, 2), before.slice(2))).rejects.toThrow("after: has no case");
    await expect(compareRuns(before, before, { measures: ["dsc"] })).rejects.toThrow(
      "measures: dsc is not in both runs",
    );
  });

  test("the same bits in any order, and the interval of the differences drawn one by one", async () => {
    const after = withScore(before, "DSC", (value, i) => value + 0.01 * ((i * 7) % 5) - 0.015);
    const found = await differenceOf(before, after);
    expect(await differenceOf([...before].reverse(), after)).toEqual(found);
    const differences = before.map((each, i) =>
      row(i, { scores: { DSC: after[i]!.scores.DSC! - each.scores.DSC! } }),
    );
    const twin = await differenceOf(
      differences.map((each) => ({ ...each, scores: { DSC: 0 } })),
      differences,
    );
    expect(found.difference.interval!.low).toBeCloseTo(twin.difference.interval!.low, 12);
    expect(found.difference.interval!.high).toBeCloseTo(twin.difference.interval!.high, 12);
  });

  test("cases of one patient are one difference", async () => {
    const grouped = rows(40).map((each, i) => ({ ...each, group: `patient ${i >> 2}` }));
    const after = withScore(grouped, "DSC", (value, i) => value + 0.01 * ((i >> 2) % 3));
    const found = await compareRuns(grouped, after, { measures: ["DSC"] });
    expect(found).toMatchObject({ cases: 40, groups: 10, unit: "group" });
    expect(found.differences[0]!.test!.count).toBe(6);
  });
});

test("a measure has the same figures alone and among all", async () => {
  const before = rows(12);
  const after = withScore(before, "DSC", (value, i) => value + 0.01 * ((i * 5) % 3));
  const { differences } = await compareRuns(before, after);
  for (const { name, adjusted: _, ...found } of differences)
    expect(await differenceOf(before, after, name)).toMatchObject(found);
});

test("p-values are adjusted for the measures shown alone", async () => {
  const before = rows(12);
  const after = withScore(before, "DSC", (value, i) => value + (i < 10 ? 0.02 : -0.01));
  const [alone, among] = await Promise.all([
    differenceOf(before, after),
    compareRuns(before, after, { measures: ["DSC", "ECE", "ECE pooled"] }),
  ]);
  expect(alone.adjusted).toBe(alone.test!.p);
  expect(among.differences.map(({ adjusted }) => adjusted)).toEqual([2 * alone.test!.p, 1, undefined]);
});
