/**
 * Returns, for every position of an axis after padding by edge, reflect or wrap, the position it shows; -1
 * for the constant. Negative pads crop first; positive ones continue what is left.
 */
export function paddedFrom(mode: string, size: number, before: number, after: number): number[] {
  const start = Math.max(-before, 0);
  const kept = size - start + Math.min(after, 0);
  return Array.from({ length: size + before + after }, (_, at) => {
    const from = source(mode, at - Math.max(before, 0), kept);
    return from < 0 ? -1 : from + start;
  });
}

function source(mode: string, at: number, size: number): number {
  if (at >= 0 && at < size) return at;
  if (mode === "constant") return -1;
  if (mode === "edge") return at < 0 ? 0 : size - 1;
  const period = mode === "wrap" ? size : 2 * (size - 1);
  const folded = ((at % period) + period) % period;
  return folded < size ? folded : period - folded;
}
