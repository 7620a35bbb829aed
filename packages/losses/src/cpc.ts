import { invalidArgument } from "@pixelcal/core";
import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import { overClasses } from "./prediction.js";
import { crossEntropyTerm, plus } from "./terms.js";

export interface CpcOptions {
  readonly preset?: "original";
  /** The weight of the discrimination of the label's class from each other; default 0.1. */
  readonly discriminationWeight?: number;
  /** The weight of the exclusion of distinctions among the others; default 1. */
  readonly exclusionWeight?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const cpcPresets: PresetSchemas = {
  original: { discriminationWeight: weight, exclusionWeight: weight, ignore },
};

/**
 * Returns CE + discriminationWeight * BDC + exclusionWeight * BEC, calibration by pairwise constraints
 * (Cheng and Vasconcelos, CVPR 2022): BDC is the mean over the classes k other than the label's of -log
 * sigmoid(z_y - z_k), BEC half the mean over pairs j, k of those of -log sigmoid(z_j - z_k), which is least
 * where they are equal. As in its reference code the pairs j = k count, a constant. Needs 3 classes or
 * more.
 *
 * BEC asks that all classes but the label's be equally likely: no truth in which they are not is a
 * minimiser.
 */
export function cpc(options: CpcOptions = {}): Loss {
  const preset = checkOptions("cpc", cpcPresets, options);
  const { discriminationWeight = 0.1, exclusionWeight = 1 } = options;
  return defineLoss({
    name: "cpc",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { logits, classes, oneHot } = prediction;
      if (classes < 3) throw invalidArgument("classes", "at least 3 for cpc", classes);
      const others = ops.Sub(1, oneHot);
      const own = overClasses(ops.Mul(logits, oneHot));
      const apart = ops.Softplus(ops.Sub(logits, own));
      const discriminated = prediction.meanOverPixels(overClasses(ops.Mul(apart, others)));
      const discrimination = ops.Div(discriminated, classes - 1);
      const pairs = ops.Softplus(ops.Sub(ops.Unsqueeze(logits, [2]), ops.Unsqueeze(logits, [1])));
      const both = ops.Mul(ops.Unsqueeze(others, [2]), ops.Unsqueeze(others, [1]));
      const summed = ops.ReduceSum(ops.Mul(pairs, both), [1, 2], { keepdims: 0 });
      const excluded = prediction.meanOverPixels(ops.Unsqueeze(summed, [1]));
      const exclusion = ops.Div(excluded, 2 * (classes - 1) * (classes - 2));
      const crossEntropy = crossEntropyTerm(prediction);
      const loss = plus(plus(crossEntropy, discriminationWeight, discrimination), exclusionWeight, exclusion);
      return { loss, terms: { crossEntropy, discrimination, exclusion } };
    },
  });
}
