import {
  argMax,
  type BoundaryBins,
  boundaryBand,
  type CalibrationBins,
  type CalibrationConvention,
  type CaseHistogram,
  calibrationConventions,
  centerlineCounts,
  centerlineDice,
  conventionErrors,
  conventionHistograms,
  fittedTemperature,
  type Labels,
  type LesionScores,
  lesionScores,
  type OverlapCounts,
  type Probabilities,
  pixelRiskAreas,
  regionVolumes,
  type SurfaceDistances,
  smoothCalibrationError,
  temperatureSketch,
} from "@pixelcal/core";
import {
  type Decision,
  decisionColumns,
  type LesionDecisions,
  lesionDecisions,
  parseDecision,
  volumeProbability,
} from "./decision.js";
import { type FurtherMetric, furtherMetrics } from "./further-metrics.js";
import type { ScoreOptions } from "./score-options.js";
import { nearBoundary } from "./statistics/ring-sums.js";

/** A case as the families score it: arrays with a batch of 1, and what was found in the pass over them. */
export interface FurtherCase {
  readonly probs: Probabilities;
  readonly labels: Labels;
  readonly options: ScoreOptions;
  readonly rings: BoundaryBins;
  /** The histograms of {@link furtherHistograms}. */
  readonly histograms: readonly CalibrationBins[];
  /** The overlap of every class, the background first, and the surfaces of every other class. */
  readonly overlaps: readonly OverlapCounts[];
  readonly surfaces: readonly SurfaceDistances[];
}

interface Scored extends FurtherCase {
  predicted(): Promise<Labels>;
  /** Returns the scores of the lesions of every foreground class. */
  lesions(): Promise<readonly LesionScores[]>;
}

type Columns = Record<string, number>;

/** A family's histograms, which {@link Scored.histograms} then has alone, and its columns. */
interface Family {
  histograms?(options: ScoreOptions): readonly CaseHistogram[];
  columns(scored: Scored): Promise<Columns>;
}

/** The number of bins of scores without bins of their own, which share them where they are of the same p. */
const fineBins = 4096;

const toolHistograms = (tool: CalibrationConvention, { classes }: ScoreOptions): readonly CaseHistogram[] =>
  conventionHistograms(tool, classes).map((bins) =>
    tool === "marginloss" ? { ...bins, pixels: "objects" } : bins,
  );

const families: Readonly<Record<FurtherMetric, Family>> = {
  boundary: {
    async columns({ rings }) {
      const { gap, negativeLogLikelihood } = boundaryBand(rings, { from: -nearBoundary, to: nearBoundary });
      return { "boundary gap": gap, "boundary NLL": negativeLogLikelihood };
    },
  },

  centerline: {
    async columns({ labels, options: { classes, ignore, signal }, predicted }) {
      const [counts] = await centerlineCounts(await predicted(), labels, { classes, ignore, signal });
      return byClass("clDice", counts!.map(centerlineDice));
    },
  },

  lesions: {
    async columns({ lesions }) {
      const scores = await lesions();
      return Object.assign(
        {},
        ...lesionColumns.map(([column, name]) =>
          byClass(
            column,
            scores.map((of) => of[name]),
          ),
        ),
      );
    },
  },

  risk: {
    histograms: () => [{ of: "top-label", bins: fineBins }],
    async columns({ histograms }) {
      const { aurc, augrc } = pixelRiskAreas(histograms[0]!);
      return { AURC: aurc, AUGRC: augrc };
    },
  },

  smooth: {
    histograms: ({ convention = "reference" }) => [
      { of: convention === "reference" ? "foreground" : "top-label", bins: fineBins },
    ],
    async columns({ histograms }) {
      return { smECE: smoothCalibrationError(inPairs(histograms[0]!)) };
    },
  },

  surfaces: {
    async columns({ surfaces }) {
      return byClass(
        "MASD",
        surfaces.map(({ aToB, bToA }) => (aToB + bToA) / 2),
      );
    },
  },

  temperature: {
    async columns({ probs, labels, options: { ignore, signal } }) {
      const sketch = await temperatureSketch(probs, labels, { ignore, signal });
      return { temperature: fittedTemperature(sketch).temperature };
    },
  },

  tools: {
    histograms: (options) => calibrationConventions.flatMap((tool) => toolHistograms(tool, options)),
    async columns({ options, histograms }) {
      const columns: Columns = {};
      let at = 0;
      for (const tool of calibrationConventions) {
        const count = toolHistograms(tool, options).length;
        const errors = conventionErrors(tool, histograms.slice(at, at + count));
        at += count;
        columns[`ECE ${tool}`] = errors.expected;
        if (errors.perClass.length > 0) columns[`CECE ${tool}`] = errors.classwise;
      }
      return columns;
    },
  },

  volumes: {
    async columns({ overlaps, options }) {
      const pixel = pixelVolume(options);
      const volumes = overlaps.slice(1).map((counts) => regionVolumes(counts, pixel));
      return {
        ...byClass(
          "volume difference",
          volumes.map(({ difference }) => difference),
        ),
        ...byClass(
          "relative volume difference",
          volumes.map(({ relativeDifference }) => relativeDifference),
        ),
      };
    },
  },
};

