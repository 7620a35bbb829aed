import { expect, test } from "vitest";
import { caseSets, otherLabels, someOf } from "./case-sets.js";

const run = (name: string, ...cases: string[]) => ({ run: name, cases });

test("all cases and the common ones", () => {
  const runs = [run("a", "2", "1", "0"), run("b", "1", "3", "2")];
  expect(caseSets(runs)).toEqual({ all: ["0", "1", "2", "3"], common: ["1", "2"] });
});

test("labels are compared with those of the first run that has the case", () => {
  const labelled = (name: string, cases: Record<string, string>) => ({
    run: name,
    cases: Object.entries(cases).map(([of, labels]) => ({ name: of, labels })),
  });
  const runs = [
    labelled("a", { x: "1" }),
    labelled("b", { x: "2", y: "3" }),
    labelled("c", { x: "1", y: "4" }),
  ];
  expect([...otherLabels(runs)]).toEqual([
    ["a", []],
    ["b", ["x"]],
    ["c", ["y"]],
  ]);
});

test("some of many", () => {
  expect(someOf(["a", "b", "c"], 2)).toBe("a, b and 1 more");
  expect(someOf(["a", "b"], 2)).toBe("a, b");
});
