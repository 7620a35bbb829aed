/**
 * Formats JSON with null for NaN and the strings "inf" and "-inf" for infinities, for which JSON has no
 * literals.
 */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, (_, item: unknown) => (typeof item === "number" ? numeral(item) : item), 2)}\n`;
}

function numeral(value: number): number | string | null {
  if (Number.isNaN(value)) return null;
  return Number.isFinite(value) ? value : value > 0 ? "inf" : "-inf";
}
