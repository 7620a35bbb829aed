import { ops, type Value } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type OptionSchema, type PresetSchemas } from "./options.js";
import { meanOf, overClasses, type Prediction } from "./prediction.js";
import { softCounts, tverskyIndex } from "./soft-counts.js";
import { otherProbs, plus, power } from "./terms.js";

export interface UnifiedFocalOptions {
  readonly preset?: "original";
  /** The share of the Tversky part; default 0.5. */
  readonly weight?: number;
  /**
   * The share that false negatives have in the Tversky part, and the foreground in the focal; default 0.6.
   */
  readonly delta?: number;
  /** The exponent that favours rare foreground and suppresses easy background, below 1; default 0.5. */
  readonly gamma?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const share: OptionSchema = { type: "number", atLeast: 0, below: 1 };
export const unifiedFocalPresets: PresetSchemas = {
  original: { weight: share, delta: share, gamma: share, ignore },
};

const smooth = 1e-7;

/**
 * Returns weight * FTL + (1 - weight) * FL, the asymmetric unified focal loss (Yeung et al. 2022). With T_c
 * the Tversky index of a class, FTL is the mean over samples and classes of 1 - T_0 and (1 - T_c)^(1 -
 * gamma); FL is the mean over pixels of delta * -log p_y on the foreground and (1 - delta) (1 - p_0)^gamma
 * * -log p_0 on the background. Its authors have two classes; here every class but 0 is foreground. Its
 * minimiser favours the foreground and is no probability.
 */
export function unifiedFocal(options: UnifiedFocalOptions = {}): Loss {
  const preset = checkOptions("unifiedFocal", unifiedFocalPresets, options);
  const { weight = 0.5, delta = 0.6, gamma = 0.5 } = options;
  return defineLoss({
    name: "unifiedFocal",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const tversky = tverskyTerm(prediction, delta, gamma);
      const focal = focalTerm(prediction, delta, gamma);
      const loss = plus(ops.Mul(tversky, weight), 1 - weight, focal);
      return { loss, terms: { tversky, focal } };
    },
  });
}

function tverskyTerm(prediction: Prediction, delta: number, gamma: number): Value {
  const { classes } = prediction;
  const apart = ops.Sub(1, tverskyIndex(softCounts(prediction, {}), 1 - delta, delta, smooth));
  const background = ops.Slice(apart, [0], [1], [1]);
  const others = power(ops.Slice(apart, [1], [classes], [1]), 1 - gamma);
  return meanOf(ops.Concat([background, others], 1));
}

function focalTerm(prediction: Prediction, delta: number, gamma: number): Value {
  const { classes, oneHot, logProbs, probs } = prediction;
  const surprise = ops.Neg(ops.Mul(oneHot, logProbs));
  const background = ops.Slice(surprise, [0], [1], [1]);
  const others = overClasses(ops.Slice(surprise, [1], [classes], [1]));
  const easy = gamma === 0 ? background : ops.Mul(background, power(otherProbs(probs, oneHot), gamma));
  return prediction.meanOverPixels(plus(ops.Mul(easy, 1 - delta), delta, others));
}
