import {
  checkLabels,
  checkOptions,
  checkTensor,
  invalidArgument,
  type Labels,
  optionNames,
  sameDims,
  type Tensor,
} from "@pixelcal/core";
import type { Loss } from "@pixelcal/losses";
import { createSession, type TrainDevice } from "../runtime/session.js";
import { buildLossGraph, gradientOutput, lossValues, targetFeeds } from "./step-graph.js";

export interface LossOptions {
  /** The image [N, channels, ...spatial], for losses with an image-guided kernel. */
  readonly image?: Tensor<"float32">;
  /** Physical size of a pixel per spatial axis; ones by default. */
  readonly spacing?: readonly number[];
  readonly device?: TrainDevice;
  readonly threads?: number;
}

const names = optionNames<LossOptions>({ image: true, spacing: true, device: true, threads: true });

export interface LossGradient {
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
  /** The gradient of the loss by the logits, with their dims. */
  readonly gradient: Tensor<"float32">;
}

/**
 * Returns the value of a loss at logits [N, C, ...spatial] and labels [N, ...spatial], its terms, and its
 * gradient by the logits: the loss graph of a training step alone. Throws `InvalidArgumentError` for shapes
 * or labels that do not fit.
 */
export async function lossAndGradient(
  loss: Loss,
  logits: Tensor<"float32">,
  labels: Labels,
  options: LossOptions = {},
): Promise<LossGradient> {
  checkOptions("options", options, names);
  const { image, spacing, device, threads } = options;
  checkTensor("logits", logits, ["float32"], [3, 5]);
  checkLabels(labels);
  const expected = logits.dims.filter((_, axis) => axis !== 1);
  if (!sameDims(labels.dims, expected)) {
    throw invalidArgument(
      "labels",
      `[${expected.join(", ")}] for logits [${logits.dims.join(", ")}]`,
      labels.dims,
    );
  }
  const classes = logits.dims[1] ?? 0;
  const computed = await loss.targets(labels, { classes, image, spacing });
  const targets = { ...computed, ...loss.state?.arrays(classes) };
  const session = await createSession(buildLossGraph(loss, logits.dims, device), { device, threads });
  try {
    const outputs = await session.run({ logits, ...targetFeeds(targets) });
    return { ...lossValues(outputs), gradient: outputs[gradientOutput("logits")] as Tensor<"float32"> };
  } finally {
    await session.close();
  }
}
