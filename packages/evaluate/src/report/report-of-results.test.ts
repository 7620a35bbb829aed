import { expect, test } from "vitest";
import { summaryOf } from "../evaluate.js";
import { compareRuns } from "../statistics/compare-runs.js";
import { rows } from "../statistics/rows.test.helper.js";
import { runStatistics } from "../statistics/run-statistics.js";
import { reportPage } from "./page.js";
import { reportOfResults } from "./report-of-results.js";

const made = rows(12);
const result = (run: string, count = 12) => ({
  run,
  evaluation: summaryOf(made.slice(0, count)),
  missing: [],
  relabelled: [],
});
const options = { draws: 100, seed: 3 };

test("one run has the statistics of its rows", async () => {
  const data = await reportOfResults([result("a")], { subject: "s" }, options);
  expect(data.runs.map(({ name }) => name)).toEqual(["a"]);
  expect(data.runs[0].statistics).toEqual(await runStatistics(made, options));
  expect(data.comparison).toBeUndefined();
  expect(reportPage(data)).toContain("<bdi>s</bdi>");
});

test("two runs are compared by the measures that both have", async () => {
  const data = await reportOfResults([result("a"), result("b", 10)], {}, options);
  const measures = data.comparison!.differences.map(({ name }) => name);
  expect(measures).toEqual(["DSC", "HD95", "ECE", "ECE pooled"]);
  expect(data.comparison).toEqual(await compareRuns(made, made.slice(0, 10), { ...options, measures }));
  expect(data.notes).toContain("2 cases of one run alone, or with other labels, are not compared.");
});

test.each([0, 3])("%d runs are refused", async (count) => {
  const results = Array.from({ length: count }, (_, i) => result(String(i)));
  await expect(reportOfResults(results)).rejects.toThrow(`results: expected one or two runs, got ${count}`);
});
