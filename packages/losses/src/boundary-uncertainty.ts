import { ringTargets } from "@pixelcal/core";
import { ops } from "@pixelcal/graph";
import { diceTerm } from "./dice.js";
import { defineLoss, type Loss, softLabelsSpec } from "./loss.js";
import { checkOptions, ignore, type OptionSchema, type PresetSchemas, weight } from "./options.js";
import { crossEntropyTerm, plus } from "./terms.js";

export interface BoundaryUncertaintyOptions {
  readonly preset?: "original";
  /** The target on the ring of a class's pixels that have a neighbour of another; default 0.9. */
  readonly inner?: number;
  /** The target on the ring around it; default 0.1. */
  readonly outer?: number;
  /** The weight of soft Dice; default 1. */
  readonly diceWeight?: number;
  /** The weight of cross-entropy; default 1. */
  readonly crossEntropyWeight?: number;
  /** Label of pixels that count nowhere, and are no boundary. */
  readonly ignore?: number;
}

const share: OptionSchema = { type: "number", atLeast: 0, below: 1 };
export const boundaryUncertaintyPresets: PresetSchemas = {
  original: {
    inner: { type: "number", above: 0 },
    outer: share,
    diceWeight: weight,
    crossEntropyWeight: weight,
    ignore,
  },
};

/**
 * Returns diceWeight * Dice(T, p) + crossEntropyWeight * CE(T, p) with labels softened at boundaries (Yeung
 * et al. 2022, "boundary uncertainty"): a class has 1 in its 3^d erosion, `inner` on the rest of its
 * pixels, `outer` on the ring that its 3^d dilation adds, 0 elsewhere, divided by the sum over classes.
 * Without Dice its minimiser is the mean of T over the label maps that an image could have.
 */
export function boundaryUncertainty(options: BoundaryUncertaintyOptions = {}): Loss {
  const preset = checkOptions("boundaryUncertainty", boundaryUncertaintyPresets, options);
  const { inner = 0.9, outer = 0.1, diceWeight = 1, crossEntropyWeight = 1, ignore } = options;
  return defineLoss({
    name: "boundaryUncertainty",
    preset,
    ignore,
    specs: softLabelsSpec,
    async targets(labels, { classes }) {
      return { softLabels: await ringTargets(labels, { classes, inner, outer, ignore }) };
    },
    terms(prediction, { softLabels }) {
      const dice = diceTerm(prediction, {}, softLabels);
      const crossEntropy = crossEntropyTerm(prediction, softLabels);
      const loss = plus(ops.Mul(dice, diceWeight), crossEntropyWeight, crossEntropy);
      return { loss, terms: { dice, crossEntropy } };
    },
  });
}
