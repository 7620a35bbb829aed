import type { Tensor } from "@pixelcal/core";
import { type SoftLabelsOptions, softLabels } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import type { TargetContext } from "./loss.js";
import { overClasses, type Prediction } from "./prediction.js";
import { type Distance, distanceMap } from "./terms.js";

/** What NACL, SVLS and Margin-SVLS say about a soft target; the context adds the rest. */
export type SoftTarget = Omit<SoftLabelsOptions, "classes" | "image" | "device">;

/** Soft labels of checked labels; an `undefined` morphology is none. */
export function softTarget(
  labels: Tensor<"int32">,
  target: SoftTarget,
  { classes, image, device }: TargetContext,
): Promise<Tensor<"float32">> {
  return softLabels(labels, { ...target, classes, image, device });
}

/** Kernels whose window is weighted by the image. */
export function guidedByImage(kernel: string | undefined): boolean {
  return kernel !== undefined && ["gradient", "bilateral", "image-l1", "image-l2"].includes(kernel);
}

/**
 * The soft labels as a target. Morphology can leave a pixel to no class; there the pixel keeps its own label, so that
 * the target is a distribution everywhere.
 */
export function completed({ oneHot }: Prediction, soft: Value, morphology: string | undefined): Value {
  if (morphology === undefined || morphology === "none") return soft;
  return ops.Add(soft, ops.Mul(oneHot, ops.Sub(1, overClasses(soft))));
}

/** mean_all D(tau, u), u the logits or the probabilities; differences up to `tolerance` cost nothing. */
export function neighborhoodTerm(
  prediction: Prediction,
  target: Value,
  options: { of: "logits" | "probs"; distance: Distance; tolerance?: number },
): Value {
  const compared = options.of === "logits" ? prediction.logits : prediction.probs;
  return prediction.meanOverEntries(distanceMap(target, compared, options.distance, options.tolerance));
}
