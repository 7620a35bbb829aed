import { ops, type Value } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, choice, ignore, type PresetSchemas, weight } from "./options.js";
import { overClasses, type Prediction } from "./prediction.js";
import { crossEntropyTerm, firstMaximum, plus } from "./terms.js";

export interface MeepOptions {
  readonly preset?: "original";
  /**
   * "divergence" (default): the divergence of p from the uniform distribution is added; "entropy": the
   * entropy of every class against the others is subtracted.
   */
  readonly form?: "divergence" | "entropy";
  /** The pixels with the penalty: the "errors" (default) or "all". */
  readonly pixels?: "errors" | "all";
  /** The weight of the penalty; default 0.3. */
  readonly weight?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const meepPresets: PresetSchemas = {
  original: { form: choice("divergence", "entropy"), pixels: choice("errors", "all"), weight, ignore },
};

const least = 1e-7;

/**
 * Returns cross-entropy with maximum entropy on erroneous predictions (Larrazabal et al., MICCAI 2023):
 * with the mean over pixels whose likeliest class is not the label, CE + weight * mean(-mean_c log p_c) or
 * CE - weight * mean(mean_c h(p_c)), h(t) = -t log t - (1 - t) log(1 - t). The penalty is 0 without such
 * pixels; which pixels those are has no gradient; p counts as 1e-7 where it is less.
 *
 * Its minimiser is less confident than the truth, the more so where errors are likely.
 */
export function meep(options: MeepOptions = {}): Loss {
  const preset = checkOptions("meep", meepPresets, options);
  const { form = "divergence", weight = 0.3 } = options;
  return defineLoss({
    name: "meep",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const crossEntropy = crossEntropyTerm(prediction);
      const entropy = form === "entropy";
      const map = entropy ? classEntropies(prediction) : negativeLogs(prediction);
      const chosen = options.pixels === "all" ? undefined : errors(prediction);
      const penalty = ops.Div(meanOverChosen(prediction, overClasses(map), chosen), prediction.classes);
      return {
        loss: plus(crossEntropy, entropy ? -weight : weight, penalty),
        terms: { crossEntropy, penalty },
      };
    },
  });
}

function negativeLogs({ logProbs }: Prediction): Value {
  return ops.Neg(ops.Clip(logProbs, Math.log(least)));
}

/** Returns -p log p - (1 - p) log(1 - p) of every class, both p and 1 - p kept from 0. */
function classEntropies({ probs }: Prediction): Value {
  const own = ops.Clip(probs, least, 1 - least);
  const others = ops.Sub(1, own);
  return ops.Neg(ops.Add(ops.Mul(own, ops.Log(own)), ops.Mul(others, ops.Log(others))));
}

/** Returns 1 where the likeliest class, the first of equals, is not the label. */
function errors(prediction: Prediction): Value {
  const { at } = firstMaximum(prediction, prediction.probs);
  return prediction.masked(ops.Sub(1, overClasses(ops.Where(at, prediction.oneHot, 0))));
}

function meanOverChosen(prediction: Prediction, map: Value, chosen: Value | undefined): Value {
  if (chosen === undefined) return prediction.meanOverPixels(map);
  return ops.Div(prediction.sum(ops.Mul(map, chosen)), ops.Max(prediction.sum(chosen), 1));
}
