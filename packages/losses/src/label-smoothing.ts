import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type OptionSchema, type PresetSchemas } from "./options.js";
import { smoothedCrossEntropy } from "./terms.js";

export interface LabelSmoothingOptions {
  /**
   * `original`: alpha / K goes to every class; `reference` (the SDC repository): alpha
   * / (K - 1) to every other one.
   */
  readonly preset?: "original" | "reference";
  /** Probability taken from the label, from 0 to below 1; default 0.1. */
  readonly alpha?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const alpha: OptionSchema = { type: "number", atLeast: 0, below: 1 };
export const labelSmoothingPresets: PresetSchemas = { original: { alpha, ignore }, reference: { alpha } };

/** Returns cross-entropy with the target (1 - a) q + a / K for K classes (Szegedy et al. 2016). */
export function labelSmoothing(options: LabelSmoothingOptions = {}): Loss {
  const preset = checkOptions("labelSmoothing", labelSmoothingPresets, options);
  return defineLoss({
    name: "labelSmoothing",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const loss = smoothedCrossEntropy(prediction, options.alpha ?? 0.1, preset === "reference");
      return { loss, terms: { crossEntropy: loss } };
    },
  });
}
