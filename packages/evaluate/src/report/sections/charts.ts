import { element, escaped } from "../draw/svg.js";
import { boundaryFigure } from "../figures/boundary.js";
import { decisionFigure } from "../figures/decision.js";
import { seriesClass, seriesShape } from "../figures/figure.js";
import { reliabilityFigure, smallReliability } from "../figures/reliability.js";
import { trainingFigures } from "../figures/training.js";
import type { ReportData, ReportRun } from "../report-data.js";
import { figureBlock, paragraph, type Section } from "./section.js";

/** Returns the legend of the runs: the colour and shape of each. */
function runLegend(runs: readonly { readonly name: string }[]): string {
  if (runs.length < 2) return "";
  const keys = runs.map(({ name }, i) => {
    const [className, shape] = [`mark ${seriesClass(i, runs.length)}`, seriesShape(i)];
    const mark =
      shape === "circle"
        ? element("circle", { cx: 6, cy: 6, r: 4, class: className })
        : element("rect", { x: 2.4, y: 2.4, width: 7.2, height: 7.2, class: className });
    const glyph = element("svg", { viewBox: "0 0 12 12", class: "glyph", "aria-hidden": "true" }, mark);
    return element("span", { class: "key" }, glyph, element("bdi", {}, escaped(name)));
  });
  return element("p", { class: "legend" }, ...keys);
}

/** Returns the reliability of the predicted label, one diagram a run. */
export function reliabilitySection({ runs, classes }: ReportData): Section | undefined {
  const figures = [...runs].flatMap(({ name, statistics: { topLabel } }, i) =>
    topLabel
      ? [
          reliabilityFigure(topLabel, {
            id: `reliability-${i + 1}`,
            title: runs.length === 2 ? name : "Predicted label",
            event: "confidence",
          }),
        ]
      : [],
  );
  if (figures.length === 0) return undefined;
  const [first, second] = runs;
  const foreground = first.statistics.classes[1];
  // The page has room for the foreground beside the one diagram of a run.
  if (!second && isBinary(first) && foreground)
    figures.push(
      reliabilityFigure(foreground, {
        id: "reliability-foreground",
        title: classes[1] ?? "Foreground",
        event: "probability",
      }),
    );
  const some = [...runs].some(({ statistics }) => statistics.topLabel?.bins.some(({ nullBand }) => nullBand));
  const bands = some
    ? " The blue band is the 95 % interval over cases; the grey band is what a calibrated model would show with these cases."
    : "";
  return {
    id: "reliability",
    nav: "Reliability",
    heading: "Reliability of the predicted label",
    body:
      paragraph(
        `On the diagonal, a confidence of 70 % is right in 70 % of the pixels. Orange bars are the gap of each bin; bars below count pixels on a log scale.${bands}`,
        "muted",
      ) + element("div", { class: "pair" }, ...figures.map(figureBlock)),
  };
}

/** Returns the gap by signed distance to the predicted boundary; undefined if it was not measured. */
export function boundarySection({ runs }: ReportData): Section | undefined {
  const series = [...runs].flatMap(({ name, boundary }) => (boundary ? [{ name, gaps: boundary }] : []));
  if (series.length < runs.length) return undefined;
  const bands = series.some(({ gaps }) => gaps.rings.some(({ band }) => band));
  const text = `The gap between confidence and accuracy in rings around the predicted boundary, in percentage points. An error over all pixels hides this gap, as most pixels lie far from any boundary.${bands ? " Bands are 95 % intervals over cases." : ""}`;
  return {
    id: "boundary-section",
    nav: "Boundary",
    heading: "Where confidence goes wrong",
    body: paragraph(text, "muted") + runLegend(series) + figureBlock(boundaryFigure(series)),
  };
}

/**
 * Returns whether a run has a background and one foreground, whose diagrams are one another's mirror image.
 */
const isBinary = ({ statistics }: ReportRun): boolean => statistics.classes.length === 2;

/** Returns a small reliability diagram for every class, all on one scale; undefined if shown above. */
export function classesSection({ runs, classes }: ReportData): Section | undefined {
  const count = runs[0].statistics.classes.length;
  if (count < 2 || (runs.length === 1 && isBinary(runs[0]))) return undefined;
  const name = (c: number): string => classes[c] ?? (c === 0 ? "background" : `class ${c}`);
  const present = (run: ReportRun, c: number): boolean =>
    run.statistics.classes[c]?.bins.some(({ count, accuracy }) => count > 0 && accuracy > 0) ?? false;
  const tiles = Array.from({ length: count }, (_, c) => {
    const absent = [...runs].every((run) => !present(run, c));
    const figure = smallReliability(
      [...runs].map((run, i) => ({
        reliability: run.statistics.classes[c]!,
        className: seriesClass(i, runs.length),
        shape: seriesShape(i),
      })),
      { id: `class-${c}`, title: name(c), note: absent ? "in no label" : "" },
    );
    return figureBlock(figure);
  });
  return {
    id: "classes",
    nav: "Classes",
    heading: "Reliability of every class",
    body:
      paragraph("The probability of each class against its observed frequency, all on one scale.", "muted") +
      runLegend(runs) +
      element("div", { class: "multiples" }, ...tiles),
  };
}

/** Returns the net benefit of the decision that was scored; undefined unless every run has it. */
export function decisionSection({ runs }: ReportData): Section | undefined {
  const series = [...runs].flatMap(({ name, statistics: { decision } }) =>
    decision ? [{ name, curve: decision }] : [],
  );
  if (series.length < runs.length || new Set(series.map(({ curve }) => curve.event)).size > 1)
    return undefined;
  const { event, unit, events, cases } = series[0]!.curve;
  const bands = series.some(({ curve }) => curve.points.some(({ model }) => model.interval));
  const subject =
    unit === "lesion"
      ? `Of ${cases} lesions of a volume above ${event.split(" ").at(-1)}, predicted or missed, ${events} are real: acting is right on them and wrong on the others`
      : `The foreground has a ${event} in ${events} of ${cases} ${cases === 1 ? "case" : "cases"}: acting is right there and wrong elsewhere`;
  const text = `${subject}, where it costs the odds of the probability from which one acts. The dashed line acts on ${unit === "lesion" ? "every predicted lesion" : "all cases"}.${bands ? " Bands are 95 % intervals over cases." : ""}`;
  return {
    id: "decision",
    nav: "Decision",
    heading: "What a decision gains",
    body: paragraph(text, "muted") + runLegend(runs) + figureBlock(decisionFigure(series)),
  };
}

/** Returns the curves of the training run. */
export function trainingSection({ training }: ReportData): Section | undefined {
  if (!training || training.series.length === 0) return undefined;
  const best = training.best === undefined ? "" : ` The orange mark is the chosen epoch, ${training.best}.`;
  return {
    id: "training",
    nav: "Training",
    heading: "Training",
    body:
      paragraph(`Scores after each of ${training.epochs.length} epochs.${best}`, "muted") +
      element("div", { class: "pair" }, ...trainingFigures(training).map(figureBlock)),
  };
}
