import type { Colour } from "@pixelcal/io";

/** The stops of the map cividis, which keeps its order for colour-blind eyes and in grey. */
export const cividis: readonly Colour[] = [
  [0, 32, 76],
  [43, 62, 106],
  [87, 93, 109],
  [133, 127, 119],
  [182, 164, 110],
  [233, 209, 78],
  [255, 234, 70],
];

/** The colours of confidences 0 ... 255. */
export const confidenceColours: readonly Colour[] = Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (cividis.length - 1);
  const below = Math.min(Math.floor(at), cividis.length - 2);
  const [low, high] = [cividis[below]!, cividis[below + 1]!];
  return [0, 1, 2].map((c) => Math.round(low[c]! + (high[c]! - low[c]!) * (at - below))) as unknown as Colour;
});

/** The kinds of pixels in a picture of errors, by value. */
export const errorKinds: readonly { readonly name: string; readonly colour: Colour }[] = [
  { name: "correct background", colour: [27, 31, 36] },
  { name: "correct", colour: [122, 130, 139] },
  { name: "false positive", colour: [230, 159, 0] },
  { name: "missed", colour: [86, 180, 233] },
  { name: "wrong class", colour: [204, 121, 167] },
  { name: "ignored", colour: [60, 66, 74] },
];
