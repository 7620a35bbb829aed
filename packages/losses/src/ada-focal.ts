import {
  type CalibrationBins,
  calibrationHistograms,
  type Labels,
  type Tensor,
  tensor,
  toProbabilities,
} from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { defineLoss, type Loss, type TargetSpec } from "./loss.js";
import { type LossState, savedLists } from "./loss-state.js";
import { checkOptions, ignore, type OptionSchema, type PresetSchemas } from "./options.js";
import { overClasses, type Prediction } from "./prediction.js";
import { crossEntropyMap, otherProbs } from "./terms.js";

export interface AdaFocalOptions {
  readonly preset?: "original";
  /** The speed lambda at which exponents follow the validation split; default 1. */
  readonly rate?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const positive: OptionSchema = { type: "number", above: 0 };
export const adaFocalPresets: PresetSchemas = { original: { rate: positive, ignore } };

const bins = 15;
/** Cells of confidence that the equal-mass bins are made of: those take no more memory for more pixels. */
const cells = 4096;
const specs: Readonly<Record<"edges" | "gammas", TargetSpec>> = {
  edges: { type: "float32", layout: "state", dims: () => [bins - 1] },
  gammas: { type: "float32", layout: "state", dims: () => [bins] },
};

/**
 * Returns AdaFocal (Ghosh et al., NeurIPS 2022), the mean over pixels of -(1 - p_y)^gamma log p_y, or of
 * -(1 + p_y)^-gamma log p_y where gamma is below 0. Each of 15 bins of p_y has a gamma, at first 1; the
 * bins hold equally many pixels of the validation split, by the probability of their likeliest class. After
 * each epoch a gamma is multiplied by exp(rate * gap), gap the bin's confidence minus accuracy there
 * (divided if it is below 0); one below 0.2 in size changes sign, and all stay in [-2, 20]. The authors sum
 * over pixels.
 *
 * Its minimiser is the truth only at gamma 0. What it aims at is the calibration of the validation split.
 */
export function adaFocal(options: AdaFocalOptions = {}): Loss {
  const preset = checkOptions("adaFocal", adaFocalPresets, options);
  const { rate = 1, ignore } = options;
  return defineLoss({
    name: "adaFocal",
    preset,
    ignore,
    specs,
    state: followGaps(rate, ignore),
    targets: async () => ({}),
    terms(prediction, { edges, gammas }) {
      const { probs, oneHot } = prediction;
      const own = overClasses(ops.Mul(probs, oneHot));
      const gamma = gammaOf(prediction, ops.StopGradient(own), edges, gammas);
      const focuses = ops.Greater(gamma, 0);
      // The branch that is not taken has exponent 1, so that its gradient is finite.
      const others = ops.Clip(otherProbs(probs, oneHot), 1e-20);
      const focal = ops.Pow(others, ops.Where(focuses, gamma, 1));
      const inverse = ops.Pow(ops.Add(own, 1), ops.Where(focuses, 1, ops.Neg(gamma)));
      const map = ops.Mul(ops.Where(focuses, focal, inverse), crossEntropyMap(prediction, oneHot));
      const loss = prediction.meanOverPixels(map);
      return { loss, terms: { focal: loss } };
    },
  });
}

/** Returns the gamma of each pixel's bin: that of the first, plus the rises at the edges below p. */
function gammaOf({ spatial }: Prediction, p: Value, edges: Value, gammas: Value): Value {
  const along = (list: Value): Value => ops.Reshape(list, [1, 1, ...spatial.map(() => 1), list.dims[0]!]);
  const rises = ops.Sub(ops.Slice(gammas, [1], [bins], [0]), ops.Slice(gammas, [0], [bins - 1], [0]));
  const above = ops.Cast(ops.Greater(ops.Unsqueeze(p, [-1]), along(edges)), "float32");
  const sum = ops.ReduceSum(ops.Mul(above, along(rises)), [-1], { keepdims: 0 });
  const first = ops.Reshape(ops.Slice(gammas, [0], [1], [0]), [1, 1, ...spatial.map(() => 1)]);
  return ops.Add(sum, first);
}

/** Returns the state: bins of equal mass in the validation split, and their exponents. */
function followGaps(rate: number, ignore: number | undefined): LossState {
  let edges = Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins);
  let gammas = Array<number>(bins).fill(1);
  const [counts, gaps] = [new Float64Array(cells), new Float64Array(cells)];
  const array = (list: readonly number[]) => tensor("float32", Float32Array.from(list), [list.length]);
  return {
    arrays: () => ({ edges: array(edges), gammas: array(gammas) }),
    async observe(logits, targets) {
      for (const image of imagesOf(logits, targets.labels as Labels)) {
        const bins = await confidenceBins(image, ignore);
        for (let cell = 0; cell < cells; cell++) {
          counts[cell]! += bins.count[cell]!;
          gaps[cell]! += bins.confidenceSum[cell]! - bins.accuracySum[cell]!;
        }
      }
    },
    update() {
      const total = counts.reduce((a, b) => a + b, 0);
      if (total === 0) return;
      const found = equalMass(counts, gaps, total);
      edges = found.edges;
      gammas = gammas.map((gamma, bin) => followed(gamma, rate * found.gaps[bin]!));
      counts.fill(0);
      gaps.fill(0);
    },
    save: () => ({ edges, gammas }),
    restore(saved) {
      const lists = savedLists("adaFocal", saved, ["edges", "gammas"]);
      edges = [...lists.edges];
      gammas = [...lists.gammas];
    },
  };
}

