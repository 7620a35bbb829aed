/** The attributes of an element; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Escapes text for HTML and SVG, in content and in quoted attributes. */
export function escaped(text: string): string {
  return visible(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** Replaces control characters, which no parser of HTML takes as they are. */
const visible = (text: string): string => text.replace(/[^\P{Cc}\t\n\r]/gu, "\uFFFD");

/** Returns a coordinate with at most one decimal, which a screen cannot tell from the exact one. */
export const coordinate = (value: number): string => String(Math.round(value * 10) / 10 || 0);

/** Returns an element of HTML or SVG; its children are markup. */
export function element(name: string, attributes: Attributes = {}, ...children: readonly string[]): string {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const text = given.map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? coordinate(value) : escaped(value!)}"`,
  );
  return `<${name}${text.join("")}>${children.join("")}</${name}>`;
}

/** Returns an element with a title, which browsers show under the pointer. */
export const titled = (title: string, name: string, attributes: Attributes): string =>
  element(name, attributes, element("title", {}, escaped(title)));

export type Point = readonly [x: number, y: number];

/** Returns the path of a line through points; a break where a coordinate is not finite. */
export function linePath(points: readonly Point[]): string {
  let path = "";
  let pen = "M";
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      pen = "M";
      continue;
    }
    path += `${pen}${coordinate(x)} ${coordinate(y)}`;
    pen = "L";
  }
  return path;
}

/** Returns the paths of bands between two lines, one for each unbroken stretch. */
export function bandPath(low: readonly Point[], high: readonly Point[]): string {
  let path = "";
  let start = 0;
  const whole = (i: number): boolean =>
    [low[i]!, high[i]!].every(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  for (let i = 0; i <= low.length; i++) {
    if (i < low.length && whole(i)) continue;
    if (i - start > 1) path += `${linePath([...high.slice(start, i), ...low.slice(start, i).reverse()])}Z`;
    start = i + 1;
  }
  return path;
}

/** The shapes that tell series apart beside their colours. */
export type Shape = "circle" | "square";

/** Returns a mark of a series with its title. */
export function pointMark(shape: Shape, [x, y]: Point, title: string, className: string, size = 3.4): string {
  if (shape === "circle") return titled(title, "circle", { cx: x, cy: y, r: size, class: className });
  const side = 2 * size * 0.9;
  return titled(title, "rect", {
    x: x - side / 2,
    y: y - side / 2,
    width: side,
    height: side,
    class: className,
  });
}
