import { expect, test } from "vitest";
import { summaryOf } from "../evaluate.js";
import { row } from "../statistics/rows.test.helper.js";
import { worstCalibrated } from "./worst-cases.js";

test("the worst are first, equal cases by name, undefined ones left out", () => {
  const errors = { a: 0.1, b: Number.NaN, d: 0.3, c: 0.3, e: 0.2 };
  const rows = Object.entries(errors).map(([name, ECE]) => row(1, { name, scores: { ECE } }));
  const result = { run: "r", evaluation: summaryOf(rows), missing: [], relabelled: [] };
  expect(worstCalibrated(result, 3)).toEqual(["c", "d", "e"]);
  expect(worstCalibrated(result, 9)).toEqual(["c", "d", "e", "a"]);
});
