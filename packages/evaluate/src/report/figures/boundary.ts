import type { BoundaryGaps, RingGap } from "../../statistics/boundary-gaps.js";
import { chart, type Frame, xTitle, yAxis, yTitle } from "../draw/frame.js";
import { textWidth } from "../draw/labels.js";
import { compact, linearScale, logScale, plain } from "../draw/scale.js";
import { bandPath, element, escaped, linePath, type Point, pointMark, titled } from "../draw/svg.js";
import { bothWidths, type Figure, seriesClass, seriesShape, widths } from "./figure.js";

/** The gaps of one run. */
export interface BoundarySeries {
  readonly name: string;
  readonly gaps: BoundaryGaps;
}

/** Returns the name of a ring, for example "−3 to −2" or "beyond 10". */
export function ringName({ low, high }: RingGap): string {
  if (!Number.isFinite(low)) return `below ${plain(high, 0)}`;
  if (!Number.isFinite(high)) return `beyond ${plain(low, 0)}`;
  return `${distance(low)} to ${distance(high)}`;
}

const distance = (value: number): string => plain(value, Number.isInteger(value) ? 0 : 1);
const points = (value: number): string => `${value > 0 ? "+" : ""}${plain(100 * value, 1)} points`;

const titleOf = (ring: RingGap, name: string, unit: string): string =>
  `${name}, ${ringName(ring)} ${unit}: ${points(ring.gap)}${ring.band ? ` [${points(ring.band.low)}, ${points(ring.band.high)}]` : ""}, ${compact(ring.count)} pixels`;

/** Draws the gap between confidence and accuracy in rings around the predicted boundary. */
export function boundaryFigure(series: readonly BoundarySeries[]): Figure {
  const title = "Calibration gap by signed distance to the predicted boundary";
  const described = {
    title,
    description:
      "Confidence minus accuracy in rings around the predicted boundary; negative distances are inside",
  };
  const { unit, rings } = series[0]!.gaps;
  return {
    id: "boundary",
    title,
    ...bothWidths((width) => {
      const height = width === widths.wide ? 340 : 320;
      return chart(
        { width, height, className: width === widths.wide ? "chart wide" : "chart narrow" },
        described,
        drawn(series, width, height),
      );
    }),
    data: {
      header: ["run", "from", "to", "unit", "pixels", "gap", "band low", "band high", "nll"],
      rows: series.flatMap(({ name, gaps }) =>
        gaps.rings.map((ring) => [
          ...[name, ring.low, ring.high, unit, ring.count, ring.count > 0 ? ring.gap : Number.NaN],
          ...[ring.band?.low ?? Number.NaN, ring.band?.high ?? Number.NaN, ring.nll],
        ]),
      ),
    },
  };

  function drawn(all: readonly BoundarySeries[], width: number, height: number): string {
    const bottom = height - 116;
    const frame: Frame = { x: [56, width - 10], y: [bottom, 10] };
    const bars: Frame = { x: frame.x, y: [height - 44, height - 96] };
    const values = all.flatMap(({ gaps }) =>
      gaps.rings
        .filter(({ count }) => count > 0)
        .flatMap(({ gap, band }) => [gap, band?.low ?? gap, band?.high ?? gap]),
    );
    const least = Math.min(0, ...values);
    const most = Math.max(0, ...values);
    const y = linearScale(100 * least, 100 * most || 1, frame.y, 6);
    const slot = (frame.x[1] - frame.x[0]) / rings.length;
    const centre = (i: number): number => frame.x[0] + (i + 0.5) * slot;
    const zero = y.at(0);
    const marks = [
      yAxis(frame, y),
      yTitle(frame, "confidence − accuracy (points)"),
      element("line", { x1: frame.x[0], x2: frame.x[1], y1: zero, y2: zero, class: "zero" }),
      note(frame.x[0] + 6, frame.y[1] + 13, "overconfident"),
      // Only where the axis leaves room between its zero, along which most rings lie, and its end.
      ...(frame.y[0] - zero > 36 ? [note(frame.x[0] + 6, frame.y[0] - 7, "underconfident")] : []),
      ...all.map(({ name, gaps }, run) => {
        const className = seriesClass(run, all.length);
        // Two runs stand side by side in a ring, where their bands stay readable.
        const shift = all.length === 1 ? 0 : (run - 0.5) * Math.min(8, slot / 4);
        const at = (ring: RingGap, value: number | undefined, i: number): Point => [
          centre(i) + shift,
          ring.count > 0 && value !== undefined ? y.at(100 * value) : Number.NaN,
        ];
        const middle = gaps.rings.map((ring, i) => at(ring, ring.gap, i));
        const band = bandPath(
          gaps.rings.map((ring, i) => at(ring, ring.band?.low, i)),
          gaps.rings.map((ring, i) => at(ring, ring.band?.high, i)),
        );
        return [
          band === "" ? "" : element("path", { d: band, class: `band ${className}` }),
          element("path", { d: linePath(middle), class: `line ${className}` }),
          ...gaps.rings.map((ring, i) =>
            ring.count > 0
              ? pointMark(seriesShape(run), middle[i]!, titleOf(ring, name, unit), `mark ${className}`)
              : "",
          ),
        ].join("");
      }),
      ringCounts(rings, bars, centre, slot),
      ringTicks(rings, bars, slot),
      xTitle(bars, `signed distance in ${unit} (negative: inside)`),
    ];
    return marks.join("");
  }
}

const note = (x: number, y: number, text: string): string =>
  element("text", { x, y, class: "note" }, escaped(text));

function ringCounts(
  rings: readonly RingGap[],
  bars: Frame,
  centre: (i: number) => number,
  slot: number,
): string {
  const y = logScale(
    rings.reduce((most, { count }) => Math.max(most, count), 1),
    bars.y,
    2,
  );
  const drawn = rings.map((ring, i) => {
    if (ring.count === 0) return "";
    const top = y.at(ring.count);
    const box = { x: centre(i) - slot / 2 + 0.7, y: top, width: slot - 1.4, height: bars.y[0] - top };
    return titled(`${ringName(ring)}: ${compact(ring.count)} pixels`, "rect", { ...box, class: "bar" });
  });
  return [yAxis(bars, y), yTitle(bars, "pixels"), ...drawn].join("");
}

/** Draws the edges between rings; an edge whose text would touch the last one's is left out. */
function ringTicks(rings: readonly RingGap[], { x: [left], y: [bottom] }: Frame, slot: number): string {
  let free = Number.NEGATIVE_INFINITY;
  return rings
    .slice(1)
    .map(({ low }, i) => {
      const x = left + (i + 1) * slot;
      const text = distance(low);
      const half = textWidth(text) / 2 + 2;
      if (x - half < free) return "";
      free = x + half;
      return (
        element("line", { x1: x, x2: x, y1: bottom, y2: bottom + 4, class: "axis" }) +
        element("text", { x, y: bottom + 17, "text-anchor": "middle", class: "tick" }, escaped(text))
      );
    })
    .join("");
}
