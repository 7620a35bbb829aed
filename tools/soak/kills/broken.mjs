/** Throws an error that begins with "broken: " unless a condition holds that a kill must not change. */
export function must(holds, what) {
  if (!holds) throw new Error(`broken: ${what}`);
}

// Other processes do the work: this one's processor seconds do not count theirs.
export const patience = { cpuSeconds: 60, wallSeconds: 240, starting: 120, bytes: Number.POSITIVE_INFINITY };
