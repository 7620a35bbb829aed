import { expect, test } from "vitest";
import { bandPath, coordinate, element, escaped, linePath, type Point } from "./svg.js";

const nan = Number.NaN;

test("text is escaped, control characters are replaced", () => {
  expect(escaped(`<b a="1" b='2'>&\u0000\u009f\t`)).toBe(
    "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;\ufffd\ufffd\t",
  );
  expect(element("p", { class: '"><script>', hidden: undefined, x: 1.26 }, "a")).toBe(
    '<p class="&quot;&gt;&lt;script&gt;" x="1.3">a</p>',
  );
});

test("coordinates have one decimal and no negative zero", () => {
  expect([1, 1.25, -0.01, 12.345].map(coordinate)).toEqual(["1", "1.3", "0", "12.3"]);
});

test("lines break where a value is undefined", () => {
  const points: Point[] = [
    [0, 1],
    [1, 2],
    [2, nan],
    [3, 4],
  ];
  expect(linePath(points)).toBe("M0 1L1 2M3 4");
});

test("bands are closed stretches of at least two points", () => {
  const band = (values: readonly number[], shift: number): Point[] => values.map((y, x) => [x, y + shift]);
  const values = [1, 1, nan, 2, nan, 3, 3];
  expect(bandPath(band(values, 0), band(values, 1))).toBe("M0 2L1 2L1 1L0 1ZM5 4L6 4L6 3L5 3Z");
});
