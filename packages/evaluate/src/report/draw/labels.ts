import { element, escaped, type Point } from "./svg.js";

/** The size of all text in charts, in pixels at 1:1. */
const textSize = 12;

/** Returns an upper estimate of the width of text; wide scripts count a full em. */
export function textWidth(text: string): number {
  let ems = 0;
  for (const char of text) ems += char.codePointAt(0)! > 0x2e7f ? 1.05 : /[mwMW@%]/.test(char) ? 0.98 : 0.63;
  return ems * textSize;
}

/** Returns text of at most `length` characters; the middle of longer text is an ellipsis. */
export function shortened(text: string, length: number): string {
  const chars = [...text];
  if (chars.length <= length) return text;
  const tail = Math.floor((length - 1) / 3);
  return `${chars.slice(0, length - 1 - tail).join("")}…${chars.slice(chars.length - tail).join("")}`;
}

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A label wanted at a point. */
export interface WantedLabel {
  readonly at: Point;
  readonly text: string;
}

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * Places labels beside their points: right, left, above or below, the first place that lies within the frame
 * and touches neither a label nor an obstacle. A label without such a place is left out; its mark still has
 * a title.
 */
export function placedLabels(
  wanted: readonly WantedLabel[],
  frame: Box,
  obstacles: readonly Box[] = [],
): string {
  const taken: Box[] = [...obstacles];
  let markup = "";
  for (const { at, text } of wanted) {
    const [x, y] = at;
    const width = textWidth(text);
    const places: readonly (readonly [left: number, middle: number])[] = [
      [x + 8, y],
      [x - 8 - width, y],
      [x - width / 2, y - 14],
      [x - width / 2, y + 14],
      [x + 8, y - 12],
      [x + 8, y + 12],
      [x - 8 - width, y - 12],
      [x - 8 - width, y + 12],
    ];
    for (const [left, middle] of places) {
      const box = { left, right: left + width, top: middle - 7.5, bottom: middle + 7.5 };
      const inside =
        box.left >= frame.left &&
        box.right <= frame.right &&
        box.top >= frame.top &&
        box.bottom <= frame.bottom;
      if (!inside || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      markup += element("text", { x: left, y: middle + 4, class: "note", direction: "ltr" }, escaped(text));
      break;
    }
  }
  return markup;
}
