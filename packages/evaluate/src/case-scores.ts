import type {
  BoundaryBins,
  CalibrationBins,
  CaseScorer,
  CaseScores,
  Labels,
  Probabilities,
} from "@pixelcal/core";
import {
  averageCalibrationError,
  brierScore,
  calibratedPixelExpectedCalibrationError,
  classwiseExpectedCalibrationError,
  expectedCalibrationError,
  falsePositiveBrierScore,
  maximumCalibrationError,
  negativeLogLikelihood,
  pixelExpectedCalibrationError,
} from "@pixelcal/core";
import { caseScorer, usualHistograms } from "./case-scorers.js";
import type { LesionDecisions } from "./decision.js";
import { furtherScores } from "./further-scores.js";
import { type ObjectScores, objectScores } from "./region-scores.js";
import type { ScoreOptions } from "./score-options.js";
import { Semaphore } from "./semaphore.js";
import { type CaseSums, caseSums } from "./statistics/case-sums.js";
import { boundaryError, type RingSums, ringSums } from "./statistics/ring-sums.js";

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

/** The scores of one case, with what later figures over cases need. */
export interface ScoredCase {
  readonly scores: Scores;
  readonly pixels: PixelCounts;
  readonly sums: CaseSums;
  /** The hash of the labels. */
  readonly labels: string;
  /** The decisions about lesions, if the options name one. */
  readonly decisions?: LesionDecisions;
}

/** Scores cases by the options of an evaluation, each by one pass over its probabilities. */
export class ConventionScorer {
  readonly #options: ScoreOptions;
  readonly #scorer: CaseScorer;
  /** Two calls at a time fill each other's serial stretches; a third would only crowd the caches. */
  readonly #calls = new Semaphore(2);
  /** The number of histograms of every evaluation. */
  readonly #usual: number;

  /** Probabilities with sums outside of the closed range `sums` are an error. */
  constructor(options: ScoreOptions, sums?: readonly [number, number]) {
    this.#options = options;
    this.#scorer = caseScorer(options, sums);
    this.#usual = usualHistograms(options).length;
  }

  /** Scores probabilities [C, ...spatial] against labels [...spatial]. */
  async score(
    probs: Probabilities,
    labels: Labels,
    spacing: readonly number[] | undefined,
  ): Promise<ScoredCase> {
    const { convention = "reference", signal } = this.#options;
    const batch = { ...probs, dims: [1, ...probs.dims] };
    const truth = { ...labels, dims: [1, ...labels.dims] } as Labels;
    // The repository measures in pixels.
    const measured = convention === "reference" ? undefined : spacing;
    const found = await this.#calls.run(() =>
      this.#scorer.score(batch, truth, { spacing: measured, signal }),
    );
    const rings = found.rings[0]!;
    const objects = objectScores(found.confusion!, found.surfaces[0]![0]!, this.#options);
    const usual = found.histograms.slice(0, this.#usual);
    const unit = measured === undefined ? "px" : "mm";
    const table = tableOf({ ...found, histograms: usual }, objects, rings, unit, this.#options);
    if (this.#options.metrics === undefined && this.#options.decision === undefined) {
      this.#scorer.recycle(found);
      return table;
    }
    const { columns, ...decisions } = furtherScores({
      options: { ...this.#options, spacing },
      rings,
      histograms: found.histograms.slice(this.#usual),
      overlaps: objects.overlaps,
      surfaces: found.surfaces[0]![0]!.slice(0, this.#options.classes - 1),
      temperature: found.temperature,
      lesions: found.lesions[0] ?? [],
      centerlines: found.centerlines[0] ?? [],
    });
    this.#scorer.recycle(found);
    return { ...table, ...decisions, scores: { ...table.scores, ...columns } };
  }
}

/** Returns the scores of a case, whose histograms are the usual ones, the paper's five columns first. */
function tableOf(
  found: CaseScores,
  { main, classes, overlaps }: ObjectScores,
  rings: BoundaryBins,
  unit: RingSums["unit"],
  options: ScoreOptions,
): ScoredCase {
  const reference = (options.convention ?? "reference") === "reference";
  const { falsePositiveWeight, ignoreBackground = false, percentile = 95 } = options;
  const [foreground, topLabel, classBins, keptTopLabel, keptClasses, halves = foreground] =
    found.histograms as [
      CalibrationBins,
      CalibrationBins,
      CalibrationBins,
      CalibrationBins,
      CalibrationBins,
      CalibrationBins?,
    ];
  const proper = found.proper[0]!;
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
  const sums = caseSums(keptTopLabel, keptClasses, overlaps, ringSums(rings, unit));
  const pixels = {
    counted: foreground.total[0]!,
    unbinned: foreground.dropped[0]!,
    bounded: proper.bounded,
  };
  return { scores, pixels, sums, labels: found.hashes[0]! };
}
