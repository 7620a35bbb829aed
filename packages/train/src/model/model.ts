import type { Graph } from "@pixelcal/graph";

/**
 * A segmentation network that can be laid out for any input size: `build` gives the inference graph with
 * input "image" [N, C, ...spatial], output "logits" [N, classes, ...spatial] and the same initial weights at
 * every size.
 */
export interface Model {
  readonly name: string;
  /** Spatial axes, 2 or 3. */
  readonly dimensions: number;
  /** Channels of the image. */
  readonly channels: number;
  readonly classes: number;
  /** Builds the network for images of these dims; `seed` replaces that of the model's initial weights. */
  build(dims: readonly number[], seed?: number): Graph;
}
