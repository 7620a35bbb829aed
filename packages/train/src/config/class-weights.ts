import type { NamedLoss } from "@pixelcal/losses";

/** The word that a configuration has in place of class weights that follow from the training split. */
export const inverseFrequency = "inverse-frequency";

/** Tells whether a loss, or a part of a weighted one, asks for the class weights of the training split. */
export const asksForClassWeights = (loss: NamedLoss): boolean =>
  loss.classWeights === inverseFrequency || partsOf(loss).some((part) => asksForClassWeights(part.loss));

/** Returns a loss, and the parts of a weighted one, with weights in place of the word. */
export function withClassWeights<L extends NamedLoss>(loss: L, weights: readonly number[]): L {
  const parts = partsOf(loss);
  return {
    ...loss,
    ...(loss.classWeights === inverseFrequency && { classWeights: weights }),
    ...(parts.length > 0 && {
      losses: parts.map((part) => ({ ...part, loss: withClassWeights(part.loss, weights) })),
    }),
  };
}

/** Returns the parts of a weighted loss; none of what is no list of parts, which is refused elsewhere. */
function partsOf(loss: NamedLoss): readonly { readonly loss: NamedLoss }[] {
  const parts: readonly unknown[] = Array.isArray(loss.losses) ? loss.losses : [];
  const isPart = (part: unknown): part is { readonly loss: NamedLoss } =>
    typeof part === "object" &&
    part !== null &&
    "loss" in part &&
    typeof part.loss === "object" &&
    part.loss !== null;
  return parts.every(isPart) ? parts : [];
}
