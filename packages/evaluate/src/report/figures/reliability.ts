import type { Interval } from "../../statistics/interval.js";
import type { CaseBin, Reliability } from "../../statistics/reliability.js";
import { chart, type Frame, xAxis, xTitle, yAxis, yTitle } from "../draw/frame.js";
import { compact, linearOf, linearScale, logScale, plain, type Scale } from "../draw/scale.js";
import {
  bandPath,
  coordinate,
  element,
  escaped,
  linePath,
  type Point,
  pointMark,
  titled,
} from "../draw/svg.js";
import { type Figure, type FigureData, widths } from "./figure.js";

const width = widths.small;
const frame: Frame = { x: [52, width - 10], y: [306, 10] };
/** The rectangle of the bars that count pixels, below the diagram. */
const bars: Frame = { x: frame.x, y: [418, 360] };
const height = 424;

const percent = (value: number): string => `${plain(100 * value, 1)} %`;

/** Returns the bins that hold pixels. */
const filled = ({ bins }: Reliability): readonly CaseBin[] => bins.filter(({ count }) => count > 0);

/** Describes a bin in one sentence. */
function binTitle({ count, confidence, accuracy, band, low, high }: CaseBin): string {
  const where = `predicted ${plain(low, 2)} to ${plain(high, 2)}`;
  const range = band ? ` [${percent(band.low)}, ${percent(band.high)}]` : "";
  return `${where}: ${compact(count)} pixels, mean ${percent(confidence)}, observed ${percent(accuracy)}${range}`;
}

/** Draws the band of an interval of every bin; bins without one interrupt it. */
function intervalBand(
  bins: readonly CaseBin[],
  pick: (bin: CaseBin) => Interval | undefined,
  { x, y, className }: { readonly x: Scale; readonly y: Scale; readonly className: string },
): string {
  const edge = (end: keyof Interval): Point[] =>
    bins.map((bin) => [x.at(bin.confidence), y.at(pick(bin)?.[end] ?? Number.NaN)]);
  const path = bandPath(edge("low"), edge("high"));
  return path === "" ? "" : element("path", { d: path, class: className });
}

/** Draws a reliability diagram: gap bars to the diagonal, bands over cases, and pixels on a log scale. */
export function reliabilityFigure(
  reliability: Reliability,
  { id, title, caption, event }: Pick<Figure, "id" | "title" | "caption"> & { readonly event: string },
): Figure {
  const x = linearScale(0, 1, frame.x);
  const y = linearScale(0, 1, frame.y);
  const bins = filled(reliability);
  const gaps = bins.map((bin) => {
    const [at, from, to] = [x.at(bin.confidence), y.at(bin.confidence), y.at(bin.accuracy)];
    const gap = bin.confidence - bin.accuracy;
    const name = gap > 0 ? "overconfident" : "underconfident";
    return titled(`${name} by ${percent(Math.abs(gap))}; ${binTitle(bin)}`, "line", {
      x1: at,
      x2: at,
      y1: from,
      y2: to,
      class: "gap",
    });
  });
  const points = bins.map((bin): Point => [x.at(bin.confidence), y.at(bin.accuracy)]);
  const marks = [
    yAxis(frame, y),
    xAxis(frame, x),
    yTitle(frame, "observed frequency"),
    xTitle(frame, `predicted ${event}`),
    intervalBand(bins, ({ nullBand }) => nullBand, { x, y, className: "null-band" }),
    intervalBand(bins, ({ band }) => band, { x, y, className: "band b" }),
    element("path", { d: `M${x.at(0)} ${y.at(0)}L${x.at(1)} ${y.at(1)}`, class: "diagonal" }),
    ...gaps,
    element("path", { d: linePath(points), class: "line b" }),
    ...bins.map((bin, i) => pointMark("circle", points[i]!, binTitle(bin), "mark b")),
    cornerNote(frame.x[0] + 8, frame.y[1] + 16, "start", "underconfident"),
    cornerNote(frame.x[1] - 6, frame.y[0] - 8, "end", "overconfident"),
    countBars(reliability, x),
    ...(bins.length === 0 ? [emptyNote("no pixels")] : []),
  ];
  const described = `Reliability diagram of ${bins.length} bins with pixels; the diagonal is perfect calibration`;
  const svg = chart({ width, height }, { title, description: described }, ...marks);
  return { id, title, caption, svg, data: reliabilityData(reliability) };
}

