import type { CalibrationBins, Labels, Probabilities } from "@pixelcal/core";
import {
  averageCalibrationError,
  boundaryCalibration,
  brierScore,
  calibratedPixelExpectedCalibrationError,
  calibrationHistograms,
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  falsePositiveBrierScore,
  maximumCalibrationError,
  negativeLogLikelihood,
  pixelExpectedCalibrationError,
  probabilityScores,
} from "@pixelcal/core";
import { furtherScores } from "./further-scores.js";
import { regionScores } from "./region-scores.js";
import type { ScoreOptions } from "./score-options.js";
import { type CaseSums, caseSums, keptLayouts } from "./statistics/case-sums.js";
import { boundaryError, keptRings, ringSums } from "./statistics/ring-sums.js";
import { together } from "./together.js";

/** The scores of a case, one number per column; NaN where undefined. */
export type Scores = Readonly<Record<string, number>>;

/** The pixels that the scores of a case leave out or bound. */
export interface PixelCounts {
  /** The number of pixels that are not ignored. */
  readonly counted: number;
  /**
   * The number of pixels in no bin of pECE and the foreground's ECE: under `reference` those with a
   * foreground probability of 0.
   */
  readonly unbinned: number;
  /** The number of pixels whose label has a probability below the floor of NLL. */
  readonly bounded: number;
}

/**
 * Scores one case: probabilities [C, ...spatial] against labels [...spatial], the paper's five columns first.
 */
export async function caseScores(
  probs: Probabilities,
  labels: Labels,
  options: ScoreOptions,
): Promise<{ readonly scores: Scores; readonly pixels: PixelCounts; readonly sums: CaseSums }> {
  const batch = { ...probs, dims: [1, ...probs.dims] };
  const truth = { ...labels, dims: [1, ...labels.dims] } as Labels;
  const reference = (options.convention ?? "reference") === "reference";
  // The repository measures in pixels.
  const spacing = reference ? undefined : options.spacing;
  const { bins, falsePositiveWeight, ignoreBackground = false, ignore, signal, percentile = 95 } = options;
  // The repository's bins (lo, hi] leave out p = 0, and with it every object that is missed with certainty.
  const includeLowest = !reference;
  const layouts = [
    { bins, includeLowest, squares: true },
    { bins, includeLowest, of: "top-label" },
    { bins, includeLowest, of: "classes", threshold: reference ? 1e-3 : undefined },
    // All that fpBrier needs, whatever the bins of the others.
    { bins: 2, squares: true },
    ...keptLayouts,
  ] as const;
  const [{ main, classes, overlaps }, histograms, proper, rings] = await together(
    () => regionScores(batch, truth, options),
    () => calibrationHistograms(batch, truth, layouts, { ignore, signal }),
    () => probabilityScores(batch, truth, { ignore, signal, floor: options.nllFloor }),
    () => boundaryCalibration(batch, truth, { ...keptRings, ignore, signal, spacing }),
  );
  const [foreground, topLabel, classBins, halves, keptTopLabel, keptClasses] = histograms as [
    CalibrationBins,
    CalibrationBins,
    CalibrationBins,
    CalibrationBins,
    CalibrationBins,
    CalibrationBins,
  ];
  const classwise = classwiseExpectedCalibrationError(classBins, { background: !ignoreBackground });
  const variant = reference ? "reference" : "outside";
  const further = percentile === 95 ? undefined : `HD${percentile}`;
  const scores = {
    DSC: main.DSC,
    HD95: main.HD95,
    ECE: expectedCalibrationError(reference ? foreground : topLabel),
    // In the repository the mean over no classes is 0.
    CECE: reference && Number.isNaN(classwise) ? 0 : classwise,
    pECE: pixelExpectedCalibrationError(foreground, { falsePositiveWeight, variant }),
    IoU: main.IoU,
    HD: main.HD,
    ...(further !== undefined && { [further]: main["HD percentile"] }),
    ASSD: main.ASSD,
    NSD: main.NSD,
    MCE: maximumCalibrationError(reference ? foreground : topLabel),
    ACE: averageCalibrationError(reference ? foreground : topLabel),
    "ECE foreground": expectedCalibrationError(foreground),
    "ECE top label": expectedCalibrationError(topLabel),
    Brier: brierScore(proper),
    NLL: negativeLogLikelihood(proper),
    "pECE if calibrated": calibratedPixelExpectedCalibrationError(foreground, {
      falsePositiveWeight,
      variant,
    }),
    "pECE excess": pixelExpectedCalibrationError(foreground, { falsePositiveWeight, variant: "excess" }),
    fpBrier: falsePositiveBrierScore(halves, { falsePositiveWeight }),
    "boundary ECE": boundaryError(rings),
    ...Object.fromEntries(
      classes.flatMap((scores, c): [string, number][] => [
        [`DSC class ${c + 1}`, scores.DSC],
        [`HD95 class ${c + 1}`, scores.HD95],
        ...(further === undefined
          ? []
          : [[`${further} class ${c + 1}`, scores["HD percentile"]] satisfies [string, number]]),
        [`NSD class ${c + 1}`, scores.NSD],
      ]),
    ),
  };
  const unit = spacing === undefined ? "px" : "mm";
  const sums = caseSums(keptTopLabel, keptClasses, overlaps, ringSums(rings, unit));
  const chosen = options.metrics === undefined ? {} : await furtherScores(batch, truth, rings, options);
  const pixels = {
    counted: foreground.total[0]!,
    unbinned: foreground.dropped[0]!,
    bounded: proper.bounded,
  };
  return { scores: { ...scores, ...chosen }, pixels, sums };
}
