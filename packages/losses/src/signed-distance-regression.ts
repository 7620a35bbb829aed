import { borderLevels } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { diceTerm } from "./dice.js";
import { defineLoss, type Loss, type TargetSpec } from "./loss.js";
import { checkOptions, ignore, type PresetSchemas, weight } from "./options.js";
import { meanOf, type Prediction, sumOver } from "./prediction.js";
import { distanceMap, plus } from "./terms.js";

export interface SignedDistanceRegressionOptions {
  readonly preset?: "original";
  /** The weight of the regression of signed distances; default 10. */
  readonly weight?: number;
  /** The weight of Dice; default 1. */
  readonly diceWeight?: number;
  /** Label of pixels that count nowhere and belong to no class. */
  readonly ignore?: number;
}

export const signedDistanceRegressionPresets: PresetSchemas = {
  original: { weight, diceWeight: weight, ignore },
};

const specs: { readonly levels: TargetSpec } = { levels: { type: "float32", layout: "classes" } };
const smooth = 1e-5;

/**
 * Returns diceWeight * Dice(y, p) + weight * R, the signed-distance regression of Xue et al. (AAAI 2020, as
 * in SegWithDistMap): with g = 1 - 2p and s the signed distances, 0 on the inner border and scaled to 1
 * outside and -1 inside, R = mean of -(sum g s + e) / (sum g s + sum g^2 + sum s^2 + e) over samples and
 * classes, plus mean_all |g - s|. The authors' network predicts g; here g follows from p, and Dice is taken
 * of p itself instead of a steep sigmoid of g. A class without a border has s = 0.
 *
 * Its minimiser has p near (1 - s) / 2: a map of distances, and no probability.
 */
export function signedDistanceRegression(options: SignedDistanceRegressionOptions = {}): Loss {
  const preset = checkOptions("signedDistanceRegression", signedDistanceRegressionPresets, options);
  const { weight = 10, diceWeight = 1, ignore } = options;
  return defineLoss({
    name: "signedDistanceRegression",
    preset,
    ignore,
    specs,
    async targets(labels, { classes, spacing, device }) {
      const distances = { classes, spacing, device, ignore, normalize: "none", absent: "far" } as const;
      return { levels: await borderLevels(labels, { ...distances, form: "scaled-border" }) };
    },
    terms(prediction, { levels }) {
      const predicted = prediction.masked(ops.Sub(1, ops.Mul(prediction.probs, 2)));
      const target = prediction.masked(levels);
      const distance = prediction.meanOverEntries(distanceMap(predicted, target, "l1"));
      const product = productTerm(prediction, predicted, target);
      const dice = diceTerm(prediction, {});
      const regression = ops.Add(product, distance);
      const loss = plus(ops.Mul(dice, diceWeight), weight, regression);
      return { loss, terms: { dice, product, distance } };
    },
  });
}

function productTerm({ spatial }: Prediction, predicted: Value, target: Value): Value {
  const total = (a: Value, b: Value): Value => sumOver(ops.Mul(a, b), spatial);
  const product = total(predicted, target);
  const sizes = ops.Add(total(predicted, predicted), total(target, target));
  const ratio = ops.Div(ops.Add(product, smooth), ops.Add(ops.Add(product, sizes), smooth));
  return ops.Neg(meanOf(ratio));
}