const cornerNote = (x: number, y: number, anchor: string, text: string): string =>
  element("text", { x, y, "text-anchor": anchor, class: "note" }, escaped(text));

const emptyNote = (text: string): string =>
  element(
    "text",
    {
      x: (frame.x[0] + frame.x[1]) / 2,
      y: (frame.y[0] + frame.y[1]) / 2,
      "text-anchor": "middle",
      class: "note",
    },
    escaped(text),
  );

/** Draws the pixels of every bin as bars on a log scale. */
function countBars({ bins }: Reliability, x: Scale): string {
  const most = bins.reduce((most, { count }) => Math.max(most, count), 1);
  const y = logScale(most, bars.y);
  const drawn = bins
    .filter(({ count }) => count > 0)
    .map((bin) => {
      const [left, right, top] = [x.at(bin.low), x.at(bin.high), y.at(bin.count)];
      const attributes = { x: left + 0.7, y: top, width: right - left - 1.4, height: bars.y[0] - top };
      return titled(binTitle(bin), "rect", { ...attributes, class: "bar" });
    });
  return [yAxis(bars, y), yTitle(bars, "pixels"), ...drawn].join("");
}

function reliabilityData({ bins }: Reliability): FigureData {
  const header = ["low", "high", "pixels", "confidence", "accuracy"];
  const bounds = ["band low", "band high", "null band low", "null band high"];
  const rows = bins.map(({ low, high, count, confidence, accuracy, band, nullBand }) => [
    ...[low, high, count, count > 0 ? confidence : Number.NaN, count > 0 ? accuracy : Number.NaN],
    ...[band?.low, band?.high, nullBand?.low, nullBand?.high].map((value) => value ?? Number.NaN),
  ]);
  return { header: [...header, ...bounds], rows };
}

/** A run's reliability of one class in a small diagram. */
export interface SmallSeries {
  readonly reliability: Reliability;
  readonly className: "a" | "b";
  readonly shape: "circle" | "square";
}

const side = widths.tile;
const small: Frame = { x: [30, side - 14], y: [side - 26, 8] };

/** Draws one of the small diagrams, all on one scale, with a line for every run. */
export function smallReliability(
  series: readonly SmallSeries[],
  { id, title, note = "" }: Pick<Figure, "id" | "title"> & { readonly note?: string },
): Figure {
  const ticks = [0, 0.5, 1];
  const [x, y] = [linearOf(ticks, small.x), linearOf(ticks, small.y)];
  const drawn = series.map(({ reliability, className, shape }) => {
    const bins = filled(reliability);
    const points = bins.map((bin): Point => [x.at(bin.confidence), y.at(bin.accuracy)]);
    return [
      intervalBand(bins, ({ band }) => band, { x, y, className: `band ${className}` }),
      element("path", { d: linePath(points), class: `line ${className}` }),
      ...bins.map((bin, i) => pointMark(shape, points[i]!, binTitle(bin), `mark ${className}`, 2.6)),
    ].join("");
  });
  const diagonal = `M${coordinate(x.at(0))} ${coordinate(y.at(0))}L${coordinate(x.at(1))} ${coordinate(y.at(1))}`;
  const marks = [
    yAxis(small, y),
    xAxis(small, x),
    element("path", { d: diagonal, class: "diagonal" }),
    ...drawn,
    cornerNote((small.x[0] + small.x[1]) / 2, small.y[1] + 18, "middle", note),
  ];
  const description = "Reliability diagram on the scale of its neighbours";
  const svg = chart({ width: side, height: side, className: "tile-chart" }, { title, description }, ...marks);
  const data = series.map(({ reliability }) => reliabilityData(reliability));
  const rows = data.flatMap(({ rows }, run) => rows.map((row) => [run + 1, ...row]));
  return { id, title, svg, data: { header: ["run", ...data[0]!.header], rows } };
}
