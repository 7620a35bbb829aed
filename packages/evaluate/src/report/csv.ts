/**
 * Formats comma-separated values (RFC 4180) as pandas writes and reads them: infinity is "inf", undefined
 * values are empty, and a number has as many digits as are needed to read the same number back.
 */
export function formatCsv(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  return [header, ...rows].map((row) => `${row.map(field).join(",")}\n`).join("");
}

function field(value: string | number): string {
  if (typeof value === "number") {
    if (Number.isNaN(value)) return "";
    return Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
  }
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