/** Returns a histogram of one group with half as many bins, neighbours together. */
function inPairs(bins: CalibrationBins): CalibrationBins {
  const half = bins.bins / 2;
  const sums = (of: Float64Array): Float64Array => {
    const pairs = new Float64Array(half);
    for (let m = 0; m < half; m++) pairs[m] = of[2 * m]! + of[2 * m + 1]!;
    return pairs;
  };
  const limits = new Float64Array(half + 1);
  for (let m = 0; m <= half; m++) limits[m] = bins.limits[2 * m]!;
  return {
    ...bins,
    bins: half,
    limits,
    count: sums(bins.count),
    confidenceSum: sums(bins.confidenceSum),
    accuracySum: sums(bins.accuracySum),
    falsePositiveSum: sums(bins.falsePositiveSum),
  };
}

const lesionColumns = [
  ["lesion F1", "f1"],
  ["lesion Dice", "dice"],
  ["lesion HD95", "hd95"],
  ["lesions detected", "detected"],
  ["lesions missed", "missed"],
  ["lesions false", "falsePositives"],
  ["PQ", "panopticQuality"],
  ["FN volume", "falseNegativeVolume"],
  ["FP volume", "falsePositiveVolume"],
  ["lesion confidence", "confidence"],
  ["lesion ECE", "expected"],
] as const;

const wanted = ({ metrics = [] }: ScoreOptions): readonly FurtherMetric[] =>
  furtherMetrics.filter((name) => metrics.includes(name));

/** Returns the histograms that the families and the decision of the options read, of the pass over a case. */
export const furtherHistograms = (options: ScoreOptions): readonly CaseHistogram[] => [
  ...wanted(options).flatMap((name) => families[name].histograms?.(options) ?? []),
  ...(imageDecision(options) === undefined ? [] : [{ of: "foreground", bins: fineBins } as const]),
];

/** Returns the decision about images that the options name; undefined if they name none. */
function imageDecision({ decision }: ScoreOptions): Decision | undefined {
  const parsed = decision === undefined ? undefined : parseDecision(decision);
  return parsed?.about === "image" ? parsed : undefined;
}

/** Returns the columns of the decision about images. */
function decisionScores({ histograms, overlaps, options }: FurtherCase): Columns {
  const decision = imageDecision(options);
  if (decision === undefined) return {};
  const { score, event } = decisionColumns(decision);
  const limit = decision.volumeAbove / pixelVolume(options);
  const truth = overlaps.slice(1).reduce((sum, own) => sum + own.truePositive + own.falseNegative, 0);
  return { [score]: volumeProbability(histograms.at(-1)!, limit), [event]: Number(truth > limit) };
}

/** The columns of the families and of a decision about images, or the decisions about lesions. */
export interface FurtherScores {
  readonly columns: Readonly<Columns>;
  readonly decisions?: LesionDecisions;
}

/** Returns what the options name beside the usual scores. */
export async function furtherScores(found: FurtherCase): Promise<FurtherScores> {
  const { probs, labels: truth, options } = found;
  const { classes, ignore, signal, lesions: convention } = options;
  let labels: Promise<Labels> | undefined;
  const predicted = (): Promise<Labels> => {
    labels ??= argMax(probs, { signal });
    return labels;
  };
  let scores: Promise<readonly LesionScores[]> | undefined;
  const lesions = (): Promise<readonly LesionScores[]> => {
    const settings = { classes, ignore, signal, convention, probs, spacing: spacingOf(options) };
    scores ??= predicted()
      .then((labels) => lesionScores(labels, truth, settings))
      .then(([of]) => of!);
    return scores;
  };
  const columns: Columns = {};
  let at = 0;
  for (const name of wanted(options)) {
    const family = families[name];
    const begin = at;
    at += family.histograms?.(options).length ?? 0;
    const histograms = found.histograms.slice(begin, at);
    Object.assign(columns, await family.columns({ ...found, histograms, predicted, lesions }));
  }
  Object.assign(columns, decisionScores(found));
  const decision = options.decision === undefined ? undefined : parseDecision(options.decision);
  if (decision?.about !== "lesion") return { columns };
  return { columns, decisions: lesionDecisions(decision, await lesions()) };
}

const pixelVolume = (options: ScoreOptions): number =>
  (spacingOf(options) ?? []).reduce((volume, side) => volume * side, 1);

// The repository measures in pixels.
function spacingOf({
  convention = "reference",
  spacing,
}: Partial<ScoreOptions>): readonly number[] | undefined {
  return convention === "reference" ? undefined : spacing;
}

/** Returns the mean over the classes for which a score is defined and, with several classes, each. */
function byClass(column: string, scores: readonly number[]): Columns {
  const defined = scores.filter((score) => !Number.isNaN(score));
  const mean = defined.reduce((sum, score) => sum + score, 0) / defined.length;
  if (scores.length === 1) return { [column]: mean };
  return {
    [column]: mean,
    ...Object.fromEntries(scores.map((score, c) => [`${column} class ${c + 1}`, score])),
  };
}
