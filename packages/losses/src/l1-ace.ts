import { tensor } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { diceTerm } from "./dice.js";
import { defineLoss, type Loss } from "./loss.js";
import { boolean, checkOptions, choice, ignore, type PresetSchemas, weight } from "./options.js";
import { meanOf, type Prediction, sumOver } from "./prediction.js";
import { crossEntropyTerm, plus } from "./terms.js";

export interface L1AceOptions {
  readonly preset?: "original";
  /**
   * "hard" (default): a pixel is in one bin. "soft": it is shared by the two bins whose centres are
   * nearest, and the shares too have a gradient.
   */
  readonly binning?: "hard" | "soft";
  /** The number of bins; default 20. */
  readonly bins?: number;
  /** The weight of the calibration error; default 0.33. */
  readonly weight?: number;
  /** The weight of Dice, with squares in its denominator; default 0.33. */
  readonly diceWeight?: number;
  /** The weight of cross-entropy; default 0.33. */
  readonly crossEntropyWeight?: number;
  /** Whether a class counts in a sample without it; default false, which counts its error as 0. */
  readonly includeAbsent?: boolean;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export const l1AcePresets: PresetSchemas = {
  original: {
    binning: choice("hard", "soft"),
    bins: { type: "integer", atLeast: 1, atMost: 1024 },
    weight,
    diceWeight: weight,
    crossEntropyWeight: weight,
    includeAbsent: boolean,
    ignore,
  },
};

/**
 * Returns weight * ACE + diceWeight * Dice + crossEntropyWeight * CE, the mL1-ACE of Barfoot et al. (MICCAI
 * 2024, arXiv 2506.03942): for each sample and class the mean over its non-empty bins of |mean p - mean q|,
 * then the mean over samples and classes.
 *
 * The error of a bin is 0 at the truth, but not there alone: any p whose bins agree on average has 0, a
 * constant one among them. Dice and cross-entropy decide between those.
 */
export function l1Ace(options: L1AceOptions = {}): Loss {
  const preset = checkOptions("l1Ace", l1AcePresets, options);
  const { weight = 0.33, diceWeight = 0.33, crossEntropyWeight = 0.33 } = options;
  return defineLoss({
    name: "l1Ace",
    preset,
    ignore: options.ignore,
    specs: {},
    terms(prediction) {
      const ace = aceTerm(prediction, options);
      const dice = diceTerm(prediction, { squared: true, smoothNumerator: 0 });
      const crossEntropy = crossEntropyTerm(prediction);
      const loss = plus(plus(ops.Mul(ace, weight), diceWeight, dice), crossEntropyWeight, crossEntropy);
      return { loss, terms: { ace, dice, crossEntropy } };
    },
  });
}

function aceTerm(prediction: Prediction, { binning, bins = 20, includeAbsent }: L1AceOptions): Value {
  const { oneHot, spatial, probs } = prediction;
  const shares = binning === "soft" ? softShares(probs, bins) : hardShares(probs, bins);
  const count = binSums(prediction, shares, undefined, bins);
  const gap = binSums(prediction, shares, ops.Sub(probs, oneHot), bins);
  // Authors' soft bins of less than a hundredth of a pixel are too uncertain a mean.
  const filled = ops.Cast(ops.Greater(count, binning === "soft" ? 0.01 : 0), "float32");
  // An empty bin divides 0 by 1, so that no gradient is infinite.
  const apart = ops.Div(ops.Abs(gap), ops.Where(ops.Equal(filled, 1), count, 1));
  const error = ops.Div(sumOver(ops.Mul(apart, filled), [2]), ops.Max(sumOver(filled, [2]), 1));
  if (includeAbsent) return meanOf(error);
  return meanOf(ops.Mul(error, ops.ReduceMax(oneHot, spatial, { keepdims: 0 })));
}

/** A bin per pixel and class, and the share that it has of the pixel: all of it if absent. */
interface Shares {
  readonly bin: Value;
  readonly share?: Value;
}

const bounded = (index: Value, bins: number): Value => ops.Clip(index, 0, bins - 1);

/** Bins (i/M, (i + 1)/M], the first with 0. */
function hardShares(probs: Value, bins: number): readonly Shares[] {
  const last = ops.Sub(ops.Ceil(ops.Mul(ops.StopGradient(probs), bins)), 1);
  return [{ bin: bounded(last, bins) }];
}

/** Centres (i + 1/2)/M; p beyond the first or last belongs to it alone. */
function softShares(probs: Value, bins: number): readonly Shares[] {
  const place = ops.Clip(ops.Sub(ops.Mul(probs, bins), 0.5), 0, bins - 1);
  const lower = ops.Floor(ops.StopGradient(place));
  const upper = ops.Sub(place, lower);
  return [
    { bin: lower, share: ops.Sub(1, upper) },
    { bin: bounded(ops.Add(lower, 1), bins), share: upper },
  ];
}

/** Sums over pixels of share * values (1 by default) by sample, class and bin, [N, C, bins]. */
function binSums(
  prediction: Prediction,
  shares: readonly Shares[],
  values: Value | undefined,
  bins: number,
): Value {
  const { dims, graph } = prediction.logits;
  const rows = dims.slice(0, -1);
  const ones = graph.constant(
    tensor(
      "float32",
      Float32Array.of(1),
      dims.map(() => 1),
    ),
  );
  const none = graph.constant(
    tensor(
      "float32",
      Float32Array.of(0),
      dims.map(() => 1),
    ),
  );
  const sums = shares.map(({ bin, share }) => {
    const shared = share === undefined ? values : values === undefined ? share : ops.Mul(values, share);
    const counted = prediction.masked(shared ?? ops.Expand(ones, dims));
    // By row first: a sum in float32 over all pixels at once would lose its last digits.
    const zeros = ops.Expand(none, [...rows, bins]);
    return ops.ScatterElements(zeros, ops.Cast(bin, "int32"), counted, -1, { reduction: "add" });
  });
  const all = sums.reduce((a, b) => ops.Add(a, b));
  return sumOver(all, prediction.spatial.slice(0, -1));
}
