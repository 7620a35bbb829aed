import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import { overClasses } from "./prediction.js";
import { crossEntropyTerm, firstMaximum, plus } from "./terms.js";

export interface DcaOptions {
  readonly preset?: "original";
  /** The weight of the calibration term; default 1. */
  readonly beta?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const dcaPresets: PresetSchemas = { original: { beta: weight, ignore } };

/**
 * Returns CE + beta * |mean_pix max_c p_c - mean_pix [argmax_c p_c = y]|, the difference of confidence and
 * accuracy (Liang et al. 2020) over all pixels of a batch; the accuracy has no gradient. The term is one
 * number: too much confidence here makes up for too little there, and only CE asks for the truth.
 */
export function dca(options: DcaOptions = {}): Loss {
  const preset = checkOptions("dca", dcaPresets, options);
  const { beta = 1 } = options;
  return defineLoss({
    name: "dca",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const crossEntropy = crossEntropyTerm(prediction);
      const { value, at } = firstMaximum(prediction, prediction.probs);
      const correct = overClasses(ops.Where(at, prediction.oneHot, 0));
      const dca = ops.Abs(prediction.meanOverPixels(ops.Sub(value, correct)));
      return { loss: plus(crossEntropy, beta, dca), terms: { crossEntropy, dca } };
    },
  });
}
