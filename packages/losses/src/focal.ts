import { ops } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, choice, ignore, type PresetSchemas, weight } from "./options.js";
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
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const focalPresets: PresetSchemas = {
  original: { gamma: weight, reduction: choice("pixels", "all", "sum"), ignore },
  reference: { gamma: weight },
};

/** Returns focal loss, mean_pix(-(1 - p_y)^gamma log p_y) (Lin et al. 2017), without class weights. */
export function focal(options: FocalOptions = {}): Loss {
  const { gamma = 3, reduction = "pixels" } = options;
  const preset = checkOptions("focal", focalPresets, options);
  return defineLoss({
    name: "focal",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const map = focalMap(prediction, gamma);
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
