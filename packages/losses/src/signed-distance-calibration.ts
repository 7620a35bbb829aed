import {
  invalidArgument,
  type MorphologyOp,
  type SignedDistanceOptions,
  type SoftLabelKernel,
} from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { boundaryCalibration, boundaryCalibrationSchema } from "./boundary-calibration.js";
import { defineLoss, type Loss, softLabelsSpec, type TargetContext, type TargetSpec } from "./loss.js";
import { type SoftTarget, softTarget } from "./neighborhood.js";
import {
  checkOptions,
  choice,
  distance,
  ignore,
  morphology,
  type OptionSchema,
  type PresetSchemas,
  sigma,
  size,
  weight,
} from "./options.js";
import { type Prediction, sumOver } from "./prediction.js";
import { distancesOf } from "./signed-distances.js";
import { crossEntropyTerm, type Distance, distanceMap, plus } from "./terms.js";

export interface SignedDistanceCalibrationOptions {
  /**
   * `reference` (default) is the SDC repository number for number; `consistent` corrects it; `proper` is
   * cross-entropy with a target softened by the signed distance, and a little Dice.
   */
  readonly preset?: "reference" | "consistent" | "proper";
  /** Weight of the local calibration term; default 0.1, under `proper` 0. */
  readonly alpha?: number;
  /** Weight of soft Dice; default 0.25 (`proper` only). */
  readonly dice?: number;
  /** Share of the uniform distribution in the soft target; default 0 (`proper` only). */
  readonly floor?: number;
  /** Weight of the signed-distance term; default 0.1. */
  readonly sdfWeight?: number;
  /**
   * Divides the signed-distance term; default 100 (`reference`) or 1 (`consistent`). Under `proper` the
   * width of the soft target's transition in pixels of the smallest spacing; default 0.35.
   */
  readonly scale?: number;
  /**
   * `reference`: of each class's mask before the window; default "gradient". `consistent`: chooses the band
   * in which labels are soft; by default, wherever the window holds more than one class.
   */
  readonly morphology?: MorphologyOp | "none";
  /** The kernel that averages a neighbourhood; default "mean". `consistent` has "mean" and "gaussian". */
  readonly kernel?: SoftLabelKernel;
  /** Side of the window in pixels; default 3 (`consistent` only). */
  readonly size?: number;
  /** The standard deviation of the kernel "gaussian", in pixels; default 1 (`consistent` only). */
  readonly sigma?: number;
  /** The distance in both terms; default "l1". */
  readonly distance?: Distance;
  /**
   * The prediction compared with signed distances: 2p - 1 ("reference") or 1 - 2p
   * ("consistent", of their sign).
   */
  readonly sign?: "reference" | "consistent";
  /** The scaling of signed distances; default "max" (`reference`) or "split" (`consistent`). */
  readonly normalize?: "none" | "max" | "split" | "truncate";
  /** The distance at which "truncate" cuts, in units of spacing. */
  readonly truncate?: number;
  /** Label of pixels that count nowhere and belong to no class (not under `reference`). */
  readonly ignore?: number;
}

const name = "signedDistanceCalibration";
const positive: OptionSchema = { type: "number", above: 0 };
const shared = {
  alpha: weight,
  sdfWeight: weight,
  scale: positive,
  distance,
  sign: choice("reference", "consistent"),
  normalize: choice("none", "max", "split", "truncate"),
  truncate: positive,
  morphology,
} as const;
export const signedDistanceCalibrationPresets: PresetSchemas = {
  reference: { ...shared, kernel: choice("mean", "max", "min", "mode", "gaussian", "bilateral") },
  consistent: { ...shared, kernel: choice("mean", "gaussian"), size, sigma, ignore },
  proper: boundaryCalibrationSchema,
};

const specs: { readonly softLabels: TargetSpec; readonly signedDistance: TargetSpec } = {
  ...softLabelsSpec,
  signedDistance: { type: "float32", layout: "classes" },
};

