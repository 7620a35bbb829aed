import { expect, test } from "vitest";
import { integer, names, number, sizes } from "./option.js";

test.each<[string, (text: string) => unknown, string, unknown]>([
  ["an integer", integer(1), "12", 12],
  ["zero where it is allowed", integer(0), "0", 0],
  ["a number", number(0), "2.5", 2.5],
  ["an exponent", number(0), "1e-3", 0.001],
  ["a fraction", number(0, 1), "0.5", 0.5],
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
  [sizes, "64", "Expected 2 or 3 sizes like 160x160 or 32x96x96."],
  [sizes, "0x64", "Expected 2 or 3 sizes like 160x160 or 32x96x96."],
  [names(["a", "b"]), "a,c", "Expected names among a, b."],
])("%# rejects %j", (parse, text, message) => {
  expect(() => parse(text)).toThrow(message);
});
