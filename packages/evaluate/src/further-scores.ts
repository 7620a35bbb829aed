import {
  argMax,
  type BoundaryBins,
  boundaryBand,
  calibrationConventions,
  calibrationHistograms,
  centerlineCounts,
  centerlineDice,
  confusionCounts,
  conventionalErrors,
  fittedTemperature,
  type Labels,
  labelSurfaceDistances,
  lesionScores,
  overlapCounts,
  type Probabilities,
  pixelRiskCoverage,
  regionVolumes,
  smoothCalibrationError,
  temperatureSketch,
} from "@pixelcal/core";
import { type FurtherMetric, furtherMetrics } from "./further-metrics.js";
import { emptyPolicyOf, type ScoreOptions } from "./score-options.js";
import { nearBoundary } from "./statistics/ring-sums.js";

/** A case as the families score it: arrays with a batch of 1. */
interface Scored {
  readonly probs: Probabilities;
  readonly labels: Labels;
  readonly rings: BoundaryBins;
  readonly options: ScoreOptions;
  predicted(): Promise<Labels>;
}

type Columns = Record<string, number>;

const families: Readonly<Record<FurtherMetric, (scored: Scored) => Promise<Columns>>> = {
  async boundary({ rings }) {
    const { gap, negativeLogLikelihood } = boundaryBand(rings, { from: -nearBoundary, to: nearBoundary });
    return { "boundary gap": gap, "boundary NLL": negativeLogLikelihood };
  },

  async centerline({ labels, options: { classes, ignore, signal }, predicted }) {
    const [counts] = await centerlineCounts(await predicted(), labels, { classes, ignore, signal });
    return byClass("clDice", counts!.map(centerlineDice));
  },

  async lesions({ probs, labels, options, predicted }) {
    const { classes, ignore, signal, lesions: convention } = options;
    const settings = { classes, ignore, signal, convention, probs, spacing: spacingOf(options) };
    const [scores] = await lesionScores(await predicted(), labels, settings);
    const columns = [
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
    return Object.assign(
      {},
      ...columns.map(([column, name]) =>
        byClass(
          column,
          scores!.map((of) => of[name]),
        ),
      ),
    );
  },

  async risk({ probs, labels, options: { ignore, signal } }) {
    const [bins] = await calibrationHistograms(probs, labels, [{ of: "top-label", bins: 4096 }], {
      ignore,
      signal,
    });
    const { aurc, augrc } = pixelRiskCoverage(bins!);
    return { AURC: aurc, AUGRC: augrc };
  },

  async smooth({ probs, labels, options: { ignore, signal, convention = "reference" } }) {
    const of = convention === "reference" ? "foreground" : "top-label";
    const [bins] = await calibrationHistograms(probs, labels, [{ of, bins: 2048 }], { ignore, signal });
    return { smECE: smoothCalibrationError(bins!) };
  },

  async surfaces({ labels, options, predicted }) {
    const { classes, ignore, signal, convention = "reference" } = options;
    const [surfaces] = await labelSurfaceDistances(await predicted(), labels, {
      classes,
      regions: Array.from({ length: classes - 1 }, (_, c) => [c + 1]),
      ignore,
      signal,
      spacing: spacingOf(options),
      convention: convention === "reference" ? "reference" : "monai",
      ...emptyPolicyOf(options),
    });
    return byClass(
      "MASD",
      surfaces!.map(({ aToB, bToA }) => (aToB + bToA) / 2),
    );
  },

  async temperature({ probs, labels, options: { ignore, signal } }) {
    return {
      temperature: fittedTemperature(await temperatureSketch(probs, labels, { ignore, signal })).temperature,
    };
  },

  async tools({ probs, labels, options: { ignore, signal } }) {
    const columns: Columns = {};
    for (const convention of calibrationConventions) {
      const errors = await conventionalErrors(probs, labels, { convention, ignore, signal });
      columns[`ECE ${convention}`] = errors.expected;
      if (errors.perClass.length > 0) columns[`CECE ${convention}`] = errors.classwise;
    }
    return columns;
  },

  async volumes({ labels, options, predicted }) {
    const { classes, ignore, signal } = options;
    const confusion = await confusionCounts(await predicted(), labels, { classes, ignore, signal });
    const pixel = (spacingOf(options) ?? []).reduce((volume, side) => volume * side, 1);
    const volumes = Array.from({ length: classes - 1 }, (_, c) =>
      regionVolumes(overlapCounts(confusion, c + 1), pixel),
    );
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
};

/**
 * Returns the columns of the families that the options name, for probabilities [1, C, ...spatial] with their
 * `rings` against labels [1, ...spatial].
 */
export async function furtherScores(
  probs: Probabilities,
  labels: Labels,
  rings: BoundaryBins,
  options: ScoreOptions,
): Promise<Readonly<Columns>> {
  let found: Promise<Labels> | undefined;
  const predicted = (): Promise<Labels> => {
    found ??= argMax(probs, { signal: options.signal });
    return found;
  };
  const columns: Columns = {};
  for (const name of furtherMetrics)
    if (options.metrics?.includes(name))
      Object.assign(columns, await families[name]({ probs, labels, rings, options, predicted }));
  return columns;
}

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
