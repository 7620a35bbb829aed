import type { MorphologyOp } from "@pixelcal/core";
import { type BuiltLoss, defineLoss, type Loss, softLabelsSpec } from "./loss.js";
import { neighborhoodTerm, type SoftTarget, softTarget } from "./neighborhood.js";
import { checkOptions, distance, ignore, morphology, type PresetSchemas, sigma, weight } from "./options.js";
import { crossEntropyTerm, type Distance, plus } from "./terms.js";

export interface SvlsOptions {
  /**
   * `original`: cross-entropy with spatially varying soft labels, 2-D and 3-D. `reference`: what
   * the SDC repository calls SVLS, CE plus a penalty on the distance of the probabilities from
   * closed and blurred class masks.
   */
  readonly preset?: "original" | "reference";
  /** The standard deviation of the Gaussian weights, in pixels; default 1 (`original` only). */
  readonly sigma?: number;
  /** The morphology of each class's mask before the window; default "none" (`original` only). */
  readonly morphology?: MorphologyOp | "none";
  /** Pixels with this label count nowhere (`original` only). */
  readonly ignore?: number;
  /** Weight of the penalty; default 0.1 (`reference` only). */
  readonly alpha?: number;
  /** The distance in the penalty; default "l1" (`reference` only). */
  readonly distance?: Distance;
}

export const svlsPresets: PresetSchemas = {
  original: { sigma, morphology, ignore },
  reference: { alpha: weight, distance },
};

/**
 * Returns mean_pix(-sum_c t_c log p_c), with t half the pixel's own label and half its Gaussian-weighted
 * neighbours': spatially varying label smoothing (Islam and Glocker, IPMI 2021).
 */
export function svls(options: SvlsOptions = {}): Loss {
  const preset = checkOptions("svls", svlsPresets, options);
  const { sigma, morphology, ignore, alpha = 0.1, distance = "l1" } = options;
  const reference = preset === "reference";
  const target: SoftTarget = reference
    ? { preset: "reference", morphology: "closing", kernel: "gaussian" }
    : { preset: "svls", sigma, morphology, ignore };
  return defineLoss({
    name: "svls",
    preset,
    ignore,
    specs: softLabelsSpec,
    async targets(labels, context) {
      return { softLabels: await softTarget(labels, target, context) };
    },
    terms(prediction, { softLabels }): BuiltLoss {
      if (!reference) {
        const loss = crossEntropyTerm(prediction, softLabels);
        return { loss, terms: { crossEntropy: loss } };
      }
      const crossEntropy = crossEntropyTerm(prediction);
      const localCalibration = neighborhoodTerm(prediction, softLabels, { of: "probs", distance });
      return { loss: plus(crossEntropy, alpha, localCalibration), terms: { crossEntropy, localCalibration } };
    },
  });
}
