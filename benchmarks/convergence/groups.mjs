// Whose case each case of a data set is, for intervals that draw patients.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Returns the value of a column of ROOT/manifest.csv for every case, by the case's name. */
export function groupsOf(root, group) {
  const [head, ...lines] = readFileSync(join(root, "manifest.csv"), "utf8").trim().split(/\r?\n/);
  const columns = head.split(",");
  const [name, at] = ["name", group].map((column) => columns.indexOf(column));
  if (name < 0 || at < 0)
    throw new Error(`manifest.csv has columns ${columns.join(", ")}, not name and ${group}`);
  return Object.fromEntries(lines.map((line) => line.split(",")).map((row) => [row[name], row[at]]));
}
