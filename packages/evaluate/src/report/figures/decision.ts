import type { DecisionCurve, DecisionPoint } from "../../statistics/decision-curve.js";
import { chart, type Frame, xAxis, xTitle, yAxis, yTitle } from "../draw/frame.js";
import { linearOf, linearScale, plain } from "../draw/scale.js";
import { bandPath, element, escaped, linePath, type Point, pointMark } from "../draw/svg.js";
import { bothWidths, type Figure, seriesClass, seriesShape, widths } from "./figure.js";

/** The decision of one run. */
export interface DecisionSeries {
  readonly name: string;
  readonly curve: DecisionCurve;
}

const percent = (share: number): string => `${plain(100 * share, 0)} %`;

const titleOf = ({ threshold, model: { value, interval } }: DecisionPoint, name: string): string =>
  `${name}, from ${percent(threshold)} on: net benefit ${plain(value, 3)}${interval ? ` [${plain(interval.low, 3)}, ${plain(interval.high, 3)}]` : ""}`;

/** Draws the net benefit of acting from a probability on, beside acting on all cases and on none. */
export function decisionFigure(series: readonly DecisionSeries[]): Figure {
  const title = `Net benefit of the decision "${series[0]!.curve.event}"`;
  const described = {
    title,
    description: "Net benefit by the probability from which one acts, beside acting on all cases and on none",
  };
  return {
    id: "decision-chart",
    title,
    ...bothWidths((width) => {
      const className = width === widths.wide ? "chart wide" : "chart narrow";
      return chart({ width, height: 300, className }, described, drawn(series, width));
    }),
    data: {
      header: ["run", "threshold", "net benefit", "low", "high", "acting on all"],
      rows: series.flatMap(({ name, curve }) =>
        curve.points.map(({ threshold, model: { value, interval }, all }) => [
          ...[name, threshold, value, interval?.low ?? Number.NaN, interval?.high ?? Number.NaN, all.value],
        ]),
      ),
    },
  };
}

function drawn(series: readonly DecisionSeries[], width: number): string {
  const frame: Frame = { x: [60, width - 24], y: [256, 12] };
  const x = linearOf([0, 0.2, 0.4, 0.6, 0.8, 1], frame.x);
  const { points, events, cases } = series[0]!.curve;
  const values = series.flatMap(({ curve }) =>
    curve.points.flatMap(({ model: { value, interval } }) => [
      ...[value, interval?.low ?? value, interval?.high ?? value],
    ]),
  );
  const most = Math.max(events / cases, ...values, 0.01);
  // Acting loses without bound as the threshold nears 1; the scale shows as much as acting can gain.
  const y = linearScale(Math.max(-most, Math.min(-most / 4, ...values)), most, frame.y, 5);
  const [least = 0] = y.ticks;
  const place = (value: number): number => (value < least ? Number.NaN : y.at(value));
  const all = points.map(
    ({ threshold, all: { value } }): Point => [x.at(threshold), value < least ? Number.NaN : y.at(value)],
  );
  const zero = y.at(0);
  return [
    yAxis(frame, y),
    xAxis(frame, { ...x, label: percent }),
    xTitle(frame, "probability from which one acts"),
    yTitle(frame, "net benefit"),
    element("line", { x1: frame.x[0], x2: frame.x[1], y1: zero, y2: zero, class: "zero" }),
    element("path", { d: linePath(all), class: "diagonal" }),
    ...series.map(({ name, curve }, i) => {
      const className = seriesClass(i, series.length);
      const at = (threshold: number, value: number | undefined): Point => [
        x.at(threshold),
        value === undefined ? Number.NaN : place(value),
      ];
      const middle = curve.points.map(({ threshold, model }) => at(threshold, model.value));
      const band = bandPath(
        curve.points.map(({ threshold, model: { interval } }) =>
          at(threshold, interval && Math.max(least, interval.low)),
        ),
        curve.points.map(({ threshold, model }) => at(threshold, model.interval?.high)),
      );
      return [
        band === "" ? "" : element("path", { d: band, class: `band ${className}` }),
        element("path", { d: linePath(middle), class: `line ${className}` }),
        ...curve.points.map((point, p) =>
          Number.isNaN(middle[p]![1])
            ? ""
            : pointMark(seriesShape(i), middle[p]!, titleOf(point, name), `mark ${className}`),
        ),
      ].join("");
    }),
    element("text", { x: frame.x[0] + 6, y: zero + 15, class: "note" }, escaped("acting on none")),
  ].join("");
}
