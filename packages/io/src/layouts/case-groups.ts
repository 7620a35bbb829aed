import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const patientName = /^(?:sub-[A-Za-z0-9]+|(?:patient|subject)[-_]?[0-9]+)/i;
/** The columns of a manifest that say whose case it is. */
const columns = ["patient", "patient_id", "subject", "pair_group"];

/**
 * Returns the patient of every case: from the column `patient`, `patient_id`, `subject` or `pair_group`
 * beside `name` in ROOT/manifest.csv, else from names that begin as BIDS has them, sub-ID, or with patient or
 * subject and a number, as the frames of cine MRI do (patient001_frame01), else none.
 */
export async function groupsOf(
  root: string,
  names: readonly string[],
): Promise<(name: string) => string | undefined> {
  const path = join(root, "manifest.csv");
  const groups = existsSync(path) ? manifestGroups(await readFile(path, "utf8")) : new Map<string, string>();
  const known = names.every((name) => groups.has(name));
  return (name) => (known ? groups.get(name) : patientName.exec(name)?.[0]);
}

function manifestGroups(text: string): ReadonlyMap<string, string> {
  const [head = [], ...rows] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(","));
  const name = head.indexOf("name");
  const group = head.findIndex((column) => columns.includes(column));
  if (name < 0 || group < 0) return new Map();
  return new Map(rows.flatMap((row) => (row[group] ? [[row[name]!, row[group]]] : [])));
}
