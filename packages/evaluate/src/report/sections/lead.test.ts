import { expect, test } from "vitest";
import type { Difference } from "../../statistics/compare-runs.js";
import { madeReport } from "../report-data.test.helper.js";
import { leadSentences, listed } from "./lead.js";

const one = madeReport({ cases: 40 });
const two = madeReport({ cases: 40, runs: 2 });

test("too few cases claim nothing", () => {
  for (const runs of [1, 2] as const) {
    const [first, second] = leadSentences(madeReport({ cases: 5, runs }));
    expect(first).toMatch(/^5 cases are too few to say /);
    expect(second).toContain("Intervals need at least 8");
  }
  expect(leadSentences(madeReport({ cases: 1 }))[0]).toMatch(/^1 case is too few to say /);
});

test("the sentence of two runs says what the verdicts say, and nothing else", () => {
  const verdicts = (words: Record<string, Difference["verdict"]>) => ({
    ...two,
    comparison: {
      ...two.comparison!,
      differences: two.comparison!.differences.map((each) => ({ ...each, verdict: words[each.name]! })),
    },
  });
  const same = {
    DSC: "unchanged",
    HD95: "undefined",
    ECE: "no difference",
    "boundary ECE": "no difference",
  } as const;
  expect(leadSentences(verdicts({ ...same, NLL: "no difference", Brier: "no difference" }))).toEqual([
    "No difference is shown in ECE per case, Boundary ECE, Log score (NLL) or Brier score.",
    "Dice is the same in every case.",
  ]);
  const mixed = leadSentences(verdicts({ ...same, NLL: "better", Brier: "worse" }));
  expect(mixed[0]).toMatch(
    /^dice-ce, temperature is better than dice-ce in Log score \(NLL\) \(−.*\), and worse in Brier score \(/,
  );
  const lost = leadSentences(verdicts({ ...same, NLL: "no difference", Brier: "worse" }));
  expect(lost[0]).toMatch(/^dice-ce, temperature is worse than dice-ce in Brier score \(/);
});

test("one run is called miscalibrated only if its interval lies above what chance shows", () => {
  const [run] = one.runs;
  const withError = (low: number) => {
    const topLabel = { ...run.statistics.topLabel!, error: { value: 0.02, interval: { low, high: 0.03 } } };
    return { ...one, runs: [{ ...run, statistics: { ...run.statistics, topLabel } }] as const };
  };
  expect(leadSentences(withError(0.01))[0]).toMatch(
    /^Confidence is too high.* by 2\.0 \[1\.0, 3\.0\] percentage points/,
  );
  expect(leadSentences(withError(0.005))[0]).toMatch(/^No miscalibration is shown with these 40 cases/);
});

test("names are joined as a sentence needs them", () => {
  expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map((names) => listed(names))).toEqual([
    ...["", "a", "a and b", "a, b and c"],
  ]);
});
