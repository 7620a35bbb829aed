import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { boolean, checkOptions, ignore, type OptionSchema, type PresetSchemas, weight } from "./options.js";
import { meanOf } from "./prediction.js";
import { softCounts, tverskyIndex } from "./soft-counts.js";
import { power } from "./terms.js";

export interface TverskyOptions {
  readonly preset?: "original";
  /** The weight of false positives; default 0.3. */
  readonly falsePositiveWeight?: number;
  /** The weight of false negatives; default 0.7. */
  readonly falseNegativeWeight?: number;
  /** The power of 1 - index, 0.75 in the focal Tversky loss; default 1. */
  readonly focus?: number;
  /** The number added to numerator and denominator; default 1e-5. */
  readonly smooth?: number;
  /** Whether class 0 takes part; default true. */
  readonly includeBackground?: boolean;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const positive: OptionSchema = { type: "number", above: 0 };
export const tverskyPresets: PresetSchemas = {
  original: {
    falsePositiveWeight: weight,
    falseNegativeWeight: weight,
    focus: positive,
    smooth: positive,
    includeBackground: boolean,
    ignore,
  },
};

/**
 * Returns the mean over samples and classes of (1 - T)^focus, T = TP / (TP + a FP + b FN) of soft counts
 * (Salehi et al. 2017; with focus, Abraham and Khan 2019). With a = b = 1/2 it is Dice. Like Dice it drives
 * p to 0 or 1, with a threshold that moves with a and b: its minimiser is no probability.
 */
export function tversky(options: TverskyOptions = {}): Loss {
  const preset = checkOptions("tversky", tverskyPresets, options);
  const { falsePositiveWeight = 0.3, falseNegativeWeight = 0.7, focus = 1, smooth = 1e-5 } = options;
  const { includeBackground } = options;
  return defineLoss({
    name: "tversky",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const counts = softCounts(prediction, { includeBackground });
      const index = tverskyIndex(counts, falsePositiveWeight, falseNegativeWeight, smooth);
      const loss = meanOf(power(ops.Sub(1, index), focus));
      return { loss, terms: { tversky: loss } };
    },
  });
}
