import { ops } from "@pixelcal/graph";
import { type BuiltLoss, defineLoss, type Loss } from "./loss.js";
import { checkOptions, choice, ignore, type OptionSchema, type PresetSchemas, weight } from "./options.js";
import type { Prediction } from "./prediction.js";
import {
  crossEntropyTerm,
  firstMaximum,
  type MarginPenalty,
  marginTerm,
  plus,
  smoothedCrossEntropy,
} from "./terms.js";

export interface MblsOptions {
  /**
   * `reference` is what the SDC repository calls MbLS: label smoothing by `alpha` and a penalty on margins
   * between the two largest logits that are too SMALL, the opposite direction of the paper's.
   */
  readonly preset?: "original" | "reference";
  /** The margin, in logits; default 10. */
  readonly margin?: number;
  /** Weight of the penalty (`reference`: the label smoothing); default 0.1. */
  readonly alpha?: number;
  /** The penalty's form; default "hinge", the paper's. */
  readonly penalty?: MarginPenalty;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const smoothing: OptionSchema = { type: "number", atLeast: 0, below: 1 };
export const mblsPresets: PresetSchemas = {
  original: { margin: weight, alpha: weight, penalty: choice("hinge", "squared-hinge", "squared"), ignore },
  reference: { margin: weight, alpha: smoothing },
};

/**
 * CE + alpha * mean_all relu(max_c z_c - z_k - margin): margin-based label smoothing (Liu et al., CVPR 2022).
 */
export function mbls(options: MblsOptions = {}): Loss {
  const { margin = 10, alpha = 0.1, penalty } = options;
  const preset = checkOptions("mbls", mblsPresets, options);
  return defineLoss({
    name: "mbls",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      if (preset === "reference") return referenceMbls(prediction, margin, alpha);
      const crossEntropy = crossEntropyTerm(prediction);
      const term = marginTerm(prediction, margin, penalty);
      return { loss: plus(crossEntropy, alpha, term), terms: { crossEntropy, margin: term } };
    },
  });
}

function referenceMbls(prediction: Prediction, margin: number, alpha: number): BuiltLoss {
  const { logits } = prediction;
  const crossEntropy = smoothedCrossEntropy(prediction, alpha, true);
  const largest = firstMaximum(prediction, logits);
  const runnerUp = firstMaximum(prediction, ops.Where(largest.at, lowest, logits));
  const gap = ops.Sub(largest.value, runnerUp.value);
  const term = prediction.meanOverPixels(ops.Relu(ops.Sub(margin, gap)));
  return { loss: plus(crossEntropy, 1e-3, term), terms: { crossEntropy, margin: term } };
}

// Below every finite float32 logit that matters; infinity would make 0 * infinity in a gradient.
const lowest = -3e38;
