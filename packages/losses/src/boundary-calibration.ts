import { boundarySoftLabels } from "@pixelcal/core";
import { diceTerm } from "./dice.js";
import { defineLoss, type Loss, softLabelsSpec } from "./loss.js";
import { ignore, type OptionSchema, weight } from "./options.js";
import { crossEntropyTerm, distanceMap, plus } from "./terms.js";

/** The options of signed-distance calibration's preset `proper`. */
export interface BoundaryCalibrationOptions {
  /** Weight of soft Dice with the labels; default 0.25. */
  readonly dice?: number;
  /** Width in pixels of the soft target's transition at a boundary; default 0.35. 0 leaves labels hard. */
  readonly scale?: number;
  /** Share of the uniform distribution in the soft target, from 0 (default) to below 1. */
  readonly floor?: number;
  /** Weight of mean_all (T - p)^2; default 0. */
  readonly alpha?: number;
  /** Label of pixels that count nowhere and are no boundary. */
  readonly ignore?: number;
}

export const boundaryCalibrationSchema: Readonly<Record<string, OptionSchema>> = {
  dice: weight,
  scale: weight,
  floor: { type: "number", atLeast: 0, below: 1 },
  alpha: weight,
  ignore,
};

/**
 * Returns CE(T, p) + dice * Dice(y, p) + alpha * mean_all (T - p)^2 of checked options, T the labels softened
 * by their signed distance to the boundary (`boundarySoftLabels` of core). With dice 0 its minimiser is the
 * mean of T over the label maps that an image could have: the posterior, blurred over some `scale` pixels.
 * With scale 0 and dice 1 it is Dice and cross-entropy.
 */
export function boundaryCalibration(name: string, preset: string, options: BoundaryCalibrationOptions): Loss {
  const { dice = 0.25, scale = 0.35, floor = 0, alpha = 0, ignore } = options;
  return defineLoss({
    name,
    preset,
    ignore,
    specs: softLabelsSpec,
    async targets(labels, { classes, spacing, device }) {
      return {
        softLabels: await boundarySoftLabels(labels, { classes, spacing, scale, floor, ignore, device }),
      };
    },
    terms(prediction, { softLabels }) {
      const crossEntropy = crossEntropyTerm(prediction, softLabels);
      const overlap = diceTerm(prediction, {});
      const squares = distanceMap(softLabels, prediction.probs, "l2");
      const localCalibration = prediction.meanOverEntries(squares);
      const loss = plus(plus(crossEntropy, dice, overlap), alpha, localCalibration);
      return { loss, terms: { crossEntropy, dice: overlap, localCalibration } };
    },
  });
}
