import { expect, test } from "vitest";
import { pythonJson, Real } from "./python-json.js";

// The texts are those of Python's json.dumps(value, indent=4, sort_keys=True).
const cases: readonly [unknown, string][] = [
  [new Real(1), "1.0"],
  [new Real(0.1), "0.1"],
  [new Real(-0), "-0.0"],
  [new Real(1e-5), "1e-05"],
  [new Real(1.5e-7), "1.5e-07"],
  [new Real(1e15), "1000000000000000.0"],
  [new Real(1e16), "1e+16"],
  [new Real(1.25e100), "1.25e+100"],
  [new Real(Number.NaN), "NaN"],
  [new Real(Number.POSITIVE_INFINITY), "Infinity"],
  [3, "3"],
  [[], "[]"],
  [{}, "{}"],
  ['a"\\é\u0001', '"a\\"\\\\\\u00e9\\u0001"'],
  [
    { b: [1, new Real(2)], "10": "x", "2": "y" },
    '{\n    "10": "x",\n    "2": "y",\n    "b": [\n        1,\n        2.0\n    ]\n}',
  ],
];

test.each(cases)("%j", (value, text) => {
  expect(pythonJson(value)).toBe(text);
});
