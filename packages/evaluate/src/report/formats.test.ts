import { describe, expect, test } from "vitest";
import { formatCsv, parseCsv } from "./csv.js";
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

describe("reading csv", () => {
  test("what was written is read back", () => {
    const rows = [
      ["a,b", 'say "a"'],
      ["two\nlines", ""],
      ["plain", "1.5"],
    ];
    expect(parseCsv(formatCsv(["case", "x"], rows), "t.csv")).toEqual([["case", "x"], ...rows]);
  });

  test.each([
    [
      "a\tb\r\n1,5\t2\r\n\r\n",
      [
        ["a", "b"],
        ["1,5", "2"],
      ],
    ],
    [
      "\uFEFFa,b\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ['"a"\n""\n"x"', [["a"], ["x"]]],
    ["", []],
  ])("%j", (text, rows) => {
    expect(parseCsv(text, "t.csv")).toEqual(rows);
  });

  test.each([
    ['a,b\n"1,2', "t.csv: line 2: a quote is not closed"],
    ['a,b\n1,"2"x', "t.csv: line 2: a quote is not closed"],
    ["a,b\n1,2\n3", "t.csv: row 3 has 1 fields, the header 2"],
  ])("%j is refused", (text, message) => {
    expect(() => parseCsv(text, "t.csv")).toThrow(message);
  });
});

test("json has no word for NaN and infinity", () => {
  const value = { a: Number.NaN, b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5], c: "x" };
  expect(JSON.parse(formatJson(value))).toEqual({ a: null, b: ["inf", "-inf", 1.5], c: "x" });
});
