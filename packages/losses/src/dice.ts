import { ops, type Value } from "@pixelcal/graph";
import { defineLoss, type Loss } from "./loss.js";
import { boolean, checkOptions, ignore, type OptionSchema, type PresetSchemas, weight } from "./options.js";
import { meanOf, type Prediction, sumOver } from "./prediction.js";
import { crossEntropyTerm, plus } from "./terms.js";

export interface DiceOptions {
  /**
   * `original` is MONAI's DiceLoss of softmax probabilities; `reference` the SDC
   * repository's, without options.
   */
  readonly preset?: "original" | "reference";
  /** Whether class 0 takes part; default true. */
  readonly includeBackground?: boolean;
  /** Whether the denominator sums squares of p and q; default false. */
  readonly squared?: boolean;
  /** Whether intersection over union replaces Dice; default false. */
  readonly jaccard?: boolean;
  /** Whether sums run over the whole batch instead of each sample; default false. */
  readonly batch?: boolean;
  /** Default 1e-5. */
  readonly smoothNumerator?: number;
  /** Default 1e-5. */
  readonly smoothDenominator?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export interface DiceCrossEntropyOptions extends DiceOptions {
  /** Default 1. */
  readonly diceWeight?: number;
  /** Default 1. */
  readonly crossEntropyWeight?: number;
}

const overlap: Readonly<Record<string, OptionSchema>> = {
  includeBackground: boolean,
  squared: boolean,
  jaccard: boolean,
  batch: boolean,
  smoothNumerator: weight,
  smoothDenominator: weight,
  ignore,
};
const weights = { diceWeight: weight, crossEntropyWeight: weight };

export const dicePresets: PresetSchemas = { original: overlap, reference: {} };
export const diceCrossEntropyPresets: PresetSchemas = {
  original: { ...weights, ...overlap },
  reference: weights,
};

/**
 * Returns soft Dice, 1 - mean over samples and classes of (2I + s) / (S_p + S_q + s) (Milletari et al.
 * 2016).
 */
export function dice(options: DiceOptions = {}): Loss {
  const preset = checkOptions("dice", dicePresets, options);
  return defineLoss({
    name: "dice",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const loss = diceTerm(prediction, options);
      return { loss, terms: { dice: loss } };
    },
  });
}

/** Returns diceWeight * Dice + crossEntropyWeight * cross-entropy. */
export function diceCrossEntropy(options: DiceCrossEntropyOptions = {}): Loss {
  const { diceWeight = 1, crossEntropyWeight = 1 } = options;
  const preset = checkOptions("diceCrossEntropy", diceCrossEntropyPresets, options);
  return defineLoss({
    name: "diceCrossEntropy",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const overlap = diceTerm(prediction, options);
      const entropy = crossEntropyTerm(prediction);
      const loss = plus(ops.Mul(overlap, diceWeight), crossEntropyWeight, entropy);
      return { loss, terms: { dice: overlap, crossEntropy: entropy } };
    },
  });
}

/**
 * Returns 1 - mean of the overlap ratios that `options` describe, with the labels or with a soft target.
 */
export function diceTerm(prediction: Prediction, options: DiceOptions, target?: Value): Value {
  const { batch = false, smoothNumerator = 1e-5, smoothDenominator = 1e-5 } = options;
  const { probs, oneHot } = foreground(prediction, options.includeBackground ?? true, target);
  const axes = batch ? [0, ...prediction.spatial] : prediction.spatial;
  const total = (map: Value) => sumOver(map, axes);
  const intersection = total(ops.Mul(probs, oneHot));
  if (options.preset === "reference") return referenceDice(intersection, total(ops.Add(probs, oneHot)));
  const power = (map: Value) => (options.squared ? ops.Mul(map, map) : map);
  const sum = total(ops.Add(power(probs), oneHot));
  const bottom = options.jaccard ? ops.Mul(ops.Sub(sum, intersection), 2) : sum;
  const ratio = ops.Div(
    ops.Add(ops.Mul(intersection, 2), smoothNumerator),
    ops.Add(bottom, smoothDenominator),
  );
  return ops.Sub(1, meanOf(ratio));
}

/**
 * Returns the SDC repository's Dice: its epsilon enters twice, so a class absent from both sides scores
 * 1/2.
 */
function referenceDice(intersection: Value, sum: Value): Value {
  const epsilon = 1e-6;
  const top = ops.Add(ops.Mul(intersection, 2), epsilon);
  return ops.Sub(1, meanOf(ops.Div(top, ops.Add(ops.Clip(sum, epsilon), epsilon))));
}

/**
 * Returns probabilities and labels (or a soft target) per class, 0 at ignored pixels; without class 0
 * unless `background`.
 */
export function foreground(
  prediction: Prediction,
  background: boolean,
  target: Value = prediction.oneHot,
): { probs: Value; oneHot: Value } {
  const probs = prediction.masked(prediction.probs);
  if (background) return { probs, oneHot: target };
  return { probs: withoutBackground(probs), oneHot: withoutBackground(target) };
}

/** Returns a map [N, C, ...spatial] without class 0. */
export function withoutBackground(map: Value): Value {
  return ops.Slice(map, [1], [map.dims[1]!], [1]);
}
