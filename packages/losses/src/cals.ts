import { ops } from "@pixelcal/graph";
import { augmentedLagrangian, channelRow, phrPenalty } from "./augmented-lagrangian.js";
import { defineLoss, type Loss, type TargetSpec } from "./loss.js";
import { checkOptions, ignore, type OptionSchema, type PresetSchemas } from "./options.js";
import { crossEntropyTerm, firstMaximum } from "./terms.js";

export interface CalsOptions {
  readonly preset?: "original";
  /** The distance by which a logit may fall behind the largest; default 20. */
  readonly margin?: number;
  /** The first penalty parameter; default 1. */
  readonly rho?: number;
  /** Epochs after which penalty parameters may grow; default 10. */
  readonly rhoStep?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const positive: OptionSchema = { type: "number", above: 0 };
export const calsPresets: PresetSchemas = {
  original: { margin: positive, rho: positive, rhoStep: { type: "integer", atLeast: 1 }, ignore },
};

const state = (): TargetSpec => ({ type: "float32", layout: "state", dims: (classes) => [1, classes] });
const specs: Readonly<Record<"lambda" | "rho", TargetSpec>> = { lambda: state(), rho: state() };

/**
 * Returns CALS, class adaptive label smoothing (Liu et al., CVPR 2023): CE plus the mean over pixels and
 * classes of an augmented Lagrangian's penalty on h = (max_c z_c - z_k - margin) / margin, with a
 * multiplier and a penalty parameter for each class, which follow the validation split. It is MbLS whose
 * weight of each class is found: its minimiser is the truth while no logit is beyond the margin.
 */
export function cals(options: CalsOptions = {}): Loss {
  const preset = checkOptions("cals", calsPresets, options);
  const { margin = 20, rho = 1, rhoStep = 10, ignore } = options;
  return defineLoss({
    name: "cals",
    preset,
    ignore,
    specs,
    state: augmentedLagrangian({
      loss: "cals",
      channels: 1,
      rho,
      rhoStep,
      ignore,
      margin,
    }),
    targets: async () => ({}),
    terms(prediction, { lambda, rho }) {
      const { logits, spatial } = prediction;
      const behind = ops.Sub(firstMaximum(prediction, logits).value, logits);
      const h = ops.Div(ops.Sub(behind, margin), margin);
      const map = phrPenalty(h, channelRow(lambda, 0, spatial), channelRow(rho, 0, spatial));
      const penalty = prediction.meanOverEntries(map);
      const crossEntropy = crossEntropyTerm(prediction);
      return { loss: ops.Add(crossEntropy, penalty), terms: { crossEntropy, penalty } };
    },
  });
}
