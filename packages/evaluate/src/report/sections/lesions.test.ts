import { expect, test } from "vitest";
import { madeReport } from "../report-data.test.helper.js";
import { lesionsSection } from "./lesions.js";

test("lesions are added up over cases, their scores are means with intervals", () => {
  const made = madeReport({ cases: 12, classes: 3 });
  expect(lesionsSection(made)).toBeUndefined();
  const [run] = made.runs;
  const scores = {
    "lesions detected class 2": 2,
    "lesions missed class 2": Number.NaN,
    "lesions false class 2": 1,
  };
  const estimates = new Map([
    ...run.statistics.scores,
    ["lesions detected class 2", { value: 2 }] as const,
    ["lesion F1 class 2", { value: 0.75, interval: { low: 0.5, high: 1 } }] as const,
  ]);
  const { body } = lesionsSection({
    ...made,
    runs: [
      {
        ...run,
        cases: run.cases.map((each) => ({ ...each, scores })),
        statistics: { ...run.statistics, scores: estimates },
      },
    ],
  })!;
  const cells = [...body.matchAll(/<t[dh](?: [^>]*)?>(.*?)<\/t[dh]>/g)].map(([, text]) =>
    text!.replace(/<[^>]+>/g, "|"),
  );
  expect(cells).toEqual([
    ...["class", "detected", "missed", "false", "F1"],
    ...["|organ 2|", "24", "0", "12", "0.7500|[0.5000,\u00a01.0000]|"],
  ]);
});
