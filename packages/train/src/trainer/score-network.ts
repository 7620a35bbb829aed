import type { Tensor } from "@pixelcal/core";
import type { BatchSource } from "./epoch.js";
import type { Exchange } from "./exchange.js";
import { emptyScores, type ScoredChannels, scoresOfAll } from "./region-scores.js";
import type { Scores } from "./validation-scores.js";

/** A network's logits [N, classes, ...spatial] of images [N, C, ...spatial]. */
export interface LogitsModel {
  logits(images: Tensor<"float32">): Promise<Tensor<"float32">>;
}

/**
 * Returns the Dice and the NLL of a network on a validation split, as `fit` scores every epoch. Several
 * processes score a share of the batches each, and all get the same scores.
 */
export async function scoreNetwork(
  network: LogitsModel,
  validation: Required<Pick<BatchSource, "dealt">>,
  { exchange, ...channels }: ScoredChannels & { readonly exchange?: Exchange | undefined },
): Promise<Pick<Scores, "dice" | "nll">> {
  const { rank, size } = exchange ?? { rank: 0, size: 1 };
  const scores = emptyScores(channels);
  let batch = rank;
  for await (const { images, labels, filled } of validation.dealt(0, { rank, size })) {
    // Only a training has a loss.
    await scores.add({ batch, loss: 0, filled }, await network.logits(images), labels);
    batch += size;
  }
  const { dice, nll } = (await scoresOfAll(exchange, scores)).compute();
  return { dice, nll };
}
