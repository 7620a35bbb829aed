// The model of scaling: what an update costs on any number of ranks, from costs that were measured on few.

/** The bytes of gradients that are exchanged at once (packages/train/src/trainer/exchange.ts). */
const bucket = 2 ** 22;

/**
 * Returns the seconds of one exchange of gradients. Each rank sums one part of each bucket: it gets that part
 * from all others and sends its sum back, so that it sends, and gets, 2 (ranks - 1) messages of 1/ranks of a
 * bucket. A message costs `latency`, a byte of gradients `perByte` of the processor, whatever the ranks,
 * and a byte on the wire 8 / `bitsPerSecond`.
 */
export function exchangeSeconds({ bytes, ranks, latency, perByte, bitsPerSecond }) {
  if (ranks === 1) return 0;
  const messages = 2 * (ranks - 1) * Math.ceil(bytes / bucket);
  const sent = (2 * bytes * (ranks - 1)) / ranks;
  return messages * latency + bytes * perByte + (sent * 8) / bitsPerSecond;
}

/**
 * Returns the seconds of one update of a batch of `images`: `fixed` and `perImage` of the rank with the
 * largest share, and the exchange, of which nothing is taken to overlap with the update of the weights.
 */
export function updateSeconds({ images, ranks, fixed, perImage, ...exchange }) {
  return fixed + perImage * Math.ceil(images / ranks) + exchangeSeconds({ ranks, ...exchange });
}

/** Returns the least squares line through points: its value at 0, not below 0, and its slope. */
export function line(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  const slope = mean(([at, value]) => (at - x) * (value - y)) / mean(([at]) => (at - x) ** 2);
  const start = y - slope * x;
  return start >= 0 ? [start, slope] : [0, mean(([at, value]) => at * value) / mean(([at]) => at * at)];
}

/** Returns the largest number of ranks up to which each does half of what one rank alone does, or more. */
export function paysUpTo(counts, imagesPerSecond) {
  const pays = (ranks) => imagesPerSecond(ranks) >= 0.5 * ranks * imagesPerSecond(1);
  return counts.filter((_, i) => counts.slice(0, i + 1).every(pays)).at(-1);
}
