import { chart, type Frame, xAxis, xTitle, yAxis, yTitle } from "../draw/frame.js";
import { linearScale, logScale, plain } from "../draw/scale.js";
import { element, titled } from "../draw/svg.js";
import type { Lesion, LesionCounts } from "../report-data.js";
import { bothWidths, type Figure, widths } from "./figure.js";

/** Draws the mean confidence inside each lesion against its volume; the shape says whether it was found. */
export function lesionFigure({ name, lesions }: LesionCounts, unit: string, id: string): Figure {
  const title = `${name}: confidence inside each lesion by its volume`;
  const described = { title, description: "Squares are detected, crosses missed, triangles false lesions" };
  const most = lesions.reduce((most, { volume }) => Math.max(most, volume), 10);
  return {
    id,
    title,
    ...bothWidths((width) => {
      const frame: Frame = { x: [56, width - 20], y: [236, 12] };
      const [x, y] = [logScale(most, frame.x, 6), linearScale(0, 1, frame.y)];
      return chart(
        { width, height: 280, className: width === widths.wide ? "chart wide" : "chart narrow" },
        described,
        yAxis(frame, y),
        xAxis(frame, x),
        xTitle(frame, `volume in ${unit} (log scale)`),
        yTitle(frame, "mean confidence inside"),
        ...lesions.map((lesion) => lesionMark(lesion, x.at(lesion.volume), y.at(lesion.confidence), unit)),
      );
    }),
    data: {
      header: ["case", "volume", "confidence", "kind"],
      rows: lesions.map(({ case: of, volume, confidence, kind }) => [of, volume, confidence, kind]),
    },
  };
}

function lesionMark(
  { case: of, kind, volume, confidence }: Lesion,
  x: number,
  y: number,
  unit: string,
): string {
  const said = `${of}: ${kind}, ${plain(volume, 0)} ${unit}, mean confidence ${plain(confidence, 2)}`;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return "";
  if (kind === "detected")
    return titled(said, "rect", { x: x - 3, y: y - 3, width: 6, height: 6, class: "mark b" });
  if (kind === "false") return titled(said, "path", { d: `M${x - 4} ${y + 3}h8l-4 -7z`, class: "mark a" });
  return titled(said, "path", { d: `M${x - 3} ${y - 3}l6 6m0 -6l-6 6`, class: "cross" });
}

/** Draws a legend of the three kinds. */
export function lesionLegend(): string {
  const key = (mark: string, text: string): string =>
    element(
      "span",
      { class: "key" },
      element("svg", { viewBox: "0 0 12 12", class: "glyph", "aria-hidden": "true" }, mark),
      text,
    );
  return [
    key(element("rect", { x: 3, y: 3, width: 6, height: 6, class: "mark b" }), "detected"),
    key(element("path", { d: "M3 3l6 6m0 -6l-6 6", class: "cross" }), "missed"),
    key(element("path", { d: "M2 9h8l-4 -7z", class: "mark a" }), "false"),
  ].join("");
}
