import { describe, expect, test } from "vitest";
import { formatCsv } from "./csv.js";
import { formatJson } from "./json.js";

describe("csv", () => {
  test("numbers keep every digit, infinity and NaN are as pandas writes them", () => {
    const rows = [
      ["a", 0.1 + 0.2, Number.POSITIVE_INFINITY],
      ["b", Number.NaN, Number.NEGATIVE_INFINITY],
    ];
    expect(formatCsv(["run", "DSC", "HD95"], rows)).toBe(
      "run,DSC,HD95\na,0.30000000000000004,inf\nb,,-inf\n",
    );
  });

  test.each([
    ["a,b", '"a,b"'],
    ['say "a"', '"say ""a"""'],
    ["two\nlines", '"two\nlines"'],
    ["plain", "plain"],
  ])("%j is quoted where it must be", (text, field) => {
    expect(formatCsv(["x"], [[text]])).toBe(`x\n${field}\n`);
  });
});

test("json has no word for NaN and infinity", () => {
  const value = { a: Number.NaN, b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5], c: "x" };
  expect(JSON.parse(formatJson(value))).toEqual({ a: null, b: ["inf", "-inf", 1.5], c: "x" });
});
