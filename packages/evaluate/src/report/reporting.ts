import type { RunStatistics } from "../statistics/run-statistics.js";
import type { RunResult } from "./results.js";
import { scoreText } from "./score-text.js";

/** One topic of the reporting guidelines. */
export interface ReportingItem {
  readonly guidelines: readonly ("CLAIM 2024" | "TRIPOD+AI" | "Metrics Reloaded")[];
  readonly topic: string;
  /** The answer, or "to be filled by you" for what an evaluation cannot know. */
  readonly answer: string;
  readonly known: boolean;
}

/** The answers of an evaluation to reporting guidelines. */
export interface Reporting {
  readonly format: "pixelcal-reporting";
  readonly version: 1;
  readonly runs: readonly string[];
  readonly items: readonly ReportingItem[];
}

/** An evaluation whose results have statistics. */
export interface ReportingInput {
  readonly results: readonly RunResult[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly software: Readonly<Record<string, string>>;
  /** Whether runs are compared with each other. */
  readonly compared: boolean;
}

const toFill = "to be filled by you";
const all = ["CLAIM 2024", "TRIPOD+AI", "Metrics Reloaded"] as const;
const both = ["CLAIM 2024", "TRIPOD+AI"] as const;
const metrics = ["Metrics Reloaded"] as const;

/** Topics that depend on the study and not on its predictions. */
const ofTheStudy: readonly (readonly [guidelines: ReportingItem["guidelines"], topic: string])[] = [
  [both, "title and abstract: the kind of study and of model"],
  [both, "background, intended use and role of the model, objectives"],
  [both, "study design, sources and dates of the data, setting"],
  [both, "inclusion and exclusion of participants, and their flow"],
  [["CLAIM 2024"], "de-identification"],
  [["CLAIM 2024"], "acquisition of the images"],
  [both, "preprocessing of the data"],
  [all, "reference standard: definition, reason, annotators and their qualification"],
  [["CLAIM 2024", "Metrics Reloaded"], "variability between and within annotators"],
  [both, "assignment of data to partitions, and the level at which they are disjoint"],
  [both, "model: description, initialisation, training, selection and ensembling"],
  [["TRIPOD+AI"], "fairness: the groups that were looked at, and how"],
  [both, "characteristics of the participants of each partition"],
  [both, "external testing, robustness and sensitivity"],
  [metrics, "the clinical interest behind each metric: why these"],
  [both, "limitations and implications for practice"],
  [["TRIPOD+AI"], "involvement of patients and the public"],
  [both, "registration, protocol, funding and conflicts of interest"],
  [both, "availability of data, code and model"],
];

/**
 * Returns the topics of CLAIM 2024, TRIPOD+AI and Metrics Reloaded with the answers that an evaluation knows:
 * the unit of analysis, numbers of patients and cases, empty and missing masks, metrics, intervals, software.
 * Topics are in our own words and without the guidelines' numbers.
 */
export function reporting(input: ReportingInput): Reporting {
  const known = [
    ...populationItems(input),
    ...metricItems(input),
    ...statisticsItems(input),
    item(both, "software", versions(input.software)),
  ];
  return {
    format: "pixelcal-reporting",
    version: 1,
    runs: input.results.map(({ run }) => run),
    items: [...known, ...ofTheStudy.map(([guidelines, topic]) => item(guidelines, topic, toFill))],
  };
}

const item = (guidelines: ReportingItem["guidelines"], topic: string, answer: string): ReportingItem => ({
  guidelines,
  topic,
  answer,
  known: answer !== toFill,
});

/** Joins one sentence per run; only the sentence for one run. */
const perRun = (results: readonly RunResult[], sentence: (result: RunResult) => string): string =>
  results.map((result) => `${results.length === 1 ? "" : `${result.run}: `}${sentence(result)}`).join(" ");

const versions = (software: Readonly<Record<string, string>>): string =>
  Object.entries(software)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");

/** Returns "12 patients or other groups with 40 cases", or "40 cases, each taken for independent". */
function unitsOf({ statistics, evaluation: { rows } }: RunResult): string {
  if (statistics?.unit === "group")
    return `${statistics.groups} patients (or other groups) with ${rows.length} cases.`;
  return `${rows.length} cases, each taken for independent; no grouping by patient was given.`;
}

function populationItems({ results, settings }: ReportingInput): readonly ReportingItem[] {
  const { bothEmpty, oneEmpty, ignore, missing } = settings;
  const classes = (result: RunResult): string => {
    const sizes = result.evaluation.rows.flatMap(({ sums }) => (sums ? [sums.sizes.truth] : []));
    const count = sizes[0]?.length ?? 0;
    const present = Array.from({ length: Math.max(0, count - 1) }, (_, c) => {
      const cases = sizes.filter((truth) => truth[c + 1]! > 0).length;
      return `class ${c + 1} in ${cases} of ${sizes.length}`;
    });
    return present.length === 0 ? "not recorded." : `${present.join(", ")} cases.`;
  };
  const policy = missing === undefined ? "" : ` Policy for them: ${missing}.`;
  return [
    item(all, "number of participants and images in the analysis", perRun(results, unitsOf)),
    item(all, "occurrence of each class in the reference", perRun(results, classes)),
    item(
      all,
      "missing predictions",
      perRun(results, ({ missing: lacking }) => `${lacking.length} cases without a prediction.`) + policy,
    ),
    item(
      all,
      "pixels without a reference",
      ignore === undefined ? "No pixel was left out." : `Pixels with label ${ignore} count in no score.`,
    ),
    item(
      metrics,
      "empty masks",
      `A class in neither mask: ${bothEmpty}. A class in one mask only: ${oneEmpty}. Undefined scores are in no mean and are counted in the table.`,
    ),
  ];
}

function metricItems({ results, settings }: ReportingInput): readonly ReportingItem[] {
  const { convention, bins, tolerance } = settings;
  const columns = Object.keys(results[0]?.evaluation.summary ?? {});
  const spaced = results.some(({ evaluation }) => evaluation.rows.some(({ spacing }) => spacing));
  const unit = convention === "consistent" && spaced ? "in mm, from the spacing of each case" : "in pixels";
  return [
    item(
      all,
      "measures of performance",
      `${columns.join(", ")}; definitions: PixelCal's convention "${convention}".`,
    ),
    item(
      metrics,
      "aggregation",
      "Every score is computed per case and averaged over cases with equal weight; figures called pooled add up the pixels of all cases first.",
    ),
    item(
      all,
      "calibration",
      `Expected calibration error in ${bins} bins per case; reliability over all cases in 15 bins with bands over cases; the error debiased by case; the gap by distance to the predicted boundary.`,
    ),
    item(
      metrics,
      "distances",
      `Surface distances are ${unit}; tolerance of NSD: ${tolerance === undefined ? 1 : String(tolerance)}.`,
    ),
  ];
}

function statisticsItems({ results, compared }: ReportingInput): readonly ReportingItem[] {
  const known = results.flatMap((result) =>
    result.statistics ? [{ ...result, statistics: result.statistics }] : [],
  );
  const [first] = known;
  if (!first) return [];
  const { level, draws, seed, unit } = first.statistics;
  const what = unit === "group" ? "patients with all of their cases" : "cases";
  const shown = ["DSC", "HD95", "NSD", "ECE", "ECE pooled", "boundary ECE", "NLL", "Brier"];
  const estimates = ({ scores }: RunStatistics): string =>
    shown
      .flatMap((name) => {
        const found = scores.get(name);
        if (!found) return [];
        const { value, interval } = found;
        const ends = interval && ` [${scoreText(name, interval.low)}, ${scoreText(name, interval.high)}]`;
        return [`${name} ${scoreText(name, value)}${ends ?? ""}`];
      })
      .join(", ");
  const sizes = ({ statistics, evaluation: { rows } }: (typeof known)[number]): string => {
    const needed = statistics.sampleSizes.map(
      (size) => `${size.needed} for ±${size.halfWidth} in ${size.name}`,
    );
    const have = `${statistics.groups} ${unit === "group" ? `groups (${rows.length} cases)` : "cases"} were available`;
    return needed.length === 0 ? `${have}.` : `${have}; needed given their spread: ${needed.join(", ")}.`;
  };
  const each = (sentence: (result: (typeof known)[number]) => string): string =>
    known.map((result) => `${known.length === 1 ? "" : `${result.run}: `}${sentence(result)}`).join(" ");
  const tooFew = known.some(({ statistics }) => statistics.tooFew)
    ? " Runs with fewer than 8 have no intervals."
    : "";
  return [
    item(all, "unit of analysis", `Intervals draw ${what}, never pixels.${tooFew}`),
    item(
      both,
      "uncertainty of the measures",
      `${100 * level} % percentile bootstrap intervals, ${draws} draws of ${what}, seed ${seed}, levels expanded for few of them (Hesterberg 2015); those of errors over all pixels are moved by their bootstrap bias.`,
    ),
    item(
      both,
      "significance",
      compared
        ? "Paired differences over the same cases; verdicts from their intervals alone; Wilcoxon signed-rank tests, adjusted by Holm's method."
        : "No runs were compared.",
    ),
    item(
      both,
      "performance with uncertainty",
      each(({ statistics }) => `${estimates(statistics)}.`),
    ),
    item(both, "sample size", each(sizes)),
    item(["CLAIM 2024"], "failure analysis", `The cases with the lowest Dice. ${perRun(results, worst)}`),
  ];
}

function worst({ evaluation: { rows } }: RunResult): string {
  const defined = rows.filter(({ scores }) => !Number.isNaN(scores.DSC ?? Number.NaN));
  const lowest = defined.toSorted((a, b) => a.scores.DSC! - b.scores.DSC!).slice(0, 3);
  return `${lowest.map(({ name, scores }) => `${name} (${scoreText("DSC", scores.DSC!)})`).join(", ")}.`;
}
