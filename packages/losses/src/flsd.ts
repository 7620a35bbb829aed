import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas } from "./options.js";
import { overClasses } from "./prediction.js";
import { crossEntropyMap, otherProbs } from "./terms.js";

export interface FlsdOptions {
  readonly preset?: "original";
  /** The focusing exponent from p_y = 1/2; default 3. Below it is 3, below 1/5 it is 5. */
  readonly gamma?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const atLeastOne = { type: "number", atLeast: 1 } as const;
export const flsdPresets: PresetSchemas = { original: { gamma: atLeastOne, ignore } };

/**
 * Returns the sample-dependent focal loss FLSD-53, mean_pix(-(1 - p_y)^gamma(p_y) log p_y) (Mukhoti et al.,
 * NeurIPS 2020); the exponent has no gradient. Its minimiser, as that of any focal loss, is less confident
 * than the truth.
 */
export function flsd(options: FlsdOptions = {}): Loss {
  const preset = checkOptions("flsd", flsdPresets, options);
  const { gamma = 3 } = options;
  return defineLoss({
    name: "flsd",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { probs, oneHot } = prediction;
      const own = ops.StopGradient(overClasses(ops.Mul(probs, oneHot)));
      const others = otherProbs(probs, oneHot);
      const raised = ops.Where(
        ops.Less(own, 0.2),
        ops.Pow(others, 5),
        ops.Where(ops.Less(own, 0.5), ops.Pow(others, 3), ops.Pow(others, gamma)),
      );
      const loss = prediction.meanOverPixels(ops.Mul(raised, crossEntropyMap(prediction, oneHot)));
      return { loss, terms: { focal: loss } };
    },
  });
}
