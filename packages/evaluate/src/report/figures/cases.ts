import { chart, type Frame, xAxis, xTitle, yAxis, yTitle } from "../draw/frame.js";
import { type Box, placedLabels, shortened } from "../draw/labels.js";
import { linearScale, plain, rootScale } from "../draw/scale.js";
import { element, type Point, pointMark } from "../draw/svg.js";
import type { ReportRun } from "../report-data.js";
import { bothWidths, type Figure, seriesClass, seriesShape, widths } from "./figure.js";

const undefinedOr = (value: number | undefined): number => value ?? Number.NaN;

/** Draws Dice against the calibration error, case by case, with a line from the first run to the second. */
export function casesFigure(runs: readonly ReportRun[], overlap = "DSC", error = "ECE"): Figure {
  const title = `${overlap === "DSC" ? "Dice" : overlap} against ${error}, case by case`;
  const byName = runs.map(({ cases }) => new Map(cases.map(({ name, scores }) => [name, scores])));
  const names = [...new Set(runs.flatMap(({ cases }) => cases.map(({ name }) => name)))];
  const rows = names.map((name) => ({
    name,
    values: byName.map((scores): Point => {
      const found = scores.get(name);
      return [undefinedOr(found?.[overlap]), undefinedOr(found?.[error])];
    }),
  }));
  const joined = runs.length === 2 ? "; a line joins a case's two runs" : "";
  return {
    id: "cases-chart",
    title,
    ...bothWidths((width) =>
      chart(
        { width, height: 330, className: width === widths.wide ? "chart wide" : "chart narrow" },
        { title, description: `One mark a case${joined}` },
        drawn(width),
      ),
    ),
    data: {
      header: ["case", ...runs.flatMap(({ name }) => [`${overlap} ${name}`, `${error} ${name}`])],
      rows: rows.map(({ name, values }) => [name, ...values.flat()]),
    },
  };

  function drawn(width: number): string {
    const frame: Frame = { x: [70, width - 20], y: [286, 12] };
    const shown = rows.flatMap(({ values }) => values.filter((point) => point.every(Number.isFinite)));
    const least = shown.reduce((least, [x]) => Math.min(least, x), 1);
    const most = shown.reduce((most, [, y]) => Math.max(most, y), 0);
    const x = linearScale(Math.min(least, 0.9), 1, frame.x, width === widths.wide ? 8 : 5);
    const y = rootScale(most || 0.01, frame.y);
    const place = ([dice, ece]: Point): Point => [x.at(dice), y.at(ece)];
    const marks: string[] = [];
    const labels: { at: Point; text: string; error: number }[] = [];
    for (const { values } of rows) {
      const [a, b] = values.map(place);
      if (a && b && [...a, ...b].every(Number.isFinite))
        marks.push(element("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], class: "move" }));
    }
    values: for (const { name, values } of rows)
      for (const [run, point] of values.entries()) {
        if (!point.every(Number.isFinite)) continue values;
        const at = place(point);
        const said = `${name}${runs.length === 2 ? `, ${runs[run]!.name}` : ""}: ${overlap} ${plain(point[0], 3)}, ${error} ${plain(point[1], 4)}`;
        marks.push(
          pointMark(
            seriesShape(run),
            at,
            said,
            `mark ${seriesClass(run, runs.length)}`,
            rows.length > 100 ? 2.6 : 3.4,
          ),
        );
        if (run === values.length - 1) labels.push({ at, text: shortened(name, 22), error: point[1] });
      }
    // The worst cases have names, as far as they find a place beside the marks.
    const worst = labels.toSorted((p, q) => q.error - p.error).slice(0, 5);
    const obstacles = rows.flatMap(({ values }) => values.map(place)).map(around);
    for (const { values } of rows) {
      const [a, b] = values.map(place);
      if (a && b) obstacles.push(...steps(a, b).map(around));
    }
    const bounds = { left: frame.x[0], right: frame.x[1], top: 0, bottom: frame.y[0] };
    return [
      yAxis(frame, y),
      xAxis(frame, x),
      yTitle(frame, `${error} of the case (square-root scale)`),
      xTitle(frame, `${overlap === "DSC" ? "Dice" : overlap} of the case`),
      ...marks,
      placedLabels(worst, bounds, obstacles),
    ].join("");
  }
}

const around = ([x, y]: Point): Box => ({ left: x - 4, right: x + 4, top: y - 4, bottom: y + 4 });

/** Returns points along a line, 8 pixels apart. */
function steps([x, y]: Point, [u, v]: Point): readonly Point[] {
  const count = Math.ceil(Math.hypot(u - x, v - y) / 8);
  return Array.from(
    { length: count || 0 },
    (_, i): Point => [x + ((u - x) * i) / count, y + ((v - y) * i) / count],
  );
}
