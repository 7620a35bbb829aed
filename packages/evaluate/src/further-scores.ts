import {
  type BoundaryBins,
  boundaryBand,
  type CalibrationBins,
  type CalibrationConvention,
  type CaseHistogram,
  type CaseScorerOptions,
  type CenterlineCounts,
  calibrationConventions,
  centerlineDice,
  conventionErrors,
  conventionHistograms,
  fittedTemperature,
  type LesionScores,
  type OverlapCounts,
  pixelRiskAreas,
  regionVolumes,
  type SurfaceDistances,
  smoothCalibrationError,
  type TemperatureSketch,
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

/** A case as the families score it: what was found in the pass over it. */
export interface FurtherCase {
  readonly options: ScoreOptions;
  readonly rings: BoundaryBins;
  /** The histograms of {@link furtherHistograms}. */
  readonly histograms: readonly CalibrationBins[];
  /** The overlap of every class, the background first, and the surfaces of every other class. */
  readonly overlaps: readonly OverlapCounts[];
  readonly surfaces: readonly SurfaceDistances[];
  /** The results that {@link furtherParts} asks for. */
  readonly temperature: TemperatureSketch | undefined;
  readonly lesions: readonly LesionScores[];
  readonly centerlines: readonly CenterlineCounts[];
}

type Columns = Record<string, number>;

/** A family's histograms, which {@link FurtherCase.histograms} then has alone, and its columns. */
interface Family {
  histograms?(options: ScoreOptions): readonly CaseHistogram[];
  columns(scored: FurtherCase): Columns;
}

/** The number of bins of scores without bins of their own, which share them where they are of the same p. */
const fineBins = 4096;

const toolHistograms = (tool: CalibrationConvention, { classes }: ScoreOptions): readonly CaseHistogram[] =>
  conventionHistograms(tool, classes).map((bins) =>
    tool === "marginloss" ? { ...bins, pixels: "objects" } : bins,
  );

const families: Readonly<Record<FurtherMetric, Family>> = {
  boundary: {
    columns({ rings }) {
      const { gap, negativeLogLikelihood } = boundaryBand(rings, { from: -nearBoundary, to: nearBoundary });
      return { "boundary gap": gap, "boundary NLL": negativeLogLikelihood };
    },
  },

  centerline: {
    columns({ centerlines }) {
      return byClass("clDice", centerlines.map(centerlineDice));
    },
  },

  lesions: {
    columns({ lesions }) {
      return Object.assign(
        {},
        ...lesionColumns.map(([column, name]) =>
          byClass(
            column,
            lesions.map((of) => of[name]),
          ),
        ),
      );
    },
  },

  risk: {
    histograms: () => [{ of: "top-label", bins: fineBins }],
    columns({ histograms }) {
      const { aurc, augrc } = pixelRiskAreas(histograms[0]!);
      return { AURC: aurc, AUGRC: augrc };
    },
  },

  smooth: {
    histograms: ({ convention = "reference" }) => [
      { of: convention === "reference" ? "foreground" : "top-label", bins: fineBins },
    ],
    columns({ histograms }) {
      return { smECE: smoothCalibrationError(histograms[0]!) };
    },
  },

  surfaces: {
    columns({ surfaces }) {
      return byClass(
        "MASD",
        surfaces.map(({ aToB, bToA }) => (aToB + bToA) / 2),
      );
    },
  },

  temperature: {
    columns({ temperature }) {
      return { temperature: fittedTemperature(temperature!).temperature };
    },
  },

  tools: {
    histograms: (options) => calibrationConventions.flatMap((tool) => toolHistograms(tool, options)),
    columns({ options, histograms }) {
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
    columns({ overlaps, options }) {
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

/** Returns what the families and the decision of the options read of a case beside histograms. */
export function furtherParts(
  options: ScoreOptions,
): Pick<CaseScorerOptions, "temperature" | "lesions" | "centerlines"> {
  const names = wanted(options);
  const decision = decisionOf(options);
  const lesions = names.includes("lesions") || decision?.about === "lesion";
  return {
    temperature: names.includes("temperature"),
    centerlines: names.includes("centerline"),
    lesions: lesions ? { convention: options.lesions } : undefined,
  };
}

/** Returns the decision that the options name; undefined if they name none. */
const decisionOf = ({ decision }: ScoreOptions): Decision | undefined =>
  decision === undefined ? undefined : parseDecision(decision);

/** Returns the decision about images that the options name; undefined if they name none. */
function imageDecision(options: ScoreOptions): Decision | undefined {
  const decision = decisionOf(options);
  return decision?.about === "image" ? decision : undefined;
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
export function furtherScores(found: FurtherCase): FurtherScores {
  const { options } = found;
  const columns: Columns = {};
  let at = 0;
  for (const name of wanted(options)) {
    const family = families[name];
    const begin = at;
    at += family.histograms?.(options).length ?? 0;
    const histograms = found.histograms.slice(begin, at);
    Object.assign(columns, family.columns({ ...found, histograms }));
  }
  Object.assign(columns, decisionScores(found));
  const decision = decisionOf(options);
  if (decision?.about !== "lesion") return { columns };
  return { columns, decisions: lesionDecisions(decision, found.lesions) };
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
