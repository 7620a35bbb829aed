/** A colour of 8 bits each of red, green and blue. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Okabe and Ito's colours, which stay apart for colour-blind eyes, without black. */
const first: readonly Colour[] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];

/** Returns the colour of a label: black for the background, then Okabe and Ito's, then hues far apart. */
export function labelColour(label: number): Colour {
  if (label === 0) return [0, 0, 0];
  const known = first[label - 1];
  if (known) return known;
  // Steps of the golden ratio never come close to an earlier hue.
  const hue = (label * 0.618033988749895) % 1;
  const channel = (shift: number): number => {
    const at = (hue + shift) % 1;
    return Math.round(255 * (0.25 + 0.65 * Math.min(1, Math.max(0, Math.abs(6 * at - 3) - 1))));
  };
  return [channel(0), channel(2 / 3), channel(1 / 3)];
}
