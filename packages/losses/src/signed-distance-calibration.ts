import {
  type SignedDistanceOptions,
  type SoftLabelsOptions,
  signedDistance,
  softLabels,
} from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { defineLoss, type Loss, softLabelsSpec, type TargetContext, type TargetSpec } from "./loss.js";
import {
  checkOptions,
  choice,
  distance,
  morphology,
  type OptionSchema,
  type PresetSchemas,
  size,
  weight,
} from "./options.js";
import type { Prediction } from "./prediction.js";
import { crossEntropyTerm, type Distance, distanceMap, plus } from "./terms.js";

export interface SignedDistanceCalibrationOptions {
  /** `reference` is the SDC repository number for number; `consistent` corrects it. Default `reference`. */
  readonly preset?: "reference" | "consistent";
  /** Weight of the local calibration term; default 0.1. */
  readonly alpha?: number;
  /** Weight of the signed-distance term; default 0.1. */
  readonly sdfWeight?: number;
  /** Divides the signed-distance term; default 100 (`reference`) or 1 (`consistent`). */
  readonly scale?: number;
  /** Of each class before its neighbourhood is averaged; default "gradient" (`reference` only). */
  readonly morphology?: string;
  /** How a neighbourhood is averaged; default "mean" (`reference` only). */
  readonly kernel?: string;
  /** Side of the averaging window; default 3 (`consistent` only). */
  readonly size?: number;
  /** Of both terms; default "l1". */
  readonly distance?: Distance;
  /** What the signed distance s is compared with: 2p - 1 (`reference`) or 1 - 2p (`consistent`), which has its sign. */
  readonly sign?: "reference" | "consistent";
  /** How signed distances are scaled; default "max" (`reference`) or "split" (`consistent`). */
  readonly normalize?: "none" | "max" | "split" | "truncate";
  /** Where "truncate" cuts, in units of spacing. */
  readonly truncate?: number;
}

const positive: OptionSchema = { type: "number", above: 0 };
const shared: Readonly<Record<string, OptionSchema>> = {
  alpha: weight,
  sdfWeight: weight,
  scale: positive,
  distance,
  sign: choice("reference", "consistent"),
  normalize: choice("none", "max", "split", "truncate"),
  truncate: positive,
};
export const signedDistanceCalibrationPresets: PresetSchemas = {
  reference: {
    ...shared,
    morphology,
    kernel: choice("mean", "max", "min", "mode", "gaussian", "bilateral"),
  },
  consistent: { ...shared, size },
};

const signedDistanceSpec: { readonly signedDistance: TargetSpec } = {
  signedDistance: { type: "float32", layout: "classes" },
};

/**
 * CE + alpha * mean_all D(U, p) + sdfWeight / scale * mean_all D(1 - 2p, s), the signed-distance calibration loss SDC
 * (Liang et al., CIKM 2025), with adaptive soft labels U and per-class signed distances s, positive outside.
 *
 * `reference` compares s with 2p - 1, divides it by its largest magnitude, measures in pixels, and its U is zero
 * wherever the morphology leaves no class. `consistent` compares s with 1 - 2p, scales inside and outside separately in
 * units of spacing, leaves absent classes out of the mean, and its U is the label outside the boundary band.
 */
export function signedDistanceCalibration(options: SignedDistanceCalibrationOptions = {}): Loss {
  const { alpha = 0.1, sdfWeight = 0.1, distance = "l1" } = options;
  const preset = checkOptions("signedDistanceCalibration", signedDistanceCalibrationPresets, options);
  const reference = preset === "reference";
  const { scale = reference ? 100 : 1, sign = preset } = options;
  return defineLoss({
    name: "signedDistanceCalibration",
    preset,
    // The reference needs an image for this kernel and then does not look at it.
    needsImage: options.kernel === "bilateral",
    specs: { ...softLabelsSpec, ...signedDistanceSpec },
    async targets(labels, context) {
      const [soft, distances] = await Promise.all([
        softLabels(labels, reference ? adaptive(options, context) : consistent(options, context)),
        signedDistance(labels, distanceOptions(options, reference, context)),
      ]);
      return { softLabels: soft, signedDistance: distances };
    },
    terms(prediction, targets) {
      const crossEntropy = crossEntropyTerm(prediction);
      const { probs } = prediction;
      const localCalibration = prediction.meanOverEntries(distanceMap(targets.softLabels, probs, distance));
      const predicted = sign === "reference" ? ops.Sub(ops.Mul(probs, 2), 1) : ops.Sub(1, ops.Mul(probs, 2));
      const apart = distanceMap(predicted, targets.signedDistance, distance);
      const sdf = reference ? prediction.meanOverEntries(apart) : meanOverPresent(prediction, apart);
      const loss = plus(plus(crossEntropy, alpha, localCalibration), sdfWeight / scale, sdf);
      return { loss, terms: { crossEntropy, localCalibration, sdf } };
    },
  });
}

/** The mean over the maps of classes that a sample has. */
function meanOverPresent(prediction: Prediction, map: Value): Value {
  const { oneHot, spatial } = prediction;
  const means = ops.ReduceMean(map, spatial, { keepdims: 0 });
  const present = ops.ReduceMax(oneHot, spatial, { keepdims: 0 });
  return ops.Div(prediction.sum(ops.Mul(means, present)), prediction.sum(present));
}

function adaptive(options: SignedDistanceCalibrationOptions, context: TargetContext): SoftLabelsOptions {
  const { morphology = "gradient", kernel = "mean" } = options;
  const { classes, image, device } = context;
  return { preset: "reference", classes, morphology, kernel, image, device };
}

function consistent(
  { size }: SignedDistanceCalibrationOptions,
  { classes, device }: TargetContext,
): SoftLabelsOptions {
  return { preset: "consistent", classes, size, device };
}

function distanceOptions(
  { normalize, truncate }: SignedDistanceCalibrationOptions,
  reference: boolean,
  { classes, spacing, device }: TargetContext,
): SignedDistanceOptions {
  return reference
    ? { classes, normalize: normalize ?? "max", absent: "reference", truncate, device }
    : { classes, spacing, normalize: normalize ?? "split", absent: "far", truncate, device };
}
