import { colours, type Drawing, type Mark } from "./drawing.js";

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** Writes a drawing as an SVG file of its own. Text has no characters that need escapes. */
export function svgOf({ width, height, marks }: Drawing): string {
  const paper = `<rect width="${width}" height="${height}" fill="${colours.paper}"/>`;
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">`;
  return `${head}\n${[paper, ...marks.map(written)].join("\n")}\n</svg>\n`;
}

function written(mark: Mark): string {
  const colour = colours[mark.colour];
  if ("line" in mark) {
    const points = mark.line.map(([x, y]) => `${short(x)},${short(y)}`).join(" ");
    const width = mark.colour === "grid" || mark.colour === "faint" ? 1 : 1.6;
    return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
  }
  const [x, y] = mark.at;
  return `<text x="${short(x)}" y="${short(y)}" text-anchor="${mark.anchor}" fill="${colour}">${mark.text}</text>`;
}
