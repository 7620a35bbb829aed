/** JSON in which NaN is null and an infinity is the string "inf" or "-inf": JSON itself has no word for them. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, (_, item: unknown) => (typeof item === "number" ? numeral(item) : item), 2)}\n`;
}

function numeral(value: number): number | string | null {
  if (Number.isNaN(value)) return null;
  return Number.isFinite(value) ? value : value > 0 ? "inf" : "-inf";
}
