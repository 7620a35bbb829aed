import { elementCount, InvalidArgumentError, tensor } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { weightOfLabel } from "./class-weights.js";
import { defineLoss, type Loss } from "./loss.js";
import { checkOptions, classWeights, ignore, type OptionSchema, type PresetSchemas } from "./options.js";
import { type Prediction, sumOver } from "./prediction.js";
import { crossEntropyMap, crossEntropyTerm } from "./terms.js";

export interface CrossEntropyOptions {
  readonly preset?: "original";
  /** The weight w of each class; by default all are 1. */
  readonly classWeights?: readonly number[];
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
  /**
   * The share of the pixels, those of the largest loss, that count; all by default. Not with class weights.
   */
  readonly topShare?: number;
}

const topShare: OptionSchema = { type: "number", above: 0, below: 1 };

export const crossEntropyPresets: PresetSchemas = { original: { classWeights, ignore, topShare } };

/**
 * Returns cross-entropy, mean_pix(-log p_y) over the pixels whose label is not `ignore`; 0 if there are
 * none. With class weights it is sum(-w_y log p_y) / sum(w_y), as in PyTorch, whose minimiser is not the
 * posterior P but w_c P_c / sum_k w_k P_k. With `topShare` it is the mean over that share of a batch's
 * pixels, rounded down and at least one, whose loss is largest (top-k cross-entropy, nnU-Net's TopKLoss).
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  const preset = checkOptions("crossEntropy", crossEntropyPresets, options);
  if (options.topShare !== undefined && options.classWeights !== undefined)
    throw new InvalidArgumentError(
      "crossEntropy.topShare",
      "crossEntropy.topShare: cannot be combined with classWeights",
    );
  return defineLoss({
    name: "crossEntropy",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const { classWeights, topShare } = options;
      if (topShare !== undefined) {
        const loss = meanOfTop(prediction, crossEntropyMap(prediction, prediction.oneHot), topShare);
        return { loss, terms: { crossEntropy: loss } };
      }
      if (classWeights === undefined) {
        const loss = crossEntropyTerm(prediction);
        return { loss, terms: { crossEntropy: loss } };
      }
      const weights = weightOfLabel("crossEntropy", prediction, classWeights);
      const sum = prediction.sum(ops.Mul(weights, crossEntropyMap(prediction, prediction.oneHot)));
      const total = prediction.sum(weights);
      // A batch without any weight has a sum of 0 too.
      const loss = ops.Div(sum, ops.Where(ops.Greater(total, 0), total, 1));
      return { loss, terms: { crossEntropy: loss } };
    },
  });
}

/** Returns the mean of the largest entries of a map [N, 1, ...spatial], a share of the pixels that count. */
function meanOfTop({ counted, count }: Prediction, map: Value, share: number): Value {
  const pixels = elementCount(map.dims);
  // Ignored pixels come after all others, whose losses are 0 or more.
  const ranked = counted === undefined ? map : ops.Sub(map, ops.Sub(1, counted));
  const most = Math.min(pixels, Math.floor(share * pixels) + 1);
  const [largest] = ops.TopK(ops.Reshape(ranked, [1, 1, pixels]), most, 2);
  const ranks = tensor(
    "float32",
    Float32Array.from({ length: most }, (_, rank) => rank),
    [1, 1, most],
  );
  // The number follows from the pixels that count, in the same arithmetic whether or not any is ignored.
  const number = ops.Max(ops.Floor(ops.Mul(count, share)), 1);
  const within = ops.Cast(ops.Less(map.graph.constant(ranks), number), map.type);
  return ops.Div(sumOver(ops.Mul(ops.Relu(largest), within), [0, 1, 2]), number);
}
