import type { CalibrationBins, Labels, Probabilities, SurfaceDistances } from "@pixelcal/core";
import {
  argMax,
  averageCalibrationError,
  brierScore,
  calibrationHistograms,
  classwiseExpectedCalibrationError,
  confusionCounts,
  diceScore,
  expectedCalibrationError,
  intersectionOverUnion,
  invalidArgument,
  labelSurfaceDistances,
  maximumCalibrationError,
  negativeLogLikelihood,
  overlapCounts,
  pixelExpectedCalibrationError,
  probabilityScores,
} from "@pixelcal/core";

/**
 * What the five columns of the paper's table mean. `reference`: the SDC repository's evaluation number for number, all
 * foreground classes as one region, HD95 of both directions pooled and in pixels, an empty mask infinitely far away.
 * `consistent`: means over the foreground classes; Dice and distances are undefined where a class is in neither mask,
 * and a class in one mask only is the image's diagonal away; HD95 as MONAI, with spacing; ECE of the predicted class;
 * pECE with the false-positive offset outside of the absolute value.
 */
export type EvaluationConvention = "reference" | "consistent";

export const evaluationConventions: readonly EvaluationConvention[] = ["reference", "consistent"];

export interface ScoreOptions {
  readonly classes: number;
  /** "reference" by default. */
  readonly convention?: EvaluationConvention;
  /** Bins of the calibration errors; 10 by default. */
  readonly bins?: number;
  /** Weight of the false-positive offset of pECE; 2 by default. */
  readonly falsePositiveWeight?: number;
  /** Leaves class 0 out of CECE. */
  readonly ignoreBackground?: boolean;
  /** Pixels with this label count in nothing. */
  readonly ignore?: number;
  /** Physical size of a pixel per spatial axis, for distances; ones by default. */
  readonly spacing?: readonly number[];
}

/** Throws `InvalidArgumentError` for options that no case could be scored with. */
export function checkScoreOptions(
  options: Omit<ScoreOptions, "classes"> & { readonly classes?: number },
): void {
  const { classes, convention, bins = 10, falsePositiveWeight = 2, ignore = 0 } = options;
  if (convention !== undefined && !evaluationConventions.includes(convention))
    throw invalidArgument("convention", evaluationConventions.join(" or "), convention);
  if (classes !== undefined && !(Number.isInteger(classes) && classes >= 2))
    throw invalidArgument("classes", "an integer of 2 or more", classes);
  if (!(Number.isInteger(bins) && bins >= 1 && bins <= 1024))
    throw invalidArgument("bins", "an integer from 1 to 1024", bins);
  if (!(Number.isFinite(falsePositiveWeight) && falsePositiveWeight >= 0))
    throw invalidArgument("falsePositiveWeight", "a number of 0 or more", falsePositiveWeight);
  if (!Number.isSafeInteger(ignore)) throw invalidArgument("ignore", "an integer", ignore);
}

/** One number per column; NaN where it is not defined for the case. */
export type Scores = Readonly<Record<string, number>>;

/** What the scores of a case do not show. */
export interface PixelCounts {
  /** Pixels that are not ignored. */
  readonly counted: number;
  /** Pixels in no bin of pECE and the foreground's ECE: under `reference` those with a foreground probability of 0. */
  readonly unbinned: number;
}

