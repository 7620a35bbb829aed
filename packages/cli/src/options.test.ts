import { expect, test } from "vitest";
import { between, integer, label, names, number, numbers, percentile, sizes } from "./options.js";

test.each<[string, (text: string) => unknown, string, unknown]>([
  ["an integer", integer(1), "12", 12],
  ["zero where it is allowed", integer(0), "0", 0],
  ["a number", number(0), "2.5", 2.5],
  ["an exponent", number(0), "1e-3", 0.001],
  ["a fraction", number(0, 1), "0.5", 0.5],
  ["a number within bounds", between(0, 1), "1e-7", 1e-7],
  ["a percentile", percentile, "100", 100],
  ["one of several numbers", numbers, "1.5", 1.5],
  ["several numbers", numbers, "1,2.5, 0", [1, 2.5, 0]],
  ["a label", label, "255", 255],
  ["a negative label", label, "-1", -1],
  ["two sizes", sizes, "64x96", [64, 96]],
  ["three sizes", sizes, "8x64x96", [8, 64, 96]],
  ["names", names(["a", "b"]), "b, a", ["b", "a"]],
])("%s", (_, parse, text, value) => {
  expect(parse(text)).toEqual(value);
});

test.each<[(text: string) => unknown, string, string]>([
  [integer(1), "0", "Expected an integer of 1 or more."],
  [integer(1), "1.5", "Expected an integer of 1 or more."],
  [integer(0), "-1", "Expected an integer of 0 or more."],
  [integer(0), "", "Expected an integer of 0 or more."],
  [number(0), "x", "Expected a number of 0 or more."],
  [number(0), "", "Expected a number of 0 or more."],
  [number(0), "-1", "Expected a number of 0 or more."],
  [number(0, 1), "1", "Expected a number from 0 to below 1."],
  [between(0, 1), "0", "Expected a number above 0 and below 1."],
  [percentile, "101", "Expected a number from 0 to 100."],
  [numbers, "1,,2", "Expected a number of 0 or more, or several, for example 1,2.5."],
  [numbers, "1,-2", "Expected a number of 0 or more"],
  [label, "1.5", "Expected an integer, the label to ignore, for example 255."],
  [label, "4294967296", "Expected an integer"],
  [sizes, "64", "Expected 2 or 3 sizes, for example 160x160 or 32x96x96."],
  [sizes, "0x64", "Expected 2 or 3 sizes, for example 160x160 or 32x96x96."],
  [names(["a", "b"]), "a,c", "Expected names among a, b."],
])("%# rejects %j", (parse, text, message) => {
  expect(() => parse(text)).toThrow(message);
});
