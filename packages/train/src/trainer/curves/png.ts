import { encodePng } from "@pixelcal/io";
import { type ColourName, colours, type Drawing, type Point } from "./drawing.js";
import { glyphOf, glyphSize } from "./font.js";

const names = Object.keys(colours) as ColourName[];
const palette = names.map((name) => {
  const value = Number.parseInt(colours[name].slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255] as const;
});

/** Writes a drawing as a PNG file of its size in pixels. */
export async function pngOf({ width, height, marks }: Drawing): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height).fill(names.indexOf("paper"));
  const dot = (x: number, y: number, colour: number): void => {
    if (x >= 0 && x < width && y >= 0 && y < height) pixels[y * width + x] = colour;
  };
  for (const mark of marks) {
    const colour = names.indexOf(mark.colour);
    if ("line" in mark) {
      const thick = mark.colour !== "grid" && mark.colour !== "faint";
      for (let i = 1; i < mark.line.length; i++)
        for (const [x, y] of cells(mark.line[i - 1]!, mark.line[i]!)) {
          dot(x, y, colour);
          if (thick) dot(x, y + 1, colour);
        }
      continue;
    }
    const length = mark.text.length * glyphSize.step;
    const before = { start: 0, middle: length / 2, end: length }[mark.anchor];
    const [left, top] = [Math.round(mark.at[0] - before), Math.round(mark.at[1]) - glyphSize.height];
    for (const [k, letter] of [...mark.text].entries())
      for (const [x, y] of glyphOf(letter)) dot(left + k * glyphSize.step + x, top + y, colour);
  }
  return encodePng(pixels, width, height, { colours: palette });
}

/** Returns the pixels of a line, one for each column or row, whichever are more. */
function cells([x0, y0]: Point, [x1, y1]: Point): Point[] {
  const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
  return Array.from({ length: steps + 1 }, (_, i) => [
    Math.round(x0 + (i / steps) * (x1 - x0)),
    Math.round(y0 + (i / steps) * (y1 - y0)),
  ]);
}
