import { ops, type Value } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import type { Prediction } from "./prediction.js";
import { brierMap, focalMap, otherProbs, plus, power } from "./terms.js";

export interface FocalCalibrationOptions {
  /**
   * `original`: gamma 2, weight 1, Brier summed over classes; `reference` (the SDC
   * repository): 3, 0.1, averaged.
   */
  readonly preset?: "original" | "reference";
  /** Focusing exponent. */
  readonly gamma?: number;
  /** The weight of the Brier term. */
  readonly weight?: number;
  /**
   * Weights each pixel's Brier score by (1 - p_y)^brierGamma, which gets no gradient
   * (SA-FCL); default: no weights.
   */
  readonly brierGamma?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const focalCalibrationPresets: PresetSchemas = {
  original: { gamma: weight, weight, brierGamma: weight, ignore },
  reference: { gamma: weight, weight },
};

/**
 * Returns mean_pix(focal + weight * sum_c (p_c - q_c)^2), the focal calibration loss FCL (arXiv 2410.18321).
 */
export function focalCalibration(options: FocalCalibrationOptions = {}): Loss {
  const preset = checkOptions("focalCalibration", focalCalibrationPresets, options);
  const defaults = preset === "reference" ? { gamma: 3, weight: 0.1 } : { gamma: 2, weight: 1 };
  const { gamma = defaults.gamma, weight: brierWeight = defaults.weight } = options;
  return defineLoss({
    name: "focalCalibration",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const focal = prediction.meanOverPixels(focalMap(prediction, gamma));
      const sum = prediction.meanOverPixels(weightedBrier(prediction, options.brierGamma));
      const brier = preset === "reference" ? ops.Div(sum, prediction.classes) : sum;
      return { loss: plus(focal, brierWeight, brier), terms: { focal, brier } };
    },
  });
}

function weightedBrier(prediction: Prediction, gamma: number | undefined): Value {
  const map = brierMap(prediction);
  if (gamma === undefined || gamma === 0) return map;
  const { probs, oneHot } = prediction;
  return ops.Mul(ops.StopGradient(power(otherProbs(probs, oneHot), gamma)), map);
}
