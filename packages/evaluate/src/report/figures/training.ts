import { chart, type Frame, xAxis, xTitle, yAxis, yTitle } from "../draw/frame.js";
import { linearScale, plain } from "../draw/scale.js";
import { element, linePath, type Point, titled } from "../draw/svg.js";
import type { TrainingCurves } from "../report-data.js";
import { type Figure, widths } from "./figure.js";

const frame: Frame = { x: [60, widths.small - 10], y: [186, 12] };

/** Draws a chart for each score of a training run, over its epochs. */
export function trainingFigures({ epochs, series, best }: TrainingCurves): readonly Figure[] {
  const x = linearScale(Math.min(...epochs, 0), Math.max(...epochs, 1), frame.x, 5);
  return series.map(({ name, values }, i) => {
    const known = values.filter(Number.isFinite);
    const y = linearScale(Math.min(...known), Math.max(...known), frame.y, 4);
    const path = linePath(values.map((value, at): Point => [x.at(epochs[at]!), y.at(value)]));
    const chosen = best === undefined ? -1 : epochs.indexOf(best);
    const marks = [
      yAxis(frame, y),
      xAxis(frame, x),
      xTitle(frame, "epoch"),
      yTitle(frame, name),
      element("path", { d: path, class: "line b" }),
      ...(Number.isFinite(values[chosen])
        ? [
            titled(`best epoch ${best}: ${plain(values[chosen]!, 4)}`, "circle", {
              cx: x.at(best!),
              cy: y.at(values[chosen]!),
              r: 4.5,
              class: "mark a",
            }),
          ]
        : []),
    ];
    const described = { title: name, description: `${name} after each epoch` };
    return {
      id: `training-${i + 1}`,
      title: name,
      svg: chart({ width: widths.small, height: 226 }, described, ...marks),
      data: { header: ["epoch", name], rows: epochs.map((epoch, at) => [epoch, values[at]!]) },
    };
  });
}
