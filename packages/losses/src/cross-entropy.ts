import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas } from "./options.js";
import { crossEntropyTerm } from "./terms.js";

export interface CrossEntropyOptions {
  readonly preset?: "original";
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const crossEntropyPresets: PresetSchemas = { original: { ignore } };

/**
 * Returns cross-entropy, mean_pix(-log p_y) over the pixels whose label is not `ignore`; 0 if there are none.
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  const preset = checkOptions("crossEntropy", crossEntropyPresets, options);
  return defineLoss({
    name: "crossEntropy",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const loss = crossEntropyTerm(prediction);
      return { loss, terms: { crossEntropy: loss } };
    },
  });
}
