/** Throws an error that begins with "broken: " unless something holds that a kill must not change. */
export function must(holds, what) {
  if (!holds) throw new Error(`broken: ${what}`);
}

// Work is done by other processes: their seconds are not this one's, but their steps take some.
export const patience = { cpuSeconds: 60, wallSeconds: 240, starting: 120, bytes: Number.POSITIVE_INFINITY };
