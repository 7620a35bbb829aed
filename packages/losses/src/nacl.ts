import { defineLoss, type Loss, softLabelsSpec } from "./loss.js";
import { completed, guidedByImage, neighborhoodTerm, softTarget } from "./neighborhood.js";
import {
  checkOptions,
  choice,
  distance,
  morphology,
  of,
  type PresetSchemas,
  sigma,
  size,
  weight,
} from "./options.js";
import { crossEntropyTerm, type Distance, plus } from "./terms.js";

export interface NaclOptions {
  /**
   * `original`: NACL's authors, 2-D. `monai`: MONAI's NACLLoss, 2-D and 3-D, where weight outside the image is lost.
   * `reference`: what the SDC repository calls NACL, per-class closing and kernel against probabilities.
   */
  readonly preset?: "original" | "monai" | "reference";
  /** How the neighbourhood's labels become a target; default "mean" (`reference`: "min"). */
  readonly kernel?: string;
  /** Side of the window; default 3. */
  readonly size?: number;
  /** Of the kernels "gaussian" and "bilateral", in pixels; default 1. */
  readonly sigma?: number;
  /** Default "l1". */
  readonly distance?: Distance;
  /** Weight of the neighbourhood term; default 0.1. */
  readonly alpha?: number;
  /** What is held against the target; default "logits", the paper's. */
  readonly of?: "logits" | "probs";
  /** Of each class's mask before the window; default "none" (`reference`: "closing"). */
  readonly morphology?: string;
}

export const naclKernels: readonly string[] = [
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
];
const shared = { distance, alpha: weight, morphology };
export const naclPresets: PresetSchemas = {
  original: { ...shared, kernel: choice(...naclKernels), size, sigma, of },
  monai: { distance, alpha: weight, kernel: choice("mean", "gaussian"), size, of },
  reference: { ...shared, kernel: choice("mean", "max", "min", "mode", "gaussian", "bilateral") },
};

/**
 * CE + alpha * mean_all D(tau, z), tau the class frequencies in each pixel's neighbourhood: neighbour-aware calibration
 * (Murugesan et al., MICCAI 2023, eq. 8).
 */
export function nacl(options: NaclOptions = {}): Loss {
  const preset = checkOptions("nacl", naclPresets, options);
  const reference = preset === "reference";
  const { kernel = reference ? "min" : "mean", of = reference ? "probs" : "logits" } = options;
  const { size = 3, sigma = 1, distance = "l1", alpha = 0.1 } = options;
  const { morphology = reference ? "closing" : "none" } = options;
  return defineLoss({
    name: "nacl",
    preset,
    needsImage: guidedByImage(kernel),
    specs: softLabelsSpec,
    async targets(labels, context) {
      const target = { preset, kernel, size, sigma, morphology };
      return { softLabels: await softTarget(labels, target, context) };
    },
    terms(prediction, { softLabels }) {
      const target = reference ? softLabels : completed(prediction, softLabels, morphology);
      const crossEntropy = crossEntropyTerm(prediction);
      const localCalibration = neighborhoodTerm(prediction, target, { of, distance });
      return { loss: plus(crossEntropy, alpha, localCalibration), terms: { crossEntropy, localCalibration } };
    },
  });
}
