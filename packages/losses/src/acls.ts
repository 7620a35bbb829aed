import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import { overClasses } from "./prediction.js";
import { crossEntropyTerm, plus } from "./terms.js";

export interface AclsOptions {
  readonly preset?: "original";
  /** The weight of both penalties; default 0.1. */
  readonly alpha?: number;
  /** The weight of the penalty on the largest logit; default 1. */
  readonly positiveWeight?: number;
  /** The weight of the penalty on the other logits; default 0.1. */
  readonly negativeWeight?: number;
  /** The margin in logits; default 10. */
  readonly margin?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const aclsPresets: PresetSchemas = {
  original: { alpha: weight, positiveWeight: weight, negativeWeight: weight, margin: weight, ignore },
};

/**
 * Returns CE + alpha * [positiveWeight * mean_pix relu(M - m)^2 + negativeWeight * mean over the other
 * classes of relu(sg(M) - z_k - m)^2], M the largest logit, m the margin and sg without gradient: adaptive
 * and conditional label smoothing (Park et al., ICCV 2023). Of equal largest logits all are penalised. The
 * first penalty is on the logit itself, so adding a constant to all logits changes the loss.
 *
 * While no logit is beyond its margin the loss is cross-entropy and its minimiser the truth.
 */
export function acls(options: AclsOptions = {}): Loss {
  const preset = checkOptions("acls", aclsPresets, options);
  const { alpha = 0.1, positiveWeight = 1, negativeWeight = 0.1, margin = 10 } = options;
  return defineLoss({
    name: "acls",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { logits, classes } = prediction;
      const largest = ops.StopGradient(ops.ReduceMax(logits, [1], { keepdims: 1 }));
      const isLargest = ops.Equal(logits, largest);
      const squares = (excess: typeof logits) => {
        const beyond = ops.Relu(ops.Sub(excess, margin));
        return ops.Mul(beyond, beyond);
      };
      const of = (positive: boolean, excess: typeof logits) => {
        const cost = squares(excess);
        return overClasses(positive ? ops.Where(isLargest, cost, 0) : ops.Where(isLargest, 0, cost));
      };
      const crossEntropy = crossEntropyTerm(prediction);
      const positive = prediction.meanOverPixels(of(true, logits));
      const others = prediction.meanOverPixels(of(false, ops.Sub(largest, logits)));
      const negative = ops.Div(others, classes - 1);
      const penalty = plus(ops.Mul(positive, positiveWeight), negativeWeight, negative);
      return { loss: plus(crossEntropy, alpha, penalty), terms: { crossEntropy, positive, negative } };
    },
  });
}
