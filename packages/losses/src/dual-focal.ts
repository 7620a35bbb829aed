import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import { overClasses } from "./prediction.js";
import { crossEntropyMap, firstMaximum, otherProbs, power } from "./terms.js";

export interface DualFocalOptions {
  readonly preset?: "original";
  /** The focusing exponent; default 3. */
  readonly gamma?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const dualFocalPresets: PresetSchemas = { original: { gamma: weight, ignore } };

/**
 * Returns mean_pix(-(1 - p_y + p_j)^gamma log p_y), p_j the largest probability below p_y or 0 (Tao et al.,
 * ICML 2023, dual focal loss). Of equal p_j the first class has the gradient. Its minimiser is less
 * confident than the truth, less so than that of focal loss.
 */
export function dualFocal(options: DualFocalOptions = {}): Loss {
  const preset = checkOptions("dualFocal", dualFocalPresets, options);
  const { gamma = 3 } = options;
  return defineLoss({
    name: "dualFocal",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { probs, oneHot } = prediction;
      const own = overClasses(ops.Mul(probs, oneHot));
      const below = firstMaximum(prediction, ops.Where(ops.Less(probs, own), probs, 0)).value;
      const surprise = crossEntropyMap(prediction, oneHot);
      const gap = ops.Add(otherProbs(probs, oneHot), below);
      const map = gamma === 0 ? surprise : ops.Mul(power(gap, gamma), surprise);
      const loss = prediction.meanOverPixels(map);
      return { loss, terms: { focal: loss } };
    },
  });
}
