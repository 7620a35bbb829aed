import {
  argMax,
  type BinOptions,
  type BoundaryBins,
  boundaryBand,
  type CalibrationBins,
  type CalibrationConvention,
  calibrationConventions,
  centerlineCounts,
  centerlineDice,
  conventionalErrors,
  conventionErrors,
  conventionHistograms,
  fittedTemperature,
  type Labels,
  lesionScores,
  type OverlapCounts,
  type Probabilities,
  pixelRiskCoverage,
  regionVolumes,
  type SurfaceDistances,
  smoothCalibrationError,
  temperatureSketch,
} from "@pixelcal/core";
import { decisionColumns, parseDecision, volumeProbability } from "./decision.js";
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
}

type Columns = Record<string, number>;

/** A family's histograms, which {@link Scored.histograms} then has alone, and its columns. */
interface Family {
  histograms?(options: ScoreOptions): readonly BinOptions[];
  columns(scored: Scored): Promise<Columns>;
}

/** The tools that count all pixels, so that their bins come with the others. */
const ofAllPixels = calibrationConventions.filter((tool) => tool !== "marginloss");

const toolHistograms = (tool: CalibrationConvention, { classes }: ScoreOptions): readonly BinOptions[] =>
  conventionHistograms(tool, classes);

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
    async columns({ probs, labels, options, predicted }) {
      const { classes, ignore, signal, lesions: convention } = options;
      const settings = { classes, ignore, signal, convention, probs, spacing: spacingOf(options) };
      const [scores] = await lesionScores(await predicted(), labels, settings);
      return Object.assign(
        {},
        ...lesionColumns.map(([column, name]) =>
          byClass(
            column,
            scores!.map((of) => of[name]),
          ),
        ),
      );
    },
  },

  risk: {
    histograms: () => [{ of: "top-label", bins: 4096 }],
    async columns({ histograms }) {
      const { aurc, augrc } = pixelRiskCoverage(histograms[0]!);
      return { AURC: aurc, AUGRC: augrc };
    },
  },

  smooth: {
    histograms: ({ convention = "reference" }) => [
      { of: convention === "reference" ? "foreground" : "top-label", bins: 2048 },
    ],
    async columns({ histograms }) {
      return { smECE: smoothCalibrationError(histograms[0]!) };
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
    histograms: (options) => ofAllPixels.flatMap((tool) => toolHistograms(tool, options)),
    async columns({ probs, labels, options, histograms }) {
      const { ignore, signal } = options;
      const columns: Columns = {};
      let at = 0;
      for (const tool of calibrationConventions) {
        const count = toolHistograms(tool, options).length;
        const errors =
          tool === "marginloss"
            ? await conventionalErrors(probs, labels, { convention: tool, ignore, signal })
            : conventionErrors(tool, histograms.slice(at, at + count));
        if (tool !== "marginloss") at += count;
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
export const furtherHistograms = (options: ScoreOptions): readonly BinOptions[] => [
  ...wanted(options).flatMap((name) => families[name].histograms?.(options) ?? []),
  ...(options.decision === undefined ? [] : [{ of: "foreground", bins: 4096 } as const]),
];

/** Returns the columns of the decision that the options name. */
function decisionScores({ histograms, overlaps, options }: FurtherCase): Columns {
  if (options.decision === undefined) return {};
  const decision = parseDecision(options.decision);
  const { score, event } = decisionColumns(decision);
  const limit = decision.volumeAbove / pixelVolume(options);
  const truth = overlaps.slice(1).reduce((sum, own) => sum + own.truePositive + own.falseNegative, 0);
  return { [score]: volumeProbability(histograms.at(-1)!, limit), [event]: Number(truth > limit) };
}

/** Returns the columns of the families and of the decision that the options name. */
export async function furtherScores(found: FurtherCase): Promise<Readonly<Columns>> {
  const { probs, options } = found;
  let labels: Promise<Labels> | undefined;
  const predicted = (): Promise<Labels> => {
    labels ??= argMax(probs, { signal: options.signal });
    return labels;
  };
  const columns: Columns = {};
  let at = 0;
  for (const name of wanted(options)) {
    const family = families[name];
    const begin = at;
    at += family.histograms?.(options).length ?? 0;
    const histograms = found.histograms.slice(begin, at);
    Object.assign(columns, await family.columns({ ...found, histograms, predicted }));
  }
  return { ...columns, ...decisionScores(found) };
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
