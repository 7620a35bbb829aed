import type { Evaluation, ScoreSummary } from "@pixelcal/train";
import { expect, test } from "vitest";
import { ranked, resultsCsv, resultsJson, resultsMarkdown, resultsText } from "./results.js";

const finite = (mean: number, deviation = Number.NaN): ScoreSummary => ({
  mean,
  deviation,
  finiteMean: mean,
  count: 2,
  infinite: 0,
  undefined: 0,
});

function evaluationOf(summary: Record<string, ScoreSummary>): Evaluation {
  const scores = Object.fromEntries(Object.entries(summary).map(([column, { mean }]) => [column, mean]));
  return { rows: ["a", "b"].map((name) => ({ name, scores })), summary };
}

const results = [
  { run: "dicece", evaluation: evaluationOf({ DSC: finite(0.8, 0.05), HD95: finite(3.25) }) },
  {
    run: "sdc",
    evaluation: evaluationOf({
      DSC: finite(0.9, 0.01),
      HD95: { ...finite(Number.POSITIVE_INFINITY), finiteMean: 2.5, infinite: 1 },
    }),
  },
  {
    run: "lost",
    evaluation: evaluationOf({ DSC: { ...finite(Number.NaN), count: 0, undefined: 2 }, HD95: finite(0) }),
  },
];
const shown = [
  ["DSC", 3],
  ["HD95", 1],
] as const;

test("the highest DSC is first, no DSC last", () => {
  expect(ranked(results).map(({ run }) => run)).toEqual(["sdc", "dicece", "lost"]);
});

test("aligned text with notes on what the means hide", () => {
  expect(resultsText(results, shown)).toBe(
    [
      "run     cases            DSC  HD95",
      "------  -----  -------------  ----",
      "dicece      2  0.800 ± 0.050   3.3",
      "sdc         2  0.900 ± 0.010   inf",
      "lost        2              -   0.0",
      "sdc: HD95 is infinite in 1 of 2 cases (one mask is empty), 2.5 over the other 1",
      "lost: DSC is not defined in 2 of 2 cases",
      "",
    ].join("\n"),
  );
});

test("Markdown", () => {
  expect(resultsMarkdown(results, shown).split("\n")[2]).toBe("| dicece | 2 | 0.800 ± 0.050 | 3.3 |");
});

test("CSV has the means first, as the authors' table", () => {
  expect(resultsCsv(results)).toBe(
    "run,DSC,HD95,cases,DSC sd,HD95 sd\ndicece,0.8,3.25,2,0.05,\nsdc,0.9,inf,2,0.01,\nlost,,0,2,,\n",
  );
});

test("JSON has the settings and every case", () => {
  const json = JSON.parse(resultsJson(results, { bins: 10 }));
  expect(json).toMatchObject({ bins: 10, runs: [{ run: "dicece" }, { run: "sdc" }, { run: "lost" }] });
  expect(json.runs[1].summary.HD95).toMatchObject({ mean: "inf", finiteMean: 2.5 });
  expect(json.runs[2].cases[0]).toEqual({ name: "a", scores: { DSC: null, HD95: 0 } });
});
