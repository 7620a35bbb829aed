import type { MorphologyOp, SoftLabelKernel } from "@pixelcal/core";
import { defineLoss, type Loss, softLabelsSpec } from "./loss.js";
import { guidedByImage, neighborhoodTerm, type SoftTarget, softTarget } from "./neighborhood.js";
import {
  checkOptions,
  choice,
  dimensions,
  distance,
  ignore,
  morphology,
  type OptionSchema,
  of,
  type PresetSchemas,
  sigma,
  size,
  weight,
} from "./options.js";
import { crossEntropyTerm, type Distance, plus } from "./terms.js";

/**
 * The options of soft labels: how labels and, for some kernels, the image around a pixel become its target.
 */
export interface NeighborhoodOptions {
  /**
   * The kernel that turns the neighbourhood's labels into a target; default "mean", the class frequencies.
   */
  readonly kernel?: SoftLabelKernel;
  /** Side of the window; default 3. */
  readonly size?: number;
  /** The standard deviation of the kernels "gaussian" and "bilateral", in pixels; default 1. */
  readonly sigma?: number;
  /** Number of trailing axes that the window spans; default 2, slice by slice in a volume. */
  readonly dimensions?: 2 | 3;
  /** The morphology of each class's mask before the window; default "none". */
  readonly morphology?: MorphologyOp | "none";
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

export interface NaclOptions extends NeighborhoodOptions {
  /**
   * `original`: NACL's authors. `monai`: MONAI's NACLLoss, 2-D and 3-D, where weight outside the image is
   * lost. `reference`: what the SDC repository calls NACL: probabilities against classes closed each on its
   * own and then (kernel "min" by default) eroded.
   */
  readonly preset?: "original" | "monai" | "reference";
  /** The distance; default "l1". */
  readonly distance?: Distance;
  /** Weight of the neighbourhood term; default 0.1. */
  readonly alpha?: number;
  /** The values compared with the target; default "logits", as in the paper. */
  readonly of?: "logits" | "probs";
}

export const neighborhood: Readonly<Record<string, OptionSchema>> = {
  kernel: choice(
    "mean",
    "max",
    "min",
    "median",
    "mode",
    "gaussian",
    "bilateral",
    "gradient",
    "image-l1",
    "image-l2",
  ),
  size,
  sigma,
  dimensions,
  morphology,
  ignore,
};
const penalty = { distance, alpha: weight };
export const naclPresets: PresetSchemas = {
  original: { ...neighborhood, ...penalty, of },
  monai: { kernel: choice("mean", "gaussian"), size, ignore, ...penalty, of },
  reference: {
    kernel: choice("mean", "max", "min", "mode", "gaussian", "bilateral"),
    morphology,
    ...penalty,
  },
};

/**
 * CE + alpha * mean_all D(tau, z), tau the class frequencies in each pixel's neighbourhood: neighbour-aware
 * calibration (Murugesan et al., MICCAI 2023).
 */
export function nacl(options: NaclOptions = {}): Loss {
  const preset = checkOptions("nacl", naclPresets, options) as "original" | "monai" | "reference";
  const reference = preset === "reference";
  const { kernel = reference ? "min" : "mean", of = reference ? "probs" : "logits" } = options;
  const { morphology = reference ? "closing" : "none", distance = "l1", alpha = 0.1 } = options;
  const { size, sigma, dimensions, ignore } = options;
  const target: SoftTarget = { preset, kernel, size, sigma, dimensions, morphology, ignore };
  return defineLoss({
    name: "nacl",
    preset,
    ignore,
    needsImage: guidedByImage(kernel),
    specs: softLabelsSpec,
    async targets(labels, context) {
      return { softLabels: await softTarget(labels, target, context) };
    },
    terms(prediction, { softLabels }) {
      const crossEntropy = crossEntropyTerm(prediction);
      const localCalibration = neighborhoodTerm(prediction, softLabels, { of, distance });
      return { loss: plus(crossEntropy, alpha, localCalibration), terms: { crossEntropy, localCalibration } };
    },
  });
}
