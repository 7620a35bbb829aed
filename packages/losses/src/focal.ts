import { ops } from "@pixelcal/graph";
import { weightOfLabel } from "./class-weights.js";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, choice, classWeights, ignore, type PresetSchemas, weight } from "./options.js";
import { focalMap } from "./terms.js";

export interface FocalOptions {
  /** `reference` (the SDC repository) is the same loss, reduced over pixels. */
  readonly preset?: "original" | "reference";
  /** Focusing exponent; default 3. */
  readonly gamma?: number;
  /**
   * Mean over pixels (default), over pixels and classes (MONAI with softmax, C times smaller), or the sum.
   */
  readonly reduction?: "pixels" | "all" | "sum";
  /** The weight w of each class (Lin et al.'s alpha); by default all are 1. */
  readonly classWeights?: readonly number[];
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const focalPresets: PresetSchemas = {
  original: { gamma: weight, reduction: choice("pixels", "all", "sum"), classWeights, ignore },
  reference: { gamma: weight },
};

/**
 * Returns focal loss, mean_pix(-w_y (1 - p_y)^gamma log p_y) (Lin et al. 2017). Its minimiser is less
 * confident than the truth, the more so the larger gamma.
 */
export function focal(options: FocalOptions = {}): Loss {
  const { gamma = 3, reduction = "pixels" } = options;
  const preset = checkOptions("focal", focalPresets, options);
  return defineLoss({
    name: "focal",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { classWeights } = options;
      const plain = focalMap(prediction, gamma);
      const map =
        classWeights === undefined ? plain : ops.Mul(plain, weightOfLabel("focal", prediction, classWeights));
      const mean = () => prediction.meanOverPixels(map);
      const loss =
        reduction === "sum"
          ? prediction.sum(prediction.masked(map))
          : reduction === "all"
            ? ops.Div(mean(), prediction.classes)
            : mean();
      return { loss, terms: { focal: loss } };
    },
  });
}
