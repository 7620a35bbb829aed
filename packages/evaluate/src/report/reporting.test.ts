import { expect, test } from "vitest";
import { summaryOf } from "../evaluate.js";
import { rows } from "../statistics/rows.test.helper.js";
import { runStatistics } from "../statistics/run-statistics.js";
import { reporting } from "./reporting.js";

const settings = {
  convention: "consistent",
  bins: 10,
  bothEmpty: "undefined",
  oneEmpty: "worst",
  missing: "skip",
};
const software = { pixelcal: "1.2.3", node: "22.0.0" };

async function result(run: string, count: number, grouped = false) {
  const cases = rows(count).map((row, i) => (grouped ? { ...row, group: `patient ${i >> 1}` } : row));
  const evaluation = summaryOf(cases);
  return { run, evaluation, missing: ["case 99"], relabelled: [], statistics: await runStatistics(cases) };
}

test("what the run knows is answered, the rest is to be filled", async () => {
  const { items, runs } = reporting({
    results: [await result("model", 20, true)],
    settings: { ...settings, ignore: 255 },
    software,
    compared: false,
  });
  expect(runs).toEqual(["model"]);
  const answer = (topic: string): string => items.find((item) => item.topic === topic)!.answer;
  expect(answer("number of participants and images in the analysis")).toBe(
    "10 patients (or other groups) with 20 cases.",
  );
  expect(answer("occurrence of each class in the reference")).toBe("class 1 in 20 of 20 cases.");
  expect(answer("missing predictions")).toBe("1 cases without a prediction. Policy for them: skip.");
  expect(answer("pixels without a reference")).toBe("Pixels with label 255 count in no score.");
  expect(answer("unit of analysis")).toBe("Intervals draw patients with all of their cases, never pixels.");
  expect(answer("uncertainty of the measures")).toMatch(
    /^95 % percentile bootstrap intervals, 2000 draws of patients/,
  );
  expect(answer("performance with uncertainty")).toMatch(
    /^DSC 0\.\d{4} \[0\.\d{4}, 0\.\d{4}\], HD95 \d\.\d \[/,
  );
  expect(answer("sample size")).toMatch(
    /^10 groups \(20 cases\) were available; needed .* for ±0.005 in ECE, /,
  );
  expect(answer("software")).toBe("pixelcal 1.2.3, node 22.0.0");
  expect(answer("reference standard: definition, reason, annotators and their qualification")).toBe(
    "to be filled by you",
  );
  for (const { known, answer: text, guidelines } of items) {
    expect(known).toBe(text !== "to be filled by you");
    expect(guidelines.length).toBeGreaterThan(0);
    expect(text).not.toContain("undefined in");
  }
});

test("several runs are named, few cases have no intervals", async () => {
  const results = [await result("a", 12), await result("b", 5)];
  const { items } = reporting({ results, settings, software, compared: true });
  const answer = (topic: string): string => items.find((item) => item.topic === topic)!.answer;
  expect(answer("number of participants and images in the analysis")).toMatch(
    /^a: 12 cases, .* b: 5 cases, /,
  );
  expect(answer("unit of analysis")).toContain("Runs with fewer than 8 have no intervals.");
  expect(answer("performance with uncertainty")).toMatch(/b: DSC 0\.\d{4}, HD95/);
  expect(answer("significance")).toContain("Holm");
});
