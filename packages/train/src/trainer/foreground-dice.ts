import type { Labels, Tensor } from "@pixelcal/core";
import { argMax, confusionCounts, diceScore, overlapCounts } from "@pixelcal/core";

/**
 * Returns the Dice score of everything but the background, one per image: the most likely class of logits [N,
 * C, ...spatial] against labels [N, ...spatial], over the pixels whose label is not `ignore`. Two empty masks
 * score 1 (the SDC repository's (2I + e) / (S + e), e = 1e-6); an image in which every pixel is ignored has
 * no score, NaN.
 */
export async function foregroundDice(
  logits: Tensor<"float32">,
  labels: Labels,
  ignore?: number,
): Promise<number[]> {
  const classes = logits.dims[1]!;
  const confusion = await confusionCounts(await argMax(logits), labels, { classes, ignore });
  return Array.from({ length: logits.dims[0]! }, (_, n) => {
    const counted = confusion.data
      .subarray(n * classes ** 2, (n + 1) * classes ** 2)
      .some((count) => count > 0);
    return counted ? diceScore(overlapCounts(confusion, "foreground", n), { smooth: 1e-6 }) : Number.NaN;
  });
}
