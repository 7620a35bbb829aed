import type { Tensor } from "@pixelcal/core";
import { Refusal } from "./refusal.js";
import type { Service } from "./service.js";

/** Returns the model's probabilities [classes, ...spatial] of an image [C, ...spatial]. */
export async function predict(
  { predictor }: Pick<Service, "predictor">,
  image: Tensor<"float32">,
  signal: AbortSignal,
): Promise<Tensor<"float32">> {
  if (predictor === undefined) throw new Refusal(501, "no_model", "the service runs without --model");
  const { data, dims } = await predictor.predict({ ...image, dims: [1, ...image.dims] }, { signal });
  return { type: "float32", data, dims: dims.slice(1) };
}
