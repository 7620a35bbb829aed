import { ops, type Value } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import { overClasses, type Prediction } from "./prediction.js";
import { crossEntropyTerm, plus } from "./terms.js";

export interface EntropyPenaltyOptions {
  /**
   * `original` averages -p log p over pixels and classes; `reference` (the SDC
   * repository) over pixels, C times more.
   */
  readonly preset?: "original" | "reference";
  /** The weight of the entropy; default 0.1. */
  readonly weight?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const entropyPenaltyPresets: PresetSchemas = { original: { weight, ignore }, reference: { weight } };

/** Returns CE - weight * entropy, the confidence penalty ECP (Pereyra et al. 2017). */
export function entropyPenalty(options: EntropyPenaltyOptions = {}): Loss {
  const preset = checkOptions("entropyPenalty", entropyPenaltyPresets, options);
  return defineLoss({
    name: "entropyPenalty",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const crossEntropy = crossEntropyTerm(prediction);
      const entropy = preset === "reference" ? referenceEntropy(prediction) : entropyOverEntries(prediction);
      return {
        loss: plus(crossEntropy, -(options.weight ?? 0.1), entropy),
        terms: { crossEntropy, entropy },
      };
    },
  });
}

function entropyOverEntries(prediction: Prediction): Value {
  const { probs, logProbs } = prediction;
  return prediction.meanOverEntries(ops.Neg(ops.Mul(probs, logProbs)));
}

function referenceEntropy(prediction: Prediction): Value {
  const floor = 1e-8;
  const probs = ops.Clip(prediction.probs, floor);
  const logs = ops.Clip(prediction.logProbs, Math.log(floor));
  return prediction.meanOverPixels(ops.Neg(overClasses(ops.Mul(probs, logs))));
}
