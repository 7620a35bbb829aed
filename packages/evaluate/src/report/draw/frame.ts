import type { Range, Scale } from "./scale.js";
import { coordinate, element, escaped } from "./svg.js";

/** The rectangle that a chart's marks lie in. */
export interface Frame {
  readonly x: Range;
  readonly y: Range;
}

const text = (x: number, y: number, content: string, anchor: string, className = "tick"): string =>
  element("text", { x, y, "text-anchor": anchor, class: className }, escaped(content));

/** Draws the horizontal grid lines and their ticks at the left of a frame. */
export function yAxis({ x: [left, right] }: Frame, scale: Scale): string {
  return scale.ticks
    .map((tick) => {
      const y = scale.at(tick);
      const line = element("line", { x1: left, x2: right, y1: y, y2: y, class: "grid" });
      return line + text(left - 6, y + 4, scale.label(tick), "end");
    })
    .join("");
}

/** Draws the ticks below a frame; the outer ones stay inside its width. */
export function xAxis({ x: [left, right], y: [bottom] }: Frame, scale: Scale): string {
  return scale.ticks
    .map((tick) => {
      const x = scale.at(tick);
      const line = element("line", { x1: x, x2: x, y1: bottom, y2: bottom + 4, class: "axis" });
      return line + text(x, bottom + 17, scale.label(tick), "middle");
    })
    .concat(element("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "axis" }))
    .join("");
}

/** Draws the name of the vertical axis, turned, along the middle of the frame. */
export function yTitle({ y: [bottom, top] }: Frame, title: string): string {
  const middle = coordinate((bottom + top) / 2);
  return element(
    "text",
    { transform: `translate(12 ${middle}) rotate(-90)`, "text-anchor": "middle", class: "axis-title" },
    escaped(title),
  );
}

/** Draws the name of the horizontal axis below its ticks. */
export function xTitle({ x: [left, right], y: [bottom] }: Frame, title: string): string {
  return text((left + right) / 2, bottom + 35, title, "middle", "axis-title");
}

/** Returns a chart of fixed size: its text keeps at least its own size unless the page is narrower. */
export function chart(
  size: { readonly width: number; readonly height: number; readonly className?: string },
  { title, description }: { readonly title: string; readonly description: string },
  ...marks: readonly string[]
): string {
  const { width, height, className = "chart" } = size;
  const attributes = {
    viewBox: `0 0 ${width} ${height}`,
    class: className,
    role: "img",
    "aria-label": `${title}. ${description}`,
  };
  return element("svg", attributes, ...marks);
}