/** Scores of one case: probabilities [C, ...spatial] against labels [...spatial], the paper's five columns first. */
export async function caseScores(
  probs: Probabilities,
  labels: Labels,
  options: ScoreOptions,
): Promise<{ readonly scores: Scores; readonly pixels: PixelCounts }> {
  const batch = { ...probs, dims: [1, ...probs.dims] };
  const truth = { ...labels, dims: [1, ...labels.dims] } as Labels;
  const regions = await regionScores(batch, truth, options);
  const reference = (options.convention ?? "reference") === "reference";
  const { bins, falsePositiveWeight, ignoreBackground = false, ignore } = options;
  // The repository's bins (lo, hi] leave out p = 0, and with it every object that is missed with certainty.
  const includeLowest = !reference;
  const layouts = [
    { bins, includeLowest },
    { bins, includeLowest, of: "top-label" },
    { bins, includeLowest, of: "classes", threshold: reference ? 1e-3 : undefined },
  ] as const;
  const [foreground, topLabel, classes] = (await calibrationHistograms(batch, truth, layouts, {
    ignore,
  })) as [CalibrationBins, CalibrationBins, CalibrationBins];
  const classwise = classwiseExpectedCalibrationError(classes, { background: !ignoreBackground });
  const proper = await probabilityScores(batch, truth, { ignore });
  const variant = reference ? "reference" : "outside";
  const main = reference ? regions.foreground : regions.mean;
  const counted = foreground.total[0]!;
  const pixels = { counted, unbinned: counted - foreground.count.reduce((sum, count) => sum + count, 0) };
  const scores = {
    DSC: main.DSC,
    HD95: main.HD95,
    ECE: expectedCalibrationError(reference ? foreground : topLabel),
    // The repository's mean over no classes is 0.
    CECE: reference && Number.isNaN(classwise) ? 0 : classwise,
    pECE: pixelExpectedCalibrationError(foreground, { falsePositiveWeight, variant }),
    IoU: main.IoU,
    HD: main.HD,
    ASSD: main.ASSD,
    NSD: main.NSD,
    MCE: maximumCalibrationError(reference ? foreground : topLabel),
    ACE: averageCalibrationError(reference ? foreground : topLabel),
    "ECE foreground": expectedCalibrationError(foreground),
    "ECE top label": expectedCalibrationError(topLabel),
    Brier: brierScore(proper),
    NLL: negativeLogLikelihood(proper),
    ...Object.fromEntries(
      regions.classes.flatMap((scores, c) => [
        [`DSC class ${c + 1}`, scores.DSC],
        [`HD95 class ${c + 1}`, scores.HD95],
      ]),
    ),
  };
  return { scores, pixels };
}

const measures = ["DSC", "IoU", "HD", "HD95", "ASSD", "NSD"] as const;
type RegionScores = Readonly<Record<(typeof measures)[number], number>>;

async function regionScores(
  probs: Probabilities,
  labels: Labels,
  { classes, convention = "reference", spacing, ignore }: ScoreOptions,
): Promise<{
  readonly foreground: RegionScores;
  readonly classes: readonly RegionScores[];
  readonly mean: RegionScores;
}> {
  const predicted = await argMax(probs);
  const confusion = await confusionCounts(predicted, labels, { classes, ignore });
  const reference = convention === "reference";
  const policy = reference ? { smooth: 1e-6 } : {};
  const foreground = Array.from({ length: classes - 1 }, (_, c) => c + 1);
  const [surfaces] = await labelSurfaceDistances(predicted, labels, {
    classes,
    regions: [foreground, ...foreground.map((c) => [c])],
    ignore,
    ...(reference ? {} : { convention: "monai", bothEmpty: "undefined", oneEmpty: "diagonal", spacing }),
  });
  const scores = (region: number | "foreground", { hd, hd95, assd, nsd }: SurfaceDistances): RegionScores => {
    const counts = overlapCounts(confusion, region);
    return {
      DSC: diceScore(counts, policy),
      IoU: intersectionOverUnion(counts, policy),
      HD: hd,
      HD95: hd95,
      ASSD: assd,
      NSD: nsd,
    };
  };
  const each = foreground.map((c) => scores(c, surfaces![c]!));
  const mean = Object.fromEntries(
    measures.map((measure) => [measure, meanOf(each.map((score) => score[measure]))]),
  ) as RegionScores;
  return { foreground: scores("foreground", surfaces![0]!), classes: each, mean };
}

/** Mean of the defined values, NaN when there is none. */
function meanOf(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}
