import { defineLoss, type Loss, softLabelsSpec, type TargetSpecs } from "./loss.js";
import { naclKernels } from "./nacl.js";
import { completed, guidedByImage, neighborhoodTerm, softTarget } from "./neighborhood.js";
import {
  checkOptions,
  choice,
  distance,
  morphology,
  type OptionSchema,
  of,
  type PresetSchemas,
  sigma,
  size,
  weight,
} from "./options.js";
import { svlsTarget } from "./svls.js";
import { crossEntropyTerm, type Distance, marginTerm, plus } from "./terms.js";

export interface MarginSvlsOptions {
  readonly preset?: "original";
  /**
   * The name has two readings, both in the history of its authors' code. "logit-margin" (default): SVLS cross-entropy
   * + alpha * margin penalty. "adaptive": cross-entropy + alpha * neighbourhood term + marginWeight * margin penalty,
   * which is NACL with switches.
   */
  readonly variant?: "logit-margin" | "adaptive";
  /** Weight of the variant's penalty; default 0.1. */
  readonly alpha?: number;
  /** How far a logit may fall behind the largest; default 10 ("logit-margin") or 3 ("adaptive"). */
  readonly margin?: number;
  /** Of the SVLS labels and the kernels "gaussian" and "bilateral", in pixels; default 1. */
  readonly sigma?: number;
  /** Of each class's mask before the window; default "none". */
  readonly morphology?: string;
  /** "adaptive": what cross-entropy compares with; default "hard". */
  readonly target?: "hard" | "svls";
  /** "adaptive": weight of the margin penalty; default 0. */
  readonly marginWeight?: number;
  /** "adaptive": differences up to this cost nothing; default 0. */
  readonly tolerance?: number;
  /** "adaptive": as in `nacl`. */
  readonly kernel?: string;
  /** "adaptive": as in `nacl`. */
  readonly size?: number;
  /** "adaptive": as in `nacl`. */
  readonly distance?: Distance;
  /** "adaptive": as in `nacl`. */
  readonly of?: "logits" | "probs";
}

const shared: Readonly<Record<string, OptionSchema>> = {
  preset: choice("original"),
  alpha: weight,
  margin: weight,
  sigma,
  morphology,
};
export const marginSvlsVariants: PresetSchemas = {
  "logit-margin": shared,
  adaptive: {
    ...shared,
    target: choice("hard", "svls"),
    marginWeight: weight,
    tolerance: weight,
    kernel: choice(...naclKernels),
    size,
    distance,
    of,
  },
};

/** Margin-SVLS, the margin-based losses beside NACL in the SDC paper. */
export function marginSvls(options: MarginSvlsOptions = {}): Loss {
  const variant = checkOptions("marginSvls", marginSvlsVariants, options, "variant");
  return variant === "adaptive" ? adaptive(options) : logitMargin(options);
}

function logitMargin({ alpha = 0.1, margin = 10, sigma, morphology }: MarginSvlsOptions): Loss {
  return defineLoss({
    name: "marginSvls",
    preset: "original",
    specs: softLabelsSpec,
    async targets(labels, context) {
      return { softLabels: await softTarget(labels, svlsTarget(sigma, morphology), context) };
    },
    terms(prediction, { softLabels }) {
      const crossEntropy = crossEntropyTerm(prediction, completed(prediction, softLabels, morphology));
      const term = marginTerm(prediction, margin);
      return { loss: plus(crossEntropy, alpha, term), terms: { crossEntropy, margin: term } };
    },
  });
}

function adaptive(options: MarginSvlsOptions): Loss {
  const { alpha = 0.1, margin = 3, marginWeight = 0, target = "hard", morphology = "none" } = options;
  const { kernel = "mean", size = 3, sigma = 1, distance = "l1", of = "logits", tolerance } = options;
  const specs: TargetSpecs =
    target === "svls" ? { ...softLabelsSpec, svlsLabels: softLabelsSpec.softLabels } : softLabelsSpec;
  return defineLoss({
    name: "marginSvls",
    preset: "original",
    needsImage: guidedByImage(kernel),
    specs,
    async targets(labels, context) {
      const neighborhood = { preset: "original", kernel, size, sigma, morphology } as const;
      const [softLabels, svlsLabels] = await Promise.all([
        softTarget(labels, neighborhood, context),
        target === "svls" ? softTarget(labels, svlsTarget(sigma, morphology), context) : undefined,
      ]);
      return svlsLabels === undefined ? { softLabels } : { softLabels, svlsLabels };
    },
    terms(prediction, { softLabels, svlsLabels }) {
      const soft = svlsLabels && completed(prediction, svlsLabels, morphology);
      const crossEntropy = crossEntropyTerm(prediction, soft);
      const neighbors = completed(prediction, softLabels!, morphology);
      const localCalibration = neighborhoodTerm(prediction, neighbors, { of, distance, tolerance });
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
