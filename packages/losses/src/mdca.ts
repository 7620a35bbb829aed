import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import { meanOf, sumOver } from "./prediction.js";
import { crossEntropyTerm, plus } from "./terms.js";

export interface MdcaOptions {
  readonly preset?: "original";
  /** The weight of the calibration term; default 1. */
  readonly beta?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const mdcaPresets: PresetSchemas = { original: { beta: weight, ignore } };

/**
 * Returns CE + beta * mean_c |mean_pix p_c - mean_pix q_c|, the multi-class difference of confidence and
 * accuracy (Hebbalaguppe et al., CVPR 2022) over all pixels of a batch. The term is 0 at the truth and at
 * every prediction with the right share of each class: it is least at the truth together with CE.
 */
export function mdca(options: MdcaOptions = {}): Loss {
  const preset = checkOptions("mdca", mdcaPresets, options);
  const { beta = 1 } = options;
  return defineLoss({
    name: "mdca",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { probs, oneHot, spatial } = prediction;
      const crossEntropy = crossEntropyTerm(prediction);
      const gap = sumOver(ops.Sub(prediction.masked(probs), oneHot), [0, ...spatial]);
      const mdca = meanOf(ops.Div(ops.Abs(gap), prediction.count));
      return { loss: plus(crossEntropy, beta, mdca), terms: { crossEntropy, mdca } };
    },
  });
}
