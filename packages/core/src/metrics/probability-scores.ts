import type { ProbabilityScoreOptions, ProbabilityScoreSums } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkBoolean } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type DeviceOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import { type PixelSelection, probabilityMaps } from "../kernels/probability-maps.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";

/** The sums of proper scores over pixels; adding two gives the sums of both sets of pixels. */
export interface ProbabilityScores {
  readonly classes: number;
  /** The number of pixels, or the sum of their weights. */
  readonly total: number;
  /** The sum of sum_c (p_c - [label = c])^2. */
  readonly brierSum: number;
  /** The sum of -ln max(p_label, floor). */
  readonly logLossSum: number;
  /** The number of pixels, unweighted, whose p_label was below the floor. */
  readonly bounded: number;
}

export interface ProbabilityScoresOptions extends PixelSelection, DeviceOption {
  /** The weights `[N, ...spatial]`, at least 0. */
  readonly weights?: Tensor<"float32">;
  /**
   * The least p_label the log loss uses, so that one label of probability 0 does not make it infinite: 0
   * (default, no bound) or a number from 2.3e-308 to below 1. `bounded` counts the affected pixels.
   */
  readonly floor?: number;
}

const names = optionNames<ProbabilityScoresOptions>({
  device: true,
  signal: true,
  ignore: true,
  mask: true,
  weights: true,
  floor: true,
});
const brierNames = optionNames<{ readonly meanOverClasses?: boolean }>({ meanOverClasses: true });

/**
 * Sums Brier scores and log losses of probabilities `[N, C, ...spatial]` against labels `[N, ...spatial]`.
 */
export async function probabilityScores(
  probs: Probabilities,
  labels: Labels,
  options: ProbabilityScoresOptions = {},
): Promise<ProbabilityScores> {
  const request = scoresRequest(probs, labels, options);
  return scoresOf(request.classes, await call(native.probabilityScores, request, options.signal));
}

/** Runs {@link probabilityScores} on the calling thread. */
export function probabilityScoresSync(
  probs: Probabilities,
  labels: Labels,
  options: ProbabilityScoresOptions = {},
): ProbabilityScores {
  const request = scoresRequest(probs, labels, options);
  return scoresOf(
    request.classes,
    callSync(() => native.probabilityScoresSync(request)),
  );
}

/** Throws unless `floor` is absent, 0 or a number that can bound probabilities. */
export function checkFloor(floor: number | undefined): void {
  if (floor === undefined || floor === 0) return;
  if (!(typeof floor === "number" && floor >= 2.3e-308 && floor < 1)) {
    throw invalidArgument("floor", "0 or a number from 2.3e-308 to below 1", floor);
  }
}

function scoresRequest(
  probs: Probabilities,
  labels: Labels,
  options: ProbabilityScoresOptions,
): ProbabilityScoreOptions {
  checkOptions("options", options, names);
  checkCall(options);
  checkFloor(options.floor);
  // Fields are named one by one, because V8 reads objects that start with a spread slowly.
  const maps = probabilityMaps(probs, labels, options, options.weights);
  const { device, batch, classes, pixels, ignore, mask, weights } = maps;
  const { floor } = options;
  return {
    probs: maps.probs,
    labels: maps.labels,
    device,
    batch,
    classes,
    pixels,
    ignore,
    mask,
    weights,
    floor,
  };
}

function scoresOf(classes: number, sums: ProbabilityScoreSums): ProbabilityScores {
  const { total, brier, logLoss, bounded } = sums;
  return { classes, total, brierSum: brier, logLossSum: logLoss, bounded };
}

/**
 * Returns the Brier score, the mean over pixels of sum_c (p_c - [label = c])^2, in [0, 2]; with
 * `meanOverClasses` divided by the number of classes. NaN without pixels.
 */
export function brierScore(
  scores: ProbabilityScores,
  options: { readonly meanOverClasses?: boolean } = {},
): number {
  checkScores(scores);
  checkOptions("options", options, brierNames);
  checkBoolean("meanOverClasses", options.meanOverClasses);
  return scores.brierSum / scores.total / (options.meanOverClasses ? scores.classes : 1);
}

/**
 * Returns the mean over pixels of -ln p_label, bounded where the scores have a `floor`; otherwise Infinity
 * when any label has probability 0. NaN without pixels.
 */
export function negativeLogLikelihood(scores: ProbabilityScores): number {
  checkScores(scores);
  return scores.logLossSum / scores.total;
}

function checkScores(scores: ProbabilityScores): void {
  const names = ["classes", "total", "brierSum", "logLossSum"] as const;
  if (
    typeof scores !== "object" ||
    scores === null ||
    names.some((name) => typeof scores[name] !== "number")
  ) {
    throw invalidArgument("scores", "sums returned by probabilityScores", scores);
  }
}