interface LabelledLogits {
  readonly logits: Tensor<"float32">;
  readonly labels: Labels;
}

/** Returns the images of a batch, each as a batch of one. */
function imagesOf({ data, dims }: Tensor<"float32">, labels: Labels): LabelledLogits[] {
  const [batch = 0, ...size] = dims;
  const [values, pixels] = [data.length / batch, labels.data.length / batch];
  return Array.from({ length: batch }, (_, n) => ({
    logits: tensor("float32", data.subarray(n * values, (n + 1) * values), [1, ...size]),
    labels: {
      ...labels,
      dims: [1, ...labels.dims.slice(1)],
      data: labels.data.subarray(n * pixels, (n + 1) * pixels),
    } as Labels,
  }));
}

/** Returns the pixels of an image by the probability of their likeliest class. */
async function confidenceBins(
  { logits, labels }: LabelledLogits,
  ignore: number | undefined,
): Promise<CalibrationBins> {
  const pixels = ignore === undefined ? {} : { ignore, labels };
  const { probs } = await toProbabilities(logits, { transform: "softmax", ...pixels });
  const layout = { of: "top-label", bins: cells, edges: "left-closed" } as const;
  const [bins] = await calibrationHistograms(probs, labels, [layout], { ignore });
  return bins!;
}

/** Returns the bins' upper limits but the last, and the mean gap of each; 0 of one without pixels. */
function equalMass(
  counts: Float64Array,
  gaps: Float64Array,
  total: number,
): { edges: number[]; gaps: number[] } {
  const edges: number[] = [];
  const sums = Array.from({ length: bins }, () => ({ count: 0, gap: 0 }));
  let below = 0;
  for (const [cell, count] of counts.entries()) {
    const sum = sums[edges.length]!;
    sum.count += count;
    sum.gap += gaps[cell]!;
    below += count;
    while (edges.length < bins - 1 && below >= (total * (edges.length + 1)) / bins)
      edges.push((cell + 1) / cells);
  }
  return { edges, gaps: sums.map(({ count, gap }) => (count > 0 ? gap / count : 0)) };
}

function followed(gamma: number, step: number): number {
  const next = gamma * Math.exp(gamma > 0 ? step : -step);
  const turned = Math.abs(next) < 0.2 ? -0.2 * Math.sign(next) : next;
  return Math.min(20, Math.max(-2, turned));
}
