import { elementCount, type SoftLabelsOptions, softLabels, type Tensor } from "@pixelcal/core";
import type { Value } from "@pixelcal/graph";
import type { TargetContext } from "./loss.js";
import type { Prediction } from "./prediction.js";
import { type Distance, distanceMap } from "./terms.js";

/** The options of soft labels that a loss sets; the context adds the others. */
export type SoftTarget = Omit<SoftLabelsOptions, "classes" | "image" | "device" | "out">;

/** Returns soft labels [N, C, ...spatial] of checked labels; the image's first channel guides them. */
export function softTarget(
  labels: Tensor<"int32">,
  target: SoftTarget,
  { classes, image, device }: TargetContext,
): Promise<Tensor<"float32">> {
  return softLabels(labels, { ...target, classes, image: image && firstChannel(image), device });
}

/** Whether a kernel's window is weighted by the image. */
export function guidedByImage(kernel: string): boolean {
  return ["gradient", "bilateral", "image-l1", "image-l2"].includes(kernel);
}

/**
 * Returns mean_all D(tau, u), u the logits or the probabilities; differences up to `tolerance` cost nothing.
 */
export function neighborhoodTerm(
  prediction: Prediction,
  target: Value,
  options: { readonly of: "logits" | "probs"; readonly distance: Distance; readonly tolerance?: number },
): Value {
  const compared = options.of === "logits" ? prediction.logits : prediction.probs;
  return prediction.meanOverEntries(distanceMap(target, compared, options.distance, options.tolerance));
}

function firstChannel(image: Tensor<"float32">): Tensor<"float32"> {
  const [batch = 0, channels = 0, ...spatial] = image.dims;
  if (channels === 1) return image;
  const pixels = elementCount(spatial);
  const data = new Float32Array(batch * pixels);
  for (let n = 0; n < batch; n++) {
    const start = n * channels * pixels;
    data.set(image.data.subarray(start, start + pixels), n * pixels);
  }
  return { type: "float32", data, dims: [batch, 1, ...spatial] };
}
