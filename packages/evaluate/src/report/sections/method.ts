import { element, escaped } from "../draw/svg.js";
import { formatJson } from "../json.js";
import type { ReportData } from "../report-data.js";
import { scoreName } from "../score-text.js";
import { paragraph, type Section } from "./section.js";

/** Returns what was computed and how, the cases that a narrower interval needs, and the configuration. */
export function methodSection(data: ReportData): Section {
  const { settings, notes = [] } = data;
  const sentences = [...methodSentences(data), ...notes];
  return {
    id: "method",
    nav: "Method",
    heading: "Method and provenance",
    body: [
      paragraph(sentences.join(" ")),
      element(
        "details",
        {},
        element("summary", {}, "Configuration"),
        element(
          "pre",
          { tabindex: "0", role: "region", "aria-label": "Configuration" },
          escaped(formatJson(settings)),
        ),
      ),
    ].join(""),
  };
}

function methodSentences({ runs, settings, comparison }: ReportData): readonly string[] {
  const { statistics } = runs[0];
  const { unit, sampleSizes, tooFew, topLabel, draws, seed } = statistics;
  const units = unit === "group" ? "groups (all cases of a group together)" : "cases";

  return [
    `Scores are computed per case and averaged over cases; every interval resamples ${units}, ${draws} times with seed ${seed}.`,
    ...(topLabel
      ? [`Reliability pools the pixels of all cases in ${topLabel.bins.length} bins of equal width.`]
      : []),
    ...(tooFew ? ["With fewer than 8 cases no interval is shown."] : []),
    ...(comparison
      ? [
          "A verdict follows from the interval of the paired difference; p is the signed-rank test, adjusted over the scores shown (Holm).",
        ]
      : []),
    ...(settings.convention === undefined
      ? []
      : [`Definitions are those of the convention "${settings.convention}".`]),
    ...(settings.ignore === undefined || settings.ignore === null
      ? ["No label is ignored."]
      : [`Pixels with label ${settings.ignore} count in no score.`]),
    ...sampleSizes.map(
      ({ name, halfWidth, needed }) =>
        `An interval of ±${halfWidth} on ${scoreName(name)} needs about ${needed} ${unit}s of this spread.`,
    ),
  ];
}
