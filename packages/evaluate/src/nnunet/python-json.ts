/** A number that Python holds as a float, and writes with a point or an exponent even if it is whole. */
export class Real {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Returns Python's repr of a float. */
function realText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = value.toExponential().split("e") as [string, string];
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  const text = Object.is(value, -0) ? "-0" : String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** Returns what Python's json.dump writes with sorted keys and an indentation of 4, non-ASCII escaped. */
export function pythonJson(value: unknown, indent = ""): string {
  const inner = `${indent}    `;
  if (value instanceof Real) return realText(value.value);
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + pythonJson(item, inner)).join(",\n")}\n${indent}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length === 0) return "{}";
    const lines = entries.map(([key, item]) => `${inner}${quoted(key)}: ${pythonJson(item, inner)}`);
    return `{\n${lines.join(",\n")}\n${indent}}`;
  }
  return typeof value === "string" ? quoted(value) : String(value);
}

const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
