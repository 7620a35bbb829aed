import type { BoundaryGaps } from "../../statistics/boundary-gaps.js";
import type { Comparison, Difference } from "../../statistics/compare-runs.js";
import type { CaseBin } from "../../statistics/reliability.js";
import { shortened } from "../draw/labels.js";
import { plain } from "../draw/scale.js";
import { ringName } from "../figures/boundary.js";
import type { ReportData, ReportRun } from "../report-data.js";
import { intervalText, scoreName, scoreText } from "../score-text.js";

/**
 * Returns the sentences that open the report, the first one its answer. Every claim rests on an interval over
 * cases; where the cases are too few for intervals, the sentences say so and claim nothing.
 */
export function leadSentences({ runs, comparison }: ReportData): readonly string[] {
  const [first, second] = runs;
  if (second && comparison) return comparisonLead(first, second, comparison);
  return [...runs].flatMap((run) => runLead(run, runs.length === 2 ? `${nameOf(run)}: ` : ""));
}

const nameOf = ({ name }: ReportRun): string => shortened(name, 40);

const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

function tooFew(cases: number, groups: number, question: string): readonly string[] {
  const number =
    groups < cases ? `${countOf(groups, "group")} with ${countOf(cases, "case")}` : countOf(cases, "case");
  return [
    `${number} ${cases === 1 ? "is" : "are"} too few to say ${question}.`,
    "Intervals need at least 8; the values below describe these cases alone.",
  ];
}

function comparisonLead(before: ReportRun, after: ReportRun, comparison: Comparison): readonly string[] {
  const { cases, groups, differences } = comparison;
  if (comparison.tooFew) return tooFew(cases, groups, "which run is better");
  const by = (verdict: Difference["verdict"]): readonly Difference[] =>
    differences.filter((each) => each.verdict === verdict);
  const [better, worse] = [by("better"), by("worse")];
  const [a, b] = [nameOf(before), nameOf(after)];
  const won = better.length > 0 ? `better than ${a} in ${listed(better.map(withDifference))}` : "";
  const lost =
    worse.length > 0 ? `worse${won === "" ? ` than ${a}` : ""} in ${listed(worse.map(withDifference))}` : "";
  const both = [won, lost].filter((part) => part !== "").join(", and ");
  const claims = both === "" ? [] : [`${b} is ${both}.`];
  const same = by("no difference");
  const kept = by("unchanged");
  const rest = [
    ...(same.length > 0
      ? [
          `No difference is shown in ${listed(
            same.map(({ name }) => scoreName(name)),
            "or",
          )}.`,
        ]
      : []),
    ...(kept.length > 0
      ? [
          `${listed(kept.map(({ name }) => scoreName(name)))} ${kept.length === 1 ? "is" : "are"} the same in every case.`,
        ]
      : []),
  ];
  const all = [...claims, ...rest];
  return all.length > 0 ? all : ["No score is defined in enough cases to compare the runs."];
}

const withDifference = ({ name, difference }: Difference): string =>
  `${scoreName(name)} (${scoreText(name, difference.value, true)} ${intervalText(name, difference.interval, true)})`;

function runLead(run: ReportRun, prefix: string): readonly string[] {
  const { statistics } = run;
  if (statistics.tooFew)
    return tooFew(statistics.cases, statistics.groups, "how far these probabilities can be trusted");
  const sentences = [reliabilitySentence(run), ...boundarySentences(run.boundary)];
  return sentences.map((sentence, i) => (i === 0 ? `${prefix}${sentence}` : sentence));
}

/**
 * Says how far the confidence of the predicted label is off, if the interval lies above what chance shows.
 */
function reliabilitySentence({ statistics: { topLabel, cases } }: ReportRun): string {
  if (!topLabel) return "The results hold no sums by bin, from which the reliability is drawn.";
  const { error: ece, calibrated, bins } = topLabel;
  const over = share(bins, ({ band, confidence }) => band !== undefined && band.high < confidence);
  const under = share(bins, ({ band, confidence }) => band !== undefined && band.low > confidence);
  const chance = calibrated?.bound ?? 0;
  if (!ece.interval || Number.isNaN(ece.value)) return "No calibration error is defined for these cases.";
  const size = `${points(ece.value)} [${points(ece.interval.low)}, ${points(ece.interval.high)}]`;
  const unit = "percentage points";
  if (ece.interval.low <= chance)
    return `No miscalibration is shown with these ${cases} cases: the error of ${size} ${unit} over all pixels is within what a calibrated model would show.`;
  const direction = over > under ? "too high" : under > over ? "too low" : "wrong";
  const beside = over > 0 && under > 0 ? " in most of the bins whose bands exclude the diagonal" : "";
  return `Confidence is ${direction}${beside}: it misses the accuracy by ${size} ${unit} over all pixels, where a calibrated model would show ${points(chance)} with these ${cases} cases.`;
}

const points = (value: number): string => plain(100 * value, 1);

/** Returns the share of pixels in the bins that pass a test. */
function share(bins: readonly CaseBin[], test: (bin: CaseBin) => boolean): number {
  const all = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce((sum, bin) => sum + (bin.count > 0 && test(bin) ? bin.count : 0), 0) / (all || 1);
}

/** Names the rings whose bands lie off 0. */
function boundarySentences(boundary: BoundaryGaps | undefined): readonly string[] {
  if (!boundary) return [];
  const { rings, unit } = boundary;
  const shown = rings.filter(({ band, count }) => count > 0 && band !== undefined);
  if (shown.length === 0) return [];
  const high = shown.filter(({ band }) => band!.low > 0);
  const low = shown.filter(({ band }) => band!.high < 0);
  if (high.length + low.length === 0)
    return ["No ring around the predicted boundary shows a gap between confidence and accuracy."];
  const worst = [...high, ...low].reduce((most, ring) =>
    Math.abs(ring.gap) > Math.abs(most.gap) ? ring : most,
  );
  const where = `${ringName(worst)} ${unit}`;
  const way = worst.gap > 0 ? "too high" : "too low";
  return [
    `Around the predicted boundary the gap is shown in ${high.length + low.length} of ${shown.length} rings; the largest is at ${where}, where confidence is ${way} by ${points(Math.abs(worst.gap))} points [${points(worst.band!.low)}, ${points(worst.band!.high)}].`,
  ];
}

/** Joins names with commas and a last "and" or "or". */
export function listed(names: readonly string[], last: "and" | "or" = "and"): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} ${last} ${names.at(-1)}`;
}
