// The repository's source files and what they import.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const notOurs = new Set(["node_modules", "dist", "build", ".cache", ".turbo", "golden", "work"]);

/** Paths of the files under `folder` whose names match, relative to `root`, in order. */
export function filesUnder(root, folder, pattern) {
  const found = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !notOurs.has(entry.name)) found.push(...filesUnder(root, path, pattern));
    else if (entry.isFile() && pattern.test(entry.name)) found.push(path);
  }
  return found.sort();
}

/** A static import or a re-export; the formatter puts it at the start of a line, in double quotes. */
const statement = /^(?:import|export)\b(?<names>[\w$\s{},*]*?)(?:\bfrom\s*)?"(?<from>[^"\n]+)"/gm;
/** A dynamic import, one of a type, or a path that is only resolved. */
const call = /(?<kind>typeof )?\b(?:import|require|import\.meta\.resolve)\(\s*"(?<from>[^"\n]+)"\s*\)/g;

/** Returns the imports of a file: [{ from, types }], `types` where only types are imported. */
export function importsOf(text) {
  const found = [];
  for (const { groups } of text.matchAll(statement)) {
    const list = groups.names.match(/\{(.*)\}/s)?.[1].split(",") ?? [];
    const names = list.map((name) => name.trim()).filter((name) => name !== "");
    const types =
      /^\s+type\b/.test(groups.names) ||
      (names.length > 0 && names.every((name) => name.startsWith("type ")));
    found.push({ from: groups.from, types });
  }
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, "");
  for (const { groups } of code.matchAll(call))
    found.push({ from: groups.from, types: groups.kind !== undefined });
  return found;
}

/** Reads a file's text, or a JSON file's value. */
export const read = (root, path) => readFileSync(join(root, path), "utf8");
export const readJson = (root, path) => JSON.parse(read(root, path));
