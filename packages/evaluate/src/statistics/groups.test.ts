import { expect, test } from "vitest";
import { bidsSubject, groupsOfTable, withGroups } from "./groups.js";
import { rows } from "./rows.test.helper.js";

test.each([
  ["sub-01_ses-2_T1w", "sub-01"],
  ["sub-A1", "sub-A1"],
  ["derivatives/sub-7/anat", "sub-7"],
  ["mysub-01", undefined],
  ["sub-", undefined],
  ["case_0001", undefined],
])("the subject of %s is %s", (name, subject) => {
  expect(bidsSubject(name)).toBe(subject);
});

test("a table's column groups cases; a case that is there twice is refused", () => {
  const text = "name,center,patient\ncase 00,x,p\ncase 01,,q\n";
  const groupOf = groupsOfTable(text, "patient", "t.csv");
  expect(withGroups(rows(2), groupOf, "t.csv").map(({ group }) => group)).toEqual(["p", "q"]);
  expect(() => withGroups(rows(3), groupOf, "t.csv")).toThrow('t.csv: case "case 02" has no group');
  const centers = groupsOfTable(text, "center", "t.csv");
  expect(() => withGroups(rows(2), centers, "t.csv")).toThrow('t.csv: case "case 01" has no group');
  expect(() => groupsOfTable(`${text}case 00,y,r\n`, "patient", "t.csv")).toThrow(
    'case "case 00" is there twice',
  );
});
