import { checkTensor, elementCount, invalidArgument, type Tensor } from "@pixelcal/core";
import { inTurns } from "../data/in-turns.js";
import type { LabelMap } from "./predict-labels.js";

/**
 * Returns the label map [...spatial] of the probabilities [regions, ...spatial] of sigmoid heads: each head
 * above one half writes its label of `classOrder`, later heads over earlier ones, as nnU-Net does.
 */
export async function regionLabels(
  probs: Tensor<"float32">,
  classOrder: readonly number[],
): Promise<LabelMap> {
  checkTensor("probs", probs, ["float32"], [3, 4]);
  const [heads = 0, ...spatial] = probs.dims;
  if (classOrder.length !== heads)
    throw invalidArgument("classOrder", `${heads} labels, one a region`, classOrder.length);
  const pixels = elementCount(spatial);
  const large = classOrder.some((label) => label > 255);
  const data = large ? new Uint16Array(pixels) : new Uint8Array(pixels);
  for (const [head, label] of classOrder.entries()) {
    const own = probs.data.subarray(head * pixels, (head + 1) * pixels);
    await inTurns(pixels, (begin, end) => {
      for (let i = begin; i < end; i++) if (own[i]! > 0.5) data[i] = label;
    });
  }
  return data instanceof Uint8Array
    ? { type: "uint8", dims: spatial, data }
    : { type: "uint16", dims: spatial, data };
}