/**
 * Returns the signed-distance calibration loss SDC (Liang et al., CIKM 2025): CE + alpha * mean_all D(U, p)
 * + sdfWeight / scale * mean_all D(1 - 2p, s), with adaptive soft labels U and per-class signed distances
 * s, positive outside; or its preset `proper`.
 *
 * `reference` compares s with 2p - 1, divides it by its largest magnitude, measures in pixels, and its U is
 * zero wherever the morphology leaves no class. `consistent` compares s with 1 - 2p, scales inside and
 * outside separately in units of spacing, leaves absent classes out of the mean, and its U is the label
 * outside the boundary band. `proper` is CE(T, p) + dice * Dice(y, p) + alpha * mean_all (T - p)^2, with T
 * the labels softened at boundaries by their signed distance (`boundarySoftLabels` of core).
 *
 * Where each is least, per pixel: `reference` at the posterior but for terms that weigh .001 to .1.
 * `consistent` is improper: its l1 term elicits a median and sharpens, its signed-distance term pulls
 * borders to 1/2. `proper` with dice 0 at the mean of T, which is the posterior blurred over some `scale`
 * pixels; Dice then pushes p beyond it by dice * k p (1 - p), the more the smaller the foreground.
 */
export function signedDistanceCalibration(options: SignedDistanceCalibrationOptions = {}): Loss {
  const preset = checkOptions(name, signedDistanceCalibrationPresets, options);
  if (preset === "proper") return boundaryCalibration(name, preset, options);
  const { alpha = 0.1, sdfWeight = 0.1, distance = "l1", kernel = "mean", ignore } = options;
  checkTruncate(options);
  const reference = preset === "reference";
  const { scale = reference ? 100 : 1, sign = preset } = options;
  return defineLoss({
    name,
    preset,
    ignore,
    // The reference requires an image with this kernel and then ignores it.
    needsImage: kernel === "bilateral",
    specs,
    async targets(labels, context) {
      const [soft, distances] = await Promise.all([
        softTarget(labels, softOptions(options, reference), context),
        distancesOf(labels, distanceOptions(options, reference, context), ignore),
      ]);
      return { softLabels: soft, signedDistance: distances };
    },
    terms(prediction, targets) {
      const { probs } = prediction;
      const crossEntropy = crossEntropyTerm(prediction);
      const localCalibration = prediction.meanOverEntries(distanceMap(targets.softLabels, probs, distance));
      const twice = ops.Mul(probs, 2);
      const predicted = sign === "reference" ? ops.Sub(twice, 1) : ops.Sub(1, twice);
      const apart = distanceMap(predicted, targets.signedDistance, distance);
      const sdf = reference ? prediction.meanOverEntries(apart) : meanOverPresent(prediction, apart);
      const loss = plus(plus(crossEntropy, alpha, localCalibration), sdfWeight / scale, sdf);
      return { loss, terms: { crossEntropy, localCalibration, sdf } };
    },
  });
}

function checkTruncate({ normalize, truncate }: SignedDistanceCalibrationOptions): void {
  const name = "signedDistanceCalibration.truncate";
  if (normalize === "truncate" && truncate === undefined) {
    throw invalidArgument(name, "a reach to truncate at", truncate);
  }
  if (normalize !== "truncate" && truncate !== undefined) {
    throw invalidArgument(name, 'normalize "truncate" beside it', normalize);
  }
}

/**
 * Returns the mean of a map [N, C, ...spatial] over the counted pixels of the classes that a sample has.
 */
function meanOverPresent(prediction: Prediction, map: Value): Value {
  const { oneHot, spatial, counted } = prediction;
  const present = ops.ReduceMax(oneHot, spatial, { keepdims: 0 });
  const pixels =
    counted === undefined ? spatial.reduce((n, axis) => n * map.dims[axis]!, 1) : sumOver(counted, spatial);
  const sum = prediction.sum(ops.Mul(sumOver(prediction.masked(map), spatial), present));
  return ops.Div(sum, ops.Max(prediction.sum(ops.Mul(present, pixels)), 1));
}

function softOptions(options: SignedDistanceCalibrationOptions, reference: boolean): SoftTarget {
  const { kernel, size, sigma, ignore } = options;
  return reference
    ? { preset: "reference", kernel, morphology: options.morphology ?? "gradient" }
    : { preset: "consistent", kernel, morphology: options.morphology, size, sigma, ignore };
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
