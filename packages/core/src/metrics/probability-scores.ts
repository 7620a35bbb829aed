import { call, callSync, native } from "../binding.js";
import { checkBoolean } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkDevice, type DeviceOption } from "../device.js";
import { type PixelSelection, probabilityMaps } from "../probability-maps.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";

/** Sums of proper scores over pixels; adding two gives the sums of both sets of pixels. */
export interface ProbabilityScores {
  readonly classes: number;
  /** Pixels, or their weight. */
  readonly total: number;
  /** Sum of sum_c (p_c - [label = c])^2. */
  readonly brierSum: number;
  /** Sum of -ln p_label. */
  readonly logLossSum: number;
}

export interface ProbabilityScoresOptions extends PixelSelection, DeviceOption {
  /** `[N, ...spatial]`, at least 0. */
  readonly weights?: Tensor<"float32">;
}

const names = optionNames<ProbabilityScoresOptions>({
  device: true,
  ignore: true,
  mask: true,
  weights: true,
});
const brierNames = optionNames<{ readonly meanOverClasses?: boolean }>({ meanOverClasses: true });

/** Brier and log-loss sums of probabilities `[N, C, ...spatial]` against labels `[N, ...spatial]`. */
export async function probabilityScores(
  probs: Probabilities,
  labels: Labels,
  options: ProbabilityScoresOptions = {},
): Promise<ProbabilityScores> {
  checkOptions("options", options, names);
  checkDevice(options.device);
  const maps = probabilityMaps(probs, labels, options, options.weights);
  const { total, brier, logLoss } = await call(() => native.probabilityScores(maps));
  return { classes: maps.classes, total, brierSum: brier, logLossSum: logLoss };
}

/** {@link probabilityScores} on the calling thread. */
export function probabilityScoresSync(
  probs: Probabilities,
  labels: Labels,
  options: ProbabilityScoresOptions = {},
): ProbabilityScores {
  checkOptions("options", options, names);
  checkDevice(options.device);
  const maps = probabilityMaps(probs, labels, options, options.weights);
  const { total, brier, logLoss } = callSync(() => native.probabilityScoresSync(maps));
  return { classes: maps.classes, total, brierSum: brier, logLossSum: logLoss };
}

/**
 * Brier score, the mean over pixels of sum_c (p_c - [label = c])^2, in [0, 2]; with `meanOverClasses` divided by the
 * number of classes. NaN without pixels.
 */
export function brierScore(
  scores: ProbabilityScores,
  options: { readonly meanOverClasses?: boolean } = {},
): number {
  checkOptions("options", options, brierNames);
  checkBoolean("meanOverClasses", options.meanOverClasses);
  return scores.brierSum / scores.total / (options.meanOverClasses ? scores.classes : 1);
}

/** Mean over pixels of -ln p_label, without a floor: Infinity when any label was given probability 0, NaN without pixels. */
export function negativeLogLikelihood(scores: ProbabilityScores): number {
  return scores.logLossSum / scores.total;
}
