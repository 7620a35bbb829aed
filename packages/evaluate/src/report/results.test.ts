import { expect, test } from "vitest";
import type { Evaluation, ScoreSummary } from "../evaluate.js";
import { differences, type RunResult, ranked, resultsCsv, resultsMarkdown, resultsText } from "./results.js";

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
  const pixels = { counted: 8, unbinned: 0, bounded: 0 };
  return { rows: ["a", "b"].map((name) => ({ name, scores, pixels, labels: "" })), summary, pixels };
}
const complete = { missing: [], relabelled: [] };

const results = [
  { run: "dicece", evaluation: evaluationOf({ DSC: finite(0.8, 0.05), HD95: finite(3.25) }), ...complete },
  {
    run: "sdc",
    evaluation: evaluationOf({
      DSC: finite(0.9, 0.01),
      HD95: { ...finite(Number.POSITIVE_INFINITY), finiteMean: 2.5, infinite: 1 },
    }),
    ...complete,
  },
  {
    run: "lost",
    evaluation: evaluationOf({ DSC: { ...finite(Number.NaN), count: 0, undefined: 2 }, HD95: finite(0) }),
    ...complete,
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
      "run     cases              DSC              HD95",
      "------  -----  ---------------  ----------------",
      "dicece      2    0.800 ± 0.050               3.3",
      "sdc         2    0.900 ± 0.010  inf (1 infinite)",
      "lost        2  - (2 undefined)               0.0",
      "sdc: HD95 is infinite in 1 of 2 cases (one mask is empty), 2.5 over the other 1",
      "",
    ].join("\n"),
  );
});

test("Markdown", () => {
  expect(resultsMarkdown(results, shown).split("\n")[2]).toBe("| dicece | 2 | 0.800 ± 0.050 | 3.3 |");
});

test("CSV has the means first, as the authors' table, and what they do not show last", () => {
  const [header, ...rows] = resultsCsv(results).trimEnd().split("\n");
  expect(header).toBe(
    "run,DSC,HD95,cases,DSC sd,HD95 sd,DSC undefined,HD95 undefined,DSC infinite,HD95 infinite," +
      "missing cases,relabelled cases,pixels,pixels in no bin,pixels at the NLL floor",
  );
  expect(rows).toEqual([
    "dicece,0.8,3.25,2,0.05,,0,0,0,0,0,0,8,0,0",
    "sdc,0.9,inf,2,0.01,,0,0,0,1,0,0,8,0,0",
    "lost,,0,2,,,2,0,0,0,0,0,8,0,0",
  ]);
});

test("runs that lack cases, or have other labels, come last and are marked", () => {
  const [dicece, sdc, lost] = [results[0]!, results[1]!, results[2]!];
  const partial: RunResult[] = [{ ...sdc, missing: ["c", "d"] }, { ...dicece, relabelled: ["a"] }, lost];
  expect(ranked(partial).map(({ run }) => run)).toEqual(["lost", "sdc", "dicece"]);
  expect(resultsText(partial, shown)).toMatch(/\nsdc +2 of 4 .*\ndicece +2, 1 relabelled .*\nlost +2 /);
  expect(differences(partial)).toEqual([
    "sdc lacks 2 cases: c, d",
    "dicece has other labels than an earlier run in 1 case: a",
  ]);
  expect(differences(results)).toEqual([]);
});

test("classes that are undefined and pixels in no bin are counted under the table", () => {
  const classes = { "DSC class 1": finite(0.5), "DSC class 2": { ...finite(0.5), count: 1, undefined: 1 } };
  const evaluation = evaluationOf({ DSC: finite(0.5), HD95: finite(1), ...classes });
  const run = {
    run: "r",
    evaluation: { ...evaluation, pixels: { counted: 8, unbinned: 3, bounded: 2 } },
    ...complete,
  };
  expect(resultsText([run], shown).split("\n").slice(3)).toEqual([
    "r: 1 of 4 classes of cases are in no mean (undefined)",
    "r: 3 of 8 pixels are in no bin of pECE (probability 0)",
    "r: 2 of 8 pixels are raised to the floor of NLL",
    "",
  ]);
});
