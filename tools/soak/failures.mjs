// Findings as small files: what to run, and the bytes where there are any.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alone } from "./watch.mjs";

/** Keeps a few findings of every kind in `folder`; all are counted. */
export class Failures {
  #folder;
  #seen = new Map();

  constructor(folder) {
    this.#folder = folder;
  }

  /** Saves a finding and returns its file; undefined where there are enough of its kind. */
  save(target, seed, finding) {
    const kind = `${target.name} ${finding.outcome} ${finding.signature ?? ""}`;
    const count = (this.#seen.get(kind) ?? 0) + 1;
    this.#seen.set(kind, count);
    if (count > 3) return undefined;
    const { index, outcome, message, small } = finding;
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `${target.name}-${seed}-${index}.json`);
    const content = { group: target.group, target: target.name, seed, index, outcome, message, bytes: small };
    writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
    return path;
  }
}

/** Runs a saved finding again: { outcome, message }. */
export async function replay(path, targetNamed) {
  const { group, target: name, seed, index, bytes } = JSON.parse(readFileSync(path, "utf8"));
  const target = await targetNamed(group, name);
  return { name, ...(await alone(target, { seed, index, bytes })) };
}
