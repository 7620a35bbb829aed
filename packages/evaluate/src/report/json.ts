/**
 * Formats JSON with null for NaN and the strings "inf" and "-inf" for infinities, for which JSON has no
 * literals.
 */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, jsonValue, 2)}\n`;
}

/** Formats the same JSON in one line, without a newline. */
export function jsonText(value: unknown): string {
  // A replacer is called for every number and takes most of the time; without one, NaN is null too.
  return hasInfinity(value) ? JSON.stringify(value, jsonValue) : JSON.stringify(value);
}

/** Returns whether a value that is JSON but for its numbers holds an infinity. */
function hasInfinity(value: unknown): boolean {
  if (typeof value === "number") return value === Infinity || value === -Infinity;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) {
    for (const each of value) if (hasInfinity(each)) return true;
    return false;
  }
  for (const key in value) if (hasInfinity((value as Record<string, unknown>)[key])) return true;
  return false;
}

/** Returns the number that {@link formatJson} wrote as `value`; undefined for other values. */
export function jsonNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === null) return Number.NaN;
  if (value === "inf") return Number.POSITIVE_INFINITY;
  return value === "-inf" ? Number.NEGATIVE_INFINITY : undefined;
}

function jsonValue(_: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return null;
  return value > 0 ? "inf" : "-inf";
}
