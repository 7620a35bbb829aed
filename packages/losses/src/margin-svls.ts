import type { Tensor } from "@pixelcal/core";
import { type BuiltLoss, defineLoss, type Loss, softLabelsSpec, type TargetSpecs } from "./loss.js";
import { type NeighborhoodOptions, neighborhood } from "./nacl.js";
import { guidedByImage, neighborhoodTerm, type SoftTarget, softTarget } from "./neighborhood.js";
import {
  checkOptions,
  choice,
  distance,
  ignore,
  morphology,
  of,
  type PresetSchemas,
  sigma,
  weight,
} from "./options.js";
import { crossEntropyTerm, type Distance, marginTerm, plus } from "./terms.js";

/** "logit-margin" takes sigma, morphology and ignore of the neighbourhood's options; "adaptive" takes all. */
export interface MarginSvlsOptions extends NeighborhoodOptions {
  readonly preset?: "original";
  /**
   * The name has two readings, both in the history of its authors' code. "logit-margin" (default): SVLS
   * cross-entropy + alpha * margin penalty. "adaptive": cross-entropy + alpha * neighbourhood term +
   * marginWeight * margin penalty, which is NACL with switches.
   */
  readonly variant?: "logit-margin" | "adaptive";
  /** Weight of the variant's penalty; default 0.1. */
  readonly alpha?: number;
  /**
   * The distance by which a logit may fall behind the largest; default 10 ("logit-margin") or 3 ("adaptive").
   */
  readonly margin?: number;
  /** "adaptive": the target of cross-entropy; default "hard". */
  readonly target?: "hard" | "svls";
  /** "adaptive": weight of the margin penalty; default 0. */
  readonly marginWeight?: number;
  /** "adaptive": the largest difference without cost; default 0. */
  readonly tolerance?: number;
  /** "adaptive": distance of the neighbourhood term; default "l1". */
  readonly distance?: Distance;
  /** "adaptive": the values compared with the neighbourhood's target; default "logits". */
  readonly of?: "logits" | "probs";
}

const shared = { preset: choice("original"), alpha: weight, margin: weight, sigma, morphology, ignore };
export const marginSvlsVariants: PresetSchemas = {
  "logit-margin": shared,
  adaptive: {
    ...shared,
    ...neighborhood,
    target: choice("hard", "svls"),
    marginWeight: weight,
    tolerance: weight,
    distance,
    of,
  },
};

/** Returns Margin-SVLS, the margin-based loss that the SDC paper compares with beside NACL. */
export function marginSvls(options: MarginSvlsOptions = {}): Loss {
  const variant = checkOptions("marginSvls", marginSvlsVariants, options, "variant");
  return variant === "adaptive" ? adaptive(options) : logitMargin(options);
}

function logitMargin(options: MarginSvlsOptions): Loss {
  const { alpha = 0.1, margin = 10 } = options;
  return defineLoss({
    name: "marginSvls",
    preset: "original",
    ignore: options.ignore,
    specs: softLabelsSpec,
    async targets(labels, context) {
      return { softLabels: await softTarget(labels, svlsTarget(options), context) };
    },
    terms(prediction, { softLabels }) {
      const crossEntropy = crossEntropyTerm(prediction, softLabels);
      const term = marginTerm(prediction, margin);
      return { loss: plus(crossEntropy, alpha, term), terms: { crossEntropy, margin: term } };
    },
  });
}

function adaptive(options: MarginSvlsOptions): Loss {
  const { alpha = 0.1, margin = 3, marginWeight = 0, target = "hard" } = options;
  const { distance = "l1", of = "logits", tolerance, kernel = "mean" } = options;
  const { size, sigma, dimensions, morphology, ignore } = options;
  const neighbors: SoftTarget = { preset: "original", kernel, size, sigma, dimensions, morphology, ignore };
  const { softLabels: spec } = softLabelsSpec;
  const specs: TargetSpecs = target === "svls" ? { softLabels: spec, svlsLabels: spec } : softLabelsSpec;
  return defineLoss({
    name: "marginSvls",
    preset: "original",
    ignore,
    needsImage: guidedByImage(kernel),
    specs,
    async targets(labels, context): Promise<Record<string, Tensor>> {
      const softLabels = await softTarget(labels, neighbors, context);
      if (target === "hard") return { softLabels };
      return { softLabels, svlsLabels: await softTarget(labels, svlsTarget(options), context) };
    },
    terms(prediction, { softLabels, svlsLabels }): BuiltLoss {
      const crossEntropy = crossEntropyTerm(prediction, svlsLabels);
      const localCalibration = neighborhoodTerm(prediction, softLabels!, { of, distance, tolerance });
      const loss = plus(crossEntropy, alpha, localCalibration);
      if (marginWeight === 0) return { loss, terms: { crossEntropy, localCalibration } };
      const term = marginTerm(prediction, margin);
      return {
        loss: plus(loss, marginWeight, term),
        terms: { crossEntropy, localCalibration, margin: term },
      };
    },
  });
}

function svlsTarget({ sigma, morphology, ignore }: MarginSvlsOptions): SoftTarget {
  return { preset: "svls", sigma, morphology, ignore };
}
