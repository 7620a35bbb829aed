import { describe, expect, test } from "vitest";
import { labelsOfRegions } from "./region-cases.js";

describe("labelsOfRegions", () => {
  test("counts to the largest label, the background included", () => {
    expect(labelsOfRegions([{ name: "a", labels: [1, 5] }])).toBe(6);
    expect(
      labelsOfRegions([
        { name: "a", labels: [3] },
        { name: "b", labels: [] },
      ]),
    ).toBe(4);
    expect(labelsOfRegions([])).toBe(1);
  });

  test.each([[7], [undefined], [[undefined]], [[{ name: "a" }]], [[{ name: "a", labels: [0.5] }]]])(
    "refuses %j by name",
    (regions) => {
      expect(() => labelsOfRegions(regions as never)).toThrow(
        "regions: expected a list of regions with integer labels",
      );
    },
  );
});
