import type { ProbabilityScoreOptions, ProbabilityScoreSums } from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkBoolean } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkDevice, type DeviceOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import { type PixelSelection, probabilityMaps } from "../kernels/probability-maps.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";

/** Sums of proper scores over pixels; adding two gives the sums of both sets of pixels. */
export interface ProbabilityScores {
  readonly classes: number;
  /** Pixels, or their weight. */
  readonly total: number;
  /** Sum of sum_c (p_c - [label = c])^2. */
  readonly brierSum: number;
  /** Sum of -ln max(p_label, floor). */
  readonly logLossSum: number;
  /** Pixels, not their weight, whose p_label was below the floor. */
  readonly bounded: number;
}

export interface ProbabilityScoresOptions extends PixelSelection, DeviceOption {
  /** `[N, ...spatial]`, at least 0. */
  readonly weights?: Tensor<"float32">;
  /**
   * Bounds p_label from below in the log loss, so that one label of probability 0 does not make it infinite; 0 (default:
   * no bound) or a number from 2.3e-308 to below 1. `bounded` counts the pixels.
   */
  readonly floor?: number;
}

const names = optionNames<ProbabilityScoresOptions>({
  device: true,
  ignore: true,
  mask: true,
  weights: true,
  floor: true,
});
const brierNames = optionNames<{ readonly meanOverClasses?: boolean }>({ meanOverClasses: true });

/** Brier and log-loss sums of probabilities `[N, C, ...spatial]` against labels `[N, ...spatial]`. */
export async function probabilityScores(
  probs: Probabilities,
  labels: Labels,
  options: ProbabilityScoresOptions = {},
): Promise<ProbabilityScores> {
  const request = scoresRequest(probs, labels, options);
  return scoresOf(request.classes, await call(() => native.probabilityScores(request)));
}

/** {@link probabilityScores} on the calling thread. */
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
  checkDevice(options.device);
  checkFloor(options.floor);
  // Named one by one, as V8 reads an object that starts with a spread slowly.
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
 * Brier score, the mean over pixels of sum_c (p_c - [label = c])^2, in [0, 2]; with `meanOverClasses` divided by the
 * number of classes. NaN without pixels.
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
 * Mean over pixels of -ln p_label, bounded where the scores have a `floor`: without one Infinity when any label was given
 * probability 0. NaN without pixels.
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
    throw invalidArgument("scores", "the sums of probabilityScores", scores);
  }
}
