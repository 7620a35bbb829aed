import { ops } from "@pixelcal/graph";
import { weightOfLabel } from "./class-weights.js";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, classWeights, ignore, type PresetSchemas } from "./options.js";
import { crossEntropyMap, crossEntropyTerm } from "./terms.js";

export interface CrossEntropyOptions {
  readonly preset?: "original";
  /** The weight w of each class; by default all are 1. */
  readonly classWeights?: readonly number[];
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const crossEntropyPresets: PresetSchemas = { original: { classWeights, ignore } };

/**
 * Returns cross-entropy, mean_pix(-log p_y) over the pixels whose label is not `ignore`; 0 if there are
 * none. With class weights it is sum(-w_y log p_y) / sum(w_y), as in PyTorch, whose minimiser is not the
 * posterior P but w_c P_c / sum_k w_k P_k.
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  const preset = checkOptions("crossEntropy", crossEntropyPresets, options);
  return defineLoss({
    name: "crossEntropy",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { classWeights } = options;
      if (classWeights === undefined) {
        const loss = crossEntropyTerm(prediction);
        return { loss, terms: { crossEntropy: loss } };
      }
      const weights = weightOfLabel("crossEntropy", prediction, classWeights);
      const sum = prediction.sum(ops.Mul(weights, crossEntropyMap(prediction, prediction.oneHot)));
      const total = prediction.sum(weights);
      // A batch without any weight has a sum of 0 too.
      const loss = ops.Div(sum, ops.Where(ops.Greater(total, 0), total, 1));
      return { loss, terms: { crossEntropy: loss } };
    },
  });
}
