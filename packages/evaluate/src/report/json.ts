/**
 * Formats JSON with null for NaN and the strings "inf" and "-inf" for infinities, for which JSON has no
 * literals.
 */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, jsonValue, 2)}\n`;
}

/** Formats the same JSON in one line, without a newline. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, jsonValue);
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
