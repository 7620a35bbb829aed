import {
  checkLabels,
  checkTensor,
  elementCount,
  invalidArgument,
  type Labels,
  type Tensor,
  tensor,
} from "@pixelcal/core";
import type { LabelRange } from "@pixelcal/losses";
import type { Window } from "../data/dataset-case.js";
import { cut } from "../data/patches.js";
import type { Tensors } from "../runtime/session-values.js";

/** Images [N, C, ...spatial] with their labels [N, ...spatial]. */
export interface TrainingBatch {
  readonly images: Tensor<"float32">;
  readonly labels: Labels;
  /** Numbers that the labels are known to hold, as a loader's are; others are checked. */
  readonly labelRange?: LabelRange;
  /** Physical size per spatial axis, for losses that measure distances. */
  readonly spacing?: readonly number[];
  /**
   * The numbers of images of a batch that the processes of a training share, by rank; these are the images
   * of one of them. A share of 0 counts nothing.
   */
  readonly shares?: readonly number[];
  /** The part of each image to score, in a validation; all of it by default. */
  readonly filled?: readonly Window[];
  /** The result of `Trainer.targets` for these labels, if already computed. */
  readonly targets?: Tensors;
}

/**
 * Returns the images' dims. Throws `InvalidArgumentError` unless labels [N, ...spatial] fit images [N, C,
 * ...spatial].
 */
export function checkBatch(batch: TrainingBatch): readonly number[] {
  if (typeof batch !== "object" || batch === null) throw invalidArgument("batch", "images and labels", batch);
  const { images, labels } = batch;
  checkTensor("images", images, ["float32"], [3, 5]);
  checkLabels(labels);
  const [count, , ...size] = images.dims;
  const wanted = [count, ...size];
  if (labels.dims.length !== wanted.length || labels.dims.some((n, axis) => n !== wanted[axis])) {
    throw invalidArgument("labels", `[${wanted.join(", ")}] for images [${images.dims}]`, `[${labels.dims}]`);
  }
  return images.dims;
}

/** Returns image `n` of an array [N, ...] of a batch as [1, ...]: the part of it to score. */
export function scoredPart<T extends Tensor>(
  { type, dims, data }: T,
  n: number,
  filled?: TrainingBatch["filled"],
): T {
  const shape = [1, ...dims.slice(1)];
  const size = elementCount(shape);
  const image = tensor(type, data.subarray(n * size, (n + 1) * size) as never, shape) as Tensor;
  const window = filled?.[n];
  return (window === undefined ? image : cut(image, window)) as T;
}
