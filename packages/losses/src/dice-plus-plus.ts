import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { boolean, checkOptions, ignore, type OptionSchema, type PresetSchemas } from "./options.js";
import { meanOf } from "./prediction.js";
import { softCounts, tverskyIndex } from "./soft-counts.js";

export interface DicePlusPlusOptions {
  readonly preset?: "original";
  /** The power of a pixel's error, at least 1; default 2. */
  readonly gamma?: number;
  /** The number added to numerator and denominator; default 1e-7. */
  readonly smooth?: number;
  /** Whether class 0 takes part; default true. */
  readonly includeBackground?: boolean;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const atLeastOne: OptionSchema = { type: "number", atLeast: 1 };
const positive: OptionSchema = { type: "number", above: 0 };
export const dicePlusPlusPresets: PresetSchemas = {
  original: { gamma: atLeastOne, smooth: positive, includeBackground: boolean, ignore },
};

/**
 * Returns DSC++, 1 - mean over samples and classes of (2 TP + s) / (2 TP + FP + FN + s) with FP = sum ((1 -
 * q) p)^gamma and FN = sum (q (1 - p))^gamma (Yeung et al. 2022, "Calibrating the Dice loss"). gamma 1 is
 * Dice. Its errors cost less the smaller they are, so its minimiser stays off 0 and 1; it is still no
 * probability.
 */
export function dicePlusPlus(options: DicePlusPlusOptions = {}): Loss {
  const preset = checkOptions("dicePlusPlus", dicePlusPlusPresets, options);
  const { gamma = 2, smooth = 1e-7, includeBackground } = options;
  return defineLoss({
    name: "dicePlusPlus",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const counts = softCounts(prediction, { includeBackground, gamma });
      const loss = ops.Sub(1, meanOf(tverskyIndex(counts, 0.5, 0.5, smooth / 2)));
      return { loss, terms: { dice: loss } };
    },
  });
}
