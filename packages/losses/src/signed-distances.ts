import { borderLevels, type SignedDistanceOptions, signedDistance, type Tensor } from "@pixelcal/core";

/**
 * Returns signed distances in which ignored pixels belong to no class: they are a class of their own, left
 * out at the end.
 */
export async function distancesOf(
  labels: Tensor<"int32">,
  options: Omit<SignedDistanceOptions, "keep" | "out">,
  ignore: number | undefined,
): Promise<Tensor<"float32">> {
  if (ignore === undefined) return signedDistance(labels, options);
  return borderLevels(labels, { ...options, ignore, form: "distances" });
}
