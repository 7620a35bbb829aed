import { mixedPixels, type Tensor } from "@pixelcal/core";
import { ops } from "@pixelcal/graph";
import { augmentedLagrangian, channelRow, phrPenalty } from "./augmented-lagrangian.js";
import { defineLoss, type Loss, type TargetSpec } from "./loss.js";
import { softTarget } from "./neighborhood.js";
import { checkOptions, ignore, type OptionSchema, type PresetSchemas, weight } from "./options.js";
import { overClasses } from "./prediction.js";
import { crossEntropyTerm } from "./terms.js";

export interface CracOptions {
  readonly preset?: "original";
  /** The logit that pixels away from boundaries are pulled to for their class; default 5. */
  readonly margin?: number;
  /** The first penalty parameter; default 0.1. */
  readonly rho?: number;
  /** Epochs after which penalty parameters may grow; default 10. */
  readonly rhoStep?: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

const positive: OptionSchema = { type: "number", above: 0 };
export const cracPresets: PresetSchemas = {
  original: { margin: weight, rho: positive, rhoStep: { type: "integer", atLeast: 1 }, ignore },
};

const state = (): TargetSpec => ({ type: "float32", layout: "state", dims: (classes) => [2, classes] });
const specs: Readonly<Record<"softLabels" | "boundary" | "lambda" | "rho", TargetSpec>> = {
  softLabels: { type: "float32", layout: "classes" },
  boundary: { type: "float32", layout: "labels" },
  lambda: state(),
  rho: state(),
};

/**
 * Returns CRaC, class and region adaptive constraints (Murugesan et al., MICCAI 2024): CE plus the mean
 * over pixels and 2C channels of an augmented Lagrangian's penalty on h, where h is |tau_c - z_c| for
 * pixels whose 3 x 3 window holds another class and |margin tau_c - z_c| for the others, tau NACL's
 * neighbourhood frequencies and z the logits. Every class has a multiplier and a penalty parameter for
 * either region, which follow the validation split.
 *
 * The authors' code finds boundaries by a sum that only rounding keeps from 0, and misses some.
 *
 * As in NACL it is logits that are pulled to frequencies: its minimiser is less confident than the truth.
 */
export function crac(options: CracOptions = {}): Loss {
  const preset = checkOptions("crac", cracPresets, options);
  const { margin = 5, rho = 0.1, rhoStep = 10, ignore } = options;
  return defineLoss({
    name: "crac",
    preset,
    ignore,
    specs,
    state: augmentedLagrangian({
      loss: "crac",
      channels: 2,
      rho,
      rhoStep,
      ignore,
      margin,
      targets: ({ softLabels, boundary }) => ({
        targets: softLabels as Tensor<"float32">,
        near: boundary as Tensor<"float32">,
      }),
    }),
    async targets(labels, context) {
      const softLabels = await softTarget(labels, { kernel: "mean", ignore }, context);
      // A class with the whole window has 1 up to rounding.
      return { softLabels, boundary: await mixedPixels(softLabels, { limit: 1 - 1e-6 }) };
    },
    terms(prediction, { softLabels, boundary, lambda, rho }) {
      const { logits, classes, spatial } = prediction;
      const near = ops.Equal(ops.Unsqueeze(boundary, [1]), 1);
      const target = ops.Where(near, softLabels, ops.Mul(softLabels, margin));
      const h = ops.Abs(ops.Sub(target, logits));
      const [multiplier, parameter] = [lambda, rho].map((array) =>
        ops.Where(near, channelRow(array, 0, spatial), channelRow(array, 1, spatial)),
      );
      const penalties = overClasses(phrPenalty(h, multiplier!, parameter!));
      const penalty = ops.Div(prediction.meanOverPixels(penalties), 2 * classes);
      const crossEntropy = crossEntropyTerm(prediction);
      return { loss: ops.Add(crossEntropy, penalty), terms: { crossEntropy, penalty } };
    },
  });
}
