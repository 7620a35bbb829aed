import { nearestName } from "@pixelcal/core";
import type { z } from "zod";

/**
 * Thrown by `parseConfig`; the message lists every problem, each beginning with the path of the key
 * ("sdc.alpha: ...").
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "ERR_PIXELCAL_CONFIG";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.length === 1 ? problems[0] : `${problems.length} problems:\n  ${problems.join("\n  ")}`);
    this.problems = problems;
  }
}

/** Describes a value from a configuration file for an error message. */
function describeYaml(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a section";
  if (typeof value === "string")
    return `string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)}`;
  return `${typeof value} ${String(value)}`;
}

/** Turns a zod issue into one line for each problem it holds; `root` is what was parsed. */
export function problemsOf(issue: z.core.$ZodIssue, root: unknown, keysAt: KeysAt): string[] {
  const path = issue.path.map(String);
  const name = path.length === 0 ? "config" : path.join(".");
  const value = valueAt(root, path);
  const got = describeYaml(value);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key].join("."), key, keysAt(path)));
    case "invalid_type":
      if (value === undefined) return [`${name}: missing; expected ${expectedType(issue.expected)}`];
      return [`${name}: expected ${expectedType(issue.expected)}, got ${got}`];
    case "invalid_value": {
      const expected = alternatives(issue.values.map(String));
      return [
        value === undefined
          ? `${name}: missing; expected ${expected}`
          : `${name}: expected ${expected}, got ${got}`,
      ];
    }
    case "too_small":
      if (issue.origin === "string") return [`${name}: expected a text that is not empty, got ${got}`];
      return [`${name}: expected ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}, got ${got}`];
    case "too_big":
      return [`${name}: expected ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}, got ${got}`];
    default:
      return [`${name}: ${issue.message}, got ${got}`];
  }
}

/** Returns the keys that the section at a path may hold. */
export type KeysAt = (path: readonly string[]) => readonly string[];

/** Returns the names as "a, b or c". */
function alternatives(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "nothing") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** Returns the problem of an unknown key, with the nearest known one. */
function unknownKey(name: string, key: string, allowed: readonly string[]): string {
  const near = nearestName(key, allowed);
  return `${name}: unknown key; ${near === undefined ? `allowed: ${allowed.join(", ")}` : `did you mean ${near}?`}`;
}

function expectedType(expected: string): string {
  if (expected === "object") return "a section";
  return expected === "int" ? "integer" : expected;
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
