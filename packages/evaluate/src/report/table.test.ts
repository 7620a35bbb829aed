import { expect, test } from "vitest";
import { fixed, formatMarkdown, formatTable } from "./table.js";

const rows = [
  { run: "sdc", dsc: 0.91234 },
  { run: "dicece|a", dsc: Number.NaN },
];
const columns = [
  { title: "run", cell: (row: (typeof rows)[number]) => row.run, align: "left" as const },
  { title: "DSC", cell: (row: (typeof rows)[number]) => fixed(row.dsc, 3) },
];

test("aligned text", () => {
  expect(formatTable(rows, columns)).toBe(
    "run         DSC\n--------  -----\nsdc       0.912\ndicece|a      -\n",
  );
});

test("aligned text without rows", () => {
  expect(formatTable([], columns)).toBe("run  DSC\n---  ---\n");
});

test("Markdown", () => {
  expect(formatMarkdown(rows, columns)).toBe(
    "| run | DSC |\n| --- | ---: |\n| sdc | 0.912 |\n| dicece\\|a | - |\n",
  );
});

test.each([
  [0.5, 3, "0.500"],
  [Number.NaN, 3, "-"],
  [Number.POSITIVE_INFINITY, 1, "inf"],
  [Number.NEGATIVE_INFINITY, 1, "-inf"],
])("%f with %i decimals", (value, decimals, text) => {
  expect(fixed(value, decimals)).toBe(text);
});
