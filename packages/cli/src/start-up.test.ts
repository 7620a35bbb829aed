import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const source = fileURLToPath(new URL(".", import.meta.url));
const packages = join(source, "..", "..");

/** Returns the file that a specifier in `from` names, or undefined for another package. */
function fileOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith(".")) return join(from, "..", specifier.replace(/\.js$/, ".ts"));
  const [, own] = /^@pixelcal\/(\w+)$/.exec(specifier) ?? [];
  const index = join(packages, own ?? "", "src", "index.ts");
  return own !== undefined && existsSync(index) ? index : undefined;
}

const atOnce = /^(?:import|export)\s(?!type\b)(?:[^;"]*?\sfrom\s)?"([^"]+)";/gm;
const later = /\b(?:import|require)\("([^"]+)"\)/g;

/**
 * Returns the files, and other packages by name, that a file and its imports load before they run, or ever.
 */
function loaded(start: string, when: "before" | "ever" = "before"): ReadonlySet<string> {
  const files = new Set<string>([start]);
  const found = new Set<string>();
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const [, specifier] of [
      ...text.matchAll(atOnce),
      ...(when === "ever" ? text.matchAll(later) : []),
    ]) {
      const next = fileOf(specifier!, file);
      if (next !== undefined) files.add(next);
      if (next === undefined || !specifier!.startsWith(".")) found.add(specifier!);
    }
  }
  return found;
}

const fromElsewhere = (names: ReadonlySet<string>): string[] =>
  [...names].filter((name) => !name.startsWith("node:")).sort();

test("the command line loads its commands' names and options alone", () => {
  expect(fromElsewhere(loaded(join(source, "main.ts")))).toEqual(["commander"]);
});

test("evaluate loads what scores and reads, no network's runtime and no training", () => {
  expect(fromElsewhere(loaded(join(source, "runs", "score-predictions.ts"), "ever"))).toEqual([
    "@pixelcal/core",
    "@pixelcal/evaluate",
    "@pixelcal/io",
    "@pixelcal/native",
    "yauzl",
  ]);
});

test("the walk finds what training loads", () => {
  const names = loaded(join(source, "main.ts"), "ever");
  for (const name of ["@pixelcal/train", "onnxruntime-node", "zod", "yaml"]) expect(names).toContain(name);
});
